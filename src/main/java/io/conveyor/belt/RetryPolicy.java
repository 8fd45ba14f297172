package io.conveyor.belt;

import io.conveyor.job.JobError;
import io.conveyor.job.SteadyClock;
import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.LongUnaryOperator;

/**
 * Says whether a failed job is tried again, and when: after a random time of up to a bound that doubles with each attempt
 * (exponential backoff with full jitter), or that time after the moment before which the failure asks not to be tried again.
 * Thread-safe.
 */
final class RetryPolicy {

    /** Doublings after which every bound is reached that may be set. */
    private static final int MOST_DOUBLINGS = 40;

    private final BeltProperties.JobDefaults defaults;
    private final Targets targets;
    private final SteadyClock clock;
    private final LongUnaryOperator random;

    RetryPolicy(BeltProperties.JobDefaults defaults, SteadyClock clock) {
        this(defaults, clock, bound -> ThreadLocalRandom.current().nextLong(bound));
    }

    /** @param random a number from 0 to below the given one */
    RetryPolicy(BeltProperties.JobDefaults defaults, SteadyClock clock, LongUnaryOperator random) {
        this.defaults = defaults;
        this.clock = clock;
        this.random = random;
        this.targets =
                new Targets(defaults.retryBudget(), defaults.backoff().longest(), clock, random, Targets.MOST_TARGETS);
    }

    Targets targets() {
        return targets;
    }

    SteadyClock clock() {
        return clock;
    }

    /** Whether a job that has failed so often gets another attempt. */
    boolean triesAgain(JobTask task, int attempts, JobError error) {
        return error.retryable()
                && attempts < maxAttempts(task)
                && !task.batch().isCancelled();
    }

    private int maxAttempts(JobTask task) {
        int own = task.job().maxAttempts() > 0
                ? task.job().maxAttempts()
                : task.batch().rules().maxAttempts();
        return own > 0 ? own : defaults.maxAttempts();
    }

    /** How long a failure keeps others from trying, at the most as long as is believed. */
    Duration retryAfter(JobError error) {
        Duration asked = error.retryAfter();
        Duration longest = defaults.backoff().longestRetryAfter();
        return asked.compareTo(longest) < 0 ? asked : longest;
    }

    /**
     * When the next attempt may start, milliseconds since the epoch by the steady clock.
     *
     * @param attempts made so far, 1 or more
     */
    long dueAt(int attempts, JobError error) {
        return clock.millis() + retryAfter(error).toMillis() + random.applyAsLong(bound(attempts) + 1);
    }

    private long bound(int attempts) {
        long longest = defaults.backoff().longest().toMillis();
        long first = defaults.backoff().first().toMillis();
        int doublings = Math.min(attempts - 1, MOST_DOUBLINGS);
        return first > longest >> doublings ? longest : first << doublings;
    }

    /** Nothing is ever due later than that, unless by a clock that went wrong. */
    long latest() {
        BeltProperties.Backoff backoff = defaults.backoff();
        return clock.millis()
                + backoff.longestRetryAfter().plus(backoff.longest()).toMillis();
    }
}
