package io.conveyor.job;

import java.time.Clock;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * The time of day as it was at the start, and from there on as the monotonic clock counts: it never jumps while the
 * process lives, and means something to the next one. Deadlines and attempts go by it. Immutable, so safe for all threads.
 */
public final class SteadyClock {

    private final LongSupplier nanos;
    private final long startNanos;
    private final long startMillis;

    /** @param nanos as {@link System#nanoTime} */
    public SteadyClock(Clock clock, LongSupplier nanos) {
        this.nanos = nanos;
        startNanos = nanos.getAsLong();
        startMillis = clock.millis();
    }

    /** Milliseconds since the epoch. */
    public long millis() {
        return startMillis + TimeUnit.NANOSECONDS.toMillis(nanos.getAsLong() - startNanos);
    }

    /** Nanoseconds since anything, as {@link System#nanoTime}. */
    public long nanos() {
        return nanos.getAsLong();
    }
}
