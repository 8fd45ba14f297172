package io.conveyor.belt;

import static org.assertj.core.api.Assertions.assertThat;

import io.conveyor.belt.ActiveBatch.Stage;
import io.conveyor.job.BatchRules;
import io.conveyor.job.Job;
import io.conveyor.job.StopReason;
import io.conveyor.store.BatchRef;
import io.conveyor.store.SegmentRef;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** What a batch in memory says of itself. */
class ActiveBatchTest {

    private final List<ActiveBatch> settled = new ArrayList<>();
    private final ActiveBatch batch = batch(BatchRules.NONE);

    private ActiveBatch batch(BatchRules rules) {
        return new ActiveBatch(new BatchRef("default", 1, "b"), rules, 10, 77, settled::add);
    }

    private JobTask task(int index) {
        Job job = new Job(index, "echo", null, 0, null, new byte[0]);
        return new JobTask(null, batch, SegmentRef.fresh(batch.ref(), 0), job);
    }

    @Test
    void itsFirstSixteenJobsAreEarlyAndNoOther() {
        for (int job = 1; job <= 16; job++) {
            batch.handOver();
            assertThat(batch.isEarly()).isTrue();
        }
        batch.handOver();
        assertThat(batch.isEarly()).isFalse();
        batch.takeBack();
        assertThat(batch.isEarly()).isTrue();
    }

    @Test
    void whatHasStartedRunsUntilItIsRecorded() {
        assertThat(batch.startedAt()).isEmpty();
        batch.jobStarted(5);
        batch.jobStarted(7);
        batch.jobStarted(9);
        assertThat(batch.startedAt()).hasValue(5);
        assertThat(batch.running()).isEqualTo(3);
        batch.jobsRecorded(2, 1); // the other one never started
        assertThat(batch.running()).isEqualTo(2);
        batch.jobsRecorded(3, 3); // the start of one of them is not counted yet
        assertThat(batch.running()).isZero();
    }

    @Test
    void whatIsHandedOverIsOnTheWayUntilItIsRecordedOrTakenBack() {
        assertThat(batch.hasJobsOnTheWay()).isFalse();
        batch.handOver();
        batch.handOver();
        assertThat(batch.handed()).isEqualTo(2);
        batch.jobsRecorded(1, 0);
        assertThat(batch.hasJobsOnTheWay()).isTrue();
        batch.takeBack();
        assertThat(batch.hasJobsOnTheWay()).isFalse();
    }

    @Test
    void whoEntersCountsAsAJobUnlessTheBatchIsForgottenOrNotThereYet() {
        assertThat(batch.enter()).isTrue();
        assertThat(batch.handed()).isEqualTo(1);
        batch.moveTo(Stage.COMING);
        assertThat(batch.enter()).isFalse();
        batch.moveTo(Stage.FORGOTTEN);
        assertThat(batch.enter()).isFalse();
        assertThat(batch.handed()).isEqualTo(1);
    }

    @Test
    void itIsForgottenOnlyWhereItIsExpectedAndWithNothingOnTheWay() {
        batch.moveTo(Stage.PARKED);
        batch.handOver();
        assertThat(batch.forget(Stage.PARKED)).isFalse();
        batch.jobsRecorded(1, 1);
        assertThat(batch.forget(Stage.HELD)).isFalse();
        assertThat(batch.stage()).isEqualTo(Stage.PARKED);
        assertThat(batch.forget(Stage.PARKED)).isTrue();
        assertThat(batch.stage()).isEqualTo(Stage.FORGOTTEN);
    }

    @Test
    void itIsFedWhenItsLastJobIsHandedOverAndNoneHasComeBack() {
        batch.advanceTo(9);
        assertThat(batch.isFed()).isFalse();
        batch.advanceTo(10);
        assertThat(batch.isFed()).isTrue();
        batch.grow(2);
        assertThat(batch.indexEnd()).isEqualTo(12);
        assertThat(batch.isFed()).isFalse();
        batch.advanceTo(12);
        batch.keepFirst(task(3));
        assertThat(batch.isFed()).isFalse();
        assertThat(batch.hasTakenBack()).isTrue();
    }

    @Test
    void whatCameBackIsNotOnTheWayAndComesInItsOrder() {
        JobTask first = task(1);
        JobTask second = task(2);
        batch.handOver();
        batch.handOver();
        batch.keep(first);
        batch.keep(second);
        assertThat(batch.hasJobsOnTheWay()).isFalse();
        assertThat(settled).containsExactly(batch, batch);
        assertThat(batch.pollTakenBack()).isSameAs(first);
        batch.keepFirst(first);
        assertThat(batch.pollTakenBack()).isSameAs(first);
        assertThat(batch.pollTakenBack()).isSameAs(second);
        assertThat(batch.pollTakenBack()).isNull();
        assertThat(batch.hasTakenBack()).isFalse();
    }

    @Test
    void aCallOfALimitIsThereUntilTheNextQuestion() throws Exception {
        assertThat(batch.isCalled()).isFalse();
        batch.placeMayBeFree();
        assertThat(batch.isCalled()).isTrue();
        assertThat(settled).containsExactly(batch);
        batch.awaitCall(Duration.ofHours(1));
        assertThat(batch.isCalled()).as("who waits for it takes it not away").isTrue();
        batch.asks();
        assertThat(batch.isCalled()).isFalse();
        batch.awaitCall(Duration.ZERO);
        assertThat(batch.isCalled()).as("none came").isFalse();
    }

    @Test
    void whoWaitsForACallGoesOnWithIt() throws Exception {
        CountDownLatch called = new CountDownLatch(1);
        Thread owner = new Thread(() -> {
            try {
                batch.awaitCall(Duration.ofHours(1));
                called.countDown();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        owner.start();
        while (owner.getState() != Thread.State.TIMED_WAITING) {
            Thread.onSpinWait();
        }
        batch.placeMayBeFree();
        assertThat(called.await(BeltHarness.PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void itHasALimitOfItsOwnOnlyIfItsRulesSaySo() {
        assertThat(batch.limit()).isNull();
        assertThat(batch(new BatchRules(0, 0, 1, 0, null)).limit()).isNotNull();
    }

    @Test
    void itSaysWhatItWasTold() {
        assertThat(batch.isApart(4)).isFalse();
        batch.setApart(4);
        assertThat(batch.isApart(4)).isTrue();
        assertThat(batch.isApart(5)).isFalse();
        assertThat(batch.isCancelled()).isFalse();
        batch.stop(StopReason.DEADLINE);
        assertThat(batch.isCancelled()).isTrue();
        assertThat(batch.stopReason()).isEqualTo(StopReason.DEADLINE);
        batch.pause();
        assertThat(batch.isPaused()).isTrue();
        batch.resume();
        assertThat(batch.isPaused()).isFalse();
        assertThat(batch.acceptedAt()).isEqualTo(77);
    }
}
