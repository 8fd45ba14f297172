package io.conveyor.store;

import java.time.Clock;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * The time in two ways: by the wall clock, which is what people and other processes go by, and by a steady clock, which
 * agrees with it when the process starts and is never set forward or back afterwards; deadlines go by the steady one.
 * Milliseconds since the epoch both. Thread-safe.
 */
final class Times {

    private final Clock wall;
    private final LongSupplier nanos;
    private final long startMillis;
    private final long startNanos;

    /** @param nanos a clock that only goes forward, such as {@link System#nanoTime} */
    Times(Clock wall, LongSupplier nanos) {
        this.wall = wall;
        this.nanos = nanos;
        startMillis = wall.millis();
        startNanos = nanos.getAsLong();
    }

    Clock wall() {
        return wall;
    }

    long wallMillis() {
        return wall.millis();
    }

    long steadyMillis() {
        return startMillis + TimeUnit.NANOSECONDS.toMillis(nanos.getAsLong() - startNanos);
    }
}
