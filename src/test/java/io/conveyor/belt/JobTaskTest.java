package io.conveyor.belt;

import static io.conveyor.belt.BeltHarness.handler;
import static org.assertj.core.api.Assertions.assertThat;

import io.conveyor.handler.JobOutput;
import io.conveyor.limit.Limit;
import io.conveyor.limit.Permit;
import io.conveyor.store.SegmentRef;
import io.conveyor.store.WaitingAttempt;
import java.util.List;
import org.junit.jupiter.api.Test;

class JobTaskTest extends BareParts {

    @SuppressWarnings("NullAway.Init")
    JobTaskTest() {}

    @Test
    void aTaskSaysWhatItIsButNotWhatItsInputIs() {
        JobRunner runner = runner(handler("echo", job -> new JobOutput(job.input())));
        ActiveBatch batch = batch(10, 0);
        JobTask task = task(runner, batch, job(5, "echo"));
        assertThat(task).hasToString("Job 5 of b (echo)");
        assertThat(task.bytes()).isPositive().isEqualTo(task.job().bytes());
        assertThat(task.attempts()).isZero();
        assertThat(new JobTask(
                                runner,
                                batch,
                                SegmentRef.fresh(batch.ref(), 0),
                                task.job(),
                                new WaitingAttempt(5, 2, 0, 0, null))
                        .attempts())
                .isEqualTo(2);
    }

    @Test
    void theFirstJobsOfABatchAreEarly() {
        ActiveBatch batch = batch(100, 0);
        JobTask task = task(runner(), batch, job(5, "echo"));
        assertThat(task.early()).isTrue();
        for (int n = 0; n < 17; n++) {
            batch.handOver();
        }
        assertThat(task.early()).isFalse();
    }

    @Test
    void aTaskWithAPermitIsTheSameInEveryOtherWay() {
        ActiveBatch batch = batch(100, 0);
        JobTask task = task(runner(), batch, job(5, "echo"));
        assertThat(task.with(Permit.FREE)).isSameAs(task);
        Permit permit = Permit.take(List.of(Limit.ofOne(1)), batch);
        assertThat(permit).isNotNull();
        JobTask permitted = task.with(permit);
        assertThat(permitted.permit()).isSameAs(permit);
        assertThat(permitted.job()).isSameAs(task.job());
        assertThat(permitted.batch()).isSameAs(batch);
    }
}
