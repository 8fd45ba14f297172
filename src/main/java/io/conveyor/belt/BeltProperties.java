package io.conveyor.belt;

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

    public BeltProperties {
        if (drain.isNegative()) {
            throw new IllegalArgumentException("conveyor.drain is " + drain + "; it must be 0s or more, such as 30s");
        }
    }

    /**
     * What holds for jobs that say nothing themselves.
     *
     * @param timeout limit for one attempt of a job without its own {@code timeout_ms}; more than 0
     */
    public record JobDefaults(@DefaultValue("60s") Duration timeout) {

        public JobDefaults {
            if (timeout.isZero() || timeout.isNegative()) {
                throw new IllegalArgumentException(
                        "conveyor.job.timeout is " + timeout + "; it must be longer than nothing, such as 60s");
            }
        }
    }
}
