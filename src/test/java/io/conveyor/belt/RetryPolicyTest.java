package io.conveyor.belt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.conveyor.job.JobError;
import java.time.Duration;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** How long a job waits for another attempt. */
class RetryPolicyTest {

    private static final JobError FAILURE = JobError.failed("not yet", true);

    private final ManualClock time = new ManualClock();

    private long pause(RetryPolicy policy, int attempts, JobError error) {
        return policy.dueAt(attempts, error) - time.millis();
    }

    @Test
    void theBoundDoublesUpToTheLongestHoweverManyAttempts() {
        RetryPolicy policy = time.policy(100);
        List<Long> pauses = IntStream.rangeClosed(1, 8)
                .mapToObj(attempts -> pause(policy, attempts, FAILURE))
                .toList();

        assertThat(pauses).containsExactly(1000L, 2000L, 4000L, 8000L, 16_000L, 32_000L, 60_000L, 60_000L);
        assertThat(pause(policy, 100, FAILURE)).isEqualTo(60_000);
    }

    @Test
    void anyTimeUpToTheBoundIsAsGood() {
        assertThat(pause(time.policy(100, bound -> 0), 5, FAILURE)).isZero();
        assertThat(pause(time.policy(100, bound -> bound / 2), 5, FAILURE)).isEqualTo(8000);
    }

    @Test
    void retryAfterComesFirstAndThePauseOnTop() {
        JobError busy = FAILURE.with(JobError.RETRY_AFTER, 30);

        assertThat(pause(time.policy(100, bound -> 0), 1, busy)).isEqualTo(30_000);
        assertThat(pause(time.policy(100), 1, busy)).isEqualTo(31_000);
    }

    @ParameterizedTest
    @CsvSource({"3599, 3599", "3600, 3600", "3601, 3600", "9223372036854775807, 3600", "-5, 0"})
    void retryAfterIsBelievedUpToAnHourHere(long said, long believed) {
        assertThat(time.policy(1).retryAfter(FAILURE.with(JobError.RETRY_AFTER, said)))
                .isEqualTo(Duration.ofSeconds(believed));
    }

    @Test
    void aRetryAfterThatIsNoNumberSaysNothing() {
        assertThat(FAILURE.with(JobError.RETRY_AFTER, "soon").retryAfter()).isZero();
    }

    @Test
    void settingsThatCannotBeUsedAreRefusedWithTheirKey() {
        Duration second = Duration.ofSeconds(1);
        assertThatThrownBy(() -> new BeltProperties.Backoff(Duration.ZERO, second, second))
                .hasMessageContaining("conveyor.job.backoff.first");
        assertThatThrownBy(() -> new BeltProperties.Backoff(second, second.dividedBy(2), second))
                .hasMessageContaining("conveyor.job.backoff.longest is");
        assertThatThrownBy(() -> new BeltProperties.Backoff(second, second, Duration.ofDays(2)))
                .hasMessageContaining("conveyor.job.backoff.longest-retry-after");
        assertThatThrownBy(() -> new BeltProperties.RetryBudget(101, 1))
                .hasMessageContaining("conveyor.job.retry-budget.percent");
        assertThatThrownBy(() -> new BeltProperties.RetryBudget(20, 0))
                .hasMessageContaining("conveyor.job.retry-budget.per-second");
        BeltProperties.Backoff backoff = new BeltProperties.Backoff(second, second, second);
        BeltProperties.RetryBudget budget = new BeltProperties.RetryBudget(20, 1);
        assertThatThrownBy(() -> new BeltProperties.JobDefaults(second, 0, second, backoff, budget))
                .hasMessageContaining("conveyor.job.max-attempts is 0; it must be 1 to 100");
    }
}
