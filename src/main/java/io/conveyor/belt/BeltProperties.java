package io.conveyor.belt;

import io.conveyor.job.BatchRules;
import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * How jobs are run.
 *
 * @param job what holds for jobs that say nothing themselves
 * @param drain how long running jobs get after SIGTERM before they are interrupted; 0 or more
 */
@ConfigurationProperties("conveyor")
public record BeltProperties(
        @DefaultValue JobDefaults job, @DefaultValue("30s") Duration drain) {

    private static final Duration DAY = Duration.ofDays(1);

    public BeltProperties {
        if (drain.isNegative()) {
            throw new IllegalArgumentException("conveyor.drain is " + drain + "; it must be 0s or more, such as 30s");
        }
    }

    /**
     * What holds for jobs that say nothing themselves.
     *
     * @param timeout limit for one attempt of a job without its own {@code timeout_ms}; more than 0
     * @param maxAttempts attempts at the most of a job without its own {@code max_attempts}, in a batch without one; 1 to 100
     * @param alone how long everything else waits at a start, at first, for jobs that ran when the service ended abruptly twice;
     *     doubled each time that it ends again while one of them runs on; 1 ms to 1 day
     * @param backoff how long a job waits for another attempt
     * @param retryBudget how many further attempts a target may get while it fails
     */
    public record JobDefaults(
            @DefaultValue("60s") Duration timeout,
            @DefaultValue("1") int maxAttempts,
            @DefaultValue("5s") Duration alone,
            @DefaultValue Backoff backoff,
            @DefaultValue RetryBudget retryBudget) {

        public JobDefaults {
            if (timeout.isZero() || timeout.isNegative()) {
                throw new IllegalArgumentException(
                        "conveyor.job.timeout is " + timeout + "; it must be longer than nothing, such as 60s");
            }
            require(
                    maxAttempts >= 1 && maxAttempts <= BatchRules.MAX_ATTEMPTS,
                    "max-attempts",
                    maxAttempts,
                    "1 to " + BatchRules.MAX_ATTEMPTS);
            require(alone.toMillis() >= 1 && alone.compareTo(DAY) <= 0, "alone", alone, "1ms to 1d");
        }
    }

    /**
     * How long a job waits for another attempt: a random time up to a bound, which doubles with each attempt.
     *
     * @param first bound before the second attempt; 1 ms to 1 day
     * @param longest bound that is not passed however many attempts there were; at least as long as the first, up to 1 day
     * @param longestRetryAfter how much of a `Retry-After` is believed; 0 or more, up to 1 day
     */
    public record Backoff(
            @DefaultValue("1s") Duration first,
            @DefaultValue("5m") Duration longest,
            @DefaultValue("1h") Duration longestRetryAfter) {

        public Backoff {
            require(first.toMillis() >= 1 && first.compareTo(DAY) <= 0, "backoff.first", first, "1ms to 1d");
            require(
                    longest.compareTo(first) >= 0 && longest.compareTo(DAY) <= 0,
                    "backoff.longest",
                    longest,
                    "at least conveyor.job.backoff.first, and at most 1d");
            require(
                    !longestRetryAfter.isNegative() && longestRetryAfter.compareTo(DAY) <= 0,
                    "backoff.longest-retry-after",
                    longestRetryAfter,
                    "0s to 1d");
        }
    }

    /**
     * How many further attempts a target, such as a host, may get while it fails.
     *
     * @param percent further attempts, in per cent of the first attempts of late; 0 to 100
     * @param perSecond further attempts in a second beside those; 1 to 1000
     */
    public record RetryBudget(
            @DefaultValue("20") int percent,
            @DefaultValue("10") int perSecond) {

        public RetryBudget {
            require(percent >= 0 && percent <= 100, "retry-budget.percent", percent, "0 to 100");
            require(perSecond >= 1 && perSecond <= 1000, "retry-budget.per-second", perSecond, "1 to 1000");
        }
    }

    private static void require(boolean holds, String key, Object value, String mend) {
        if (!holds) {
            throw new IllegalArgumentException("conveyor.job." + key + " is " + value + "; it must be " + mend);
        }
    }
}
