package io.conveyor.belt;

import io.conveyor.job.SteadyClock;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongUnaryOperator;

/** Time that goes on when the test says so. */
final class ManualClock {

    static final long START = 1_800_000_000_000L;

    private final AtomicLong nanos = new AtomicLong();
    private final SteadyClock clock;

    ManualClock() {
        this(START);
    }

    ManualClock(long millis) {
        clock = new SteadyClock(Clock.fixed(Instant.ofEpochMilli(millis), ZoneOffset.UTC), nanos::get);
    }

    void advance(Duration time) {
        nanos.addAndGet(time.toNanos());
    }

    SteadyClock clock() {
        return clock;
    }

    long millis() {
        return clock.millis();
    }

    /** So many attempts, pauses of 1, 2, 4, … seconds without chance, up to a minute, and an hour of Retry-After. */
    RetryPolicy policy(int attempts) {
        return policy(attempts, bound -> bound - 1);
    }

    RetryPolicy policy(int attempts, LongUnaryOperator random) {
        return new RetryPolicy(defaults(attempts, Duration.ofSeconds(1)), clock, random);
    }

    /** Real time, and pauses of a millisecond at the most. */
    static RetryPolicy quick(int attempts) {
        return new RetryPolicy(
                defaults(attempts, Duration.ofMillis(1)), new SteadyClock(Clock.systemUTC(), System::nanoTime));
    }

    private static BeltProperties.JobDefaults defaults(int attempts, Duration first) {
        return new BeltProperties.JobDefaults(
                Duration.ofSeconds(60),
                attempts,
                Duration.ofSeconds(5),
                new BeltProperties.Backoff(first, first.multipliedBy(60), Duration.ofHours(1)),
                new BeltProperties.RetryBudget(20, 10));
    }
}
