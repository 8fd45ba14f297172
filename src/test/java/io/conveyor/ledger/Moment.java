package io.conveyor.ledger;

import java.util.concurrent.TimeUnit;

/**
 * The one clock of all books: microseconds since the epoch that never run back, whatever is done to other clocks. Agrees
 * with the wall when the process starts, so that a program of its own may write the time as well. Thread-safe.
 */
final class Moment {

    static final long SECOND = 1_000_000;

    /** What is to be added to the steady clock; right to a millisecond. */
    private static final long EPOCH = TimeUnit.MILLISECONDS.toMicros(System.currentTimeMillis()) - steady();

    private Moment() {}

    static long now() {
        return EPOCH + steady();
    }

    private static long steady() {
        return TimeUnit.NANOSECONDS.toMicros(System.nanoTime());
    }

    static long millis(long micros) {
        return TimeUnit.MICROSECONDS.toMillis(micros);
    }
}
