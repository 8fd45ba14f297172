package io.conveyor.store;

import static io.conveyor.store.Batches.TENANT;
import static io.conveyor.store.Batches.Told.take;
import static io.conveyor.store.Batches.batch;
import static io.conveyor.store.Batches.outcome;
import static io.conveyor.store.Batches.segments;
import static org.assertj.core.api.Assertions.assertThat;

import io.conveyor.job.BatchOutcome;
import io.conveyor.job.BatchRules;
import io.conveyor.job.BatchState;
import io.conveyor.job.JobState;
import io.conveyor.job.OnError;
import io.conveyor.job.StopReason;
import io.conveyor.job.Tally;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** How every store must stop batches: for their failures, in the transaction that has them; for their deadline; once. */
abstract class StopContract extends StoreContract<StoreHarness> {

    private static final long HOUR = 3_600_000;

    StopContract(StoreHarness harness) {
        super(harness);
    }

    private static BatchRules onError(String rule) {
        return new BatchRules(0, 0, 0, 0, OnError.ofText(rule));
    }

    private static BatchRules deadline(long millis) {
        return new BatchRules(0, 0, 0, millis, null);
    }

    private BatchRef sealed(String id, int total, BatchRules rules) {
        NewBatch batch = batch(store, id, total).with(rules);
        assertThat(store.seal(batch, segments(0, total, 256))).isTrue();
        return batch.ref();
    }

    private BatchRef opened(String id, int total, BatchRules rules) {
        NewBatch batch = batch(store, id, total).with(rules);
        assertThat(store.open(batch, segments(0, total, 256))).isTrue();
        return batch.ref();
    }

    /** Records that state for jobs from one index up to another, each known to the one reference. */
    private void record(SegmentRef segment, int from, int to, JobState state) {
        for (int index = from; index < to; index++) {
            store.record(outcome(segment, index, state, 0));
        }
        take(told.kept, to - from);
    }

    @AfterEach
    void figuresAreThoseOfTheDatabase() {
        StoreStatus live = store.status();
        assertThat(harness.afterCrash().status().batches()).isEqualTo(live.batches());
    }

    @Test
    void theFailureThatIsOneTooManyStopsTheBatchInItsOwnTransaction() {
        BatchRef batch = sealed("b1", 600, onError("tolerate:2"));
        SegmentRef segment = SegmentRef.fresh(batch, 0);

        record(segment, 0, 2, JobState.FAILED);
        record(segment, 2, 9, JobState.SUCCEEDED);
        assertThat(found("b1").state()).isEqualTo(BatchState.RUNNING);
        harness.setTime(7_000_000);
        record(segment, 9, 10, JobState.FAILED);

        store = harness.afterCrash(); // nobody has acted on it
        StoredBatch stopped = found("b1");
        assertThat(stopped.state()).isEqualTo(BatchState.CANCELLING);
        assertThat(stopped.stopReason()).isEqualTo(StopReason.ON_ERROR);
        assertThat(stopped.cancelRequestedAt()).isEqualTo(7_000_000);
        assertThat(stopped.tally()).isEqualTo(new Tally(600, 7, 3, 0, 0));
        assertThat(take(told.stopped, 1)).containsExactly(batch);
    }

    @Test
    void twoFailuresInOneCommitDoNotSlipThrough() {
        BatchRef batch = sealed("b1", 600, onError("tolerate:1"));
        Runnable release = harness.occupyWriter();
        store.record(outcome(SegmentRef.fresh(batch, 0), 3, JobState.FAILED, 0));
        store.record(outcome(SegmentRef.fresh(batch, 256), 300, JobState.FAILED, 0));
        store.record(outcome(SegmentRef.fresh(batch, 0), 4, JobState.FAILED, 0)); // has its turn after the first two
        release.run();
        take(told.kept, 3);

        store = harness.afterCrash();
        assertThat(found("b1").state()).isEqualTo(BatchState.CANCELLING);
        assertThat(found("b1").tally().failed()).isEqualTo(3);
        assertThat(take(told.stopped, 1)).containsExactly(batch);
        assertThat(told.stopped).as("once").isEmpty();
    }

    @Test
    void aLastOutcomeThatFailsEndsTheBatchAndStopsNothing() {
        BatchRef batch = sealed("b1", 3, onError("cancel_rest"));
        SegmentRef segment = SegmentRef.fresh(batch, 0);

        record(segment, 0, 2, JobState.SUCCEEDED);
        record(segment, 2, 3, JobState.FAILED);

        take(told.ended, 1);
        assertThat(found("b1").outcome()).isEqualTo(BatchOutcome.PARTIAL);
        assertThat(found("b1").stopReason()).isNull();
        assertThat(told.stopped).isEmpty();
    }

    @Test
    void aPausedBatchIsStoppedForWhatStillRan() {
        BatchRef batch = sealed("b1", 3, onError("cancel_rest"));
        store.pause(batch);

        record(SegmentRef.fresh(batch, 0), 0, 1, JobState.FAILED);

        assertThat(found("b1").state()).isEqualTo(BatchState.CANCELLING);
        assertThat(store.resume(batch)).isFalse();
    }

    @Test
    void aPausedBatchIsNotHandedOutUntilItIsResumed() {
        BatchRef batch = sealed("b1", 3, onError("continue"));
        store.pause(batch);
        assertThat(store.unfinished(0, 10)).isEmpty();

        store.resume(batch);

        assertThat(store.unfinished(0, 10)).extracting(StoredBatch::ref).containsExactly(batch);
    }

    @Test
    void aPercentageIsDecidedWhenTheUploadIsComplete() {
        BatchRef batch = opened("b1", 10, onError("tolerate_percent:50"));
        record(SegmentRef.fresh(batch, 0), 0, 6, JobState.FAILED);
        assertThat(found("b1").state()).isEqualTo(BatchState.OPEN);

        assertThat(store.append(batch, segments(10, 11, 256))).isTrue();
        store.complete(batch, new byte[] {1}, null);

        assertThat(found("b1").state()).isEqualTo(BatchState.CANCELLING);
        assertThat(found("b1").stopReason()).isEqualTo(StopReason.ON_ERROR);
        assertThat(take(told.stopped, 1)).containsExactly(batch);
    }

    @Test
    void aPercentageThatIsKeptLetsTheBatchRun() {
        BatchRef batch = opened("b1", 10, onError("tolerate_percent:50"));
        record(SegmentRef.fresh(batch, 0), 0, 6, JobState.FAILED);

        assertThat(store.append(batch, segments(10, 12, 256))).isTrue();
        store.complete(batch, new byte[] {1}, null);

        assertThat(found("b1").state()).isEqualTo(BatchState.RUNNING);
        record(SegmentRef.fresh(batch, 10), 10, 11, JobState.FAILED);
        assertThat(found("b1").state()).isEqualTo(BatchState.CANCELLING);
    }

    @Test
    void anOpenBatchIsStoppedAtOnceAndTakesNoMoreJobs() {
        BatchRef batch = opened("b1", 10, onError("tolerate:1"));

        record(SegmentRef.fresh(batch, 0), 0, 2, JobState.FAILED);

        assertThat(found("b1").state()).isEqualTo(BatchState.CANCELLING);
        assertThat(store.append(batch, segments(10, 11, 256))).isFalse();
    }

    @ParameterizedTest
    @EnumSource(StopReason.class)
    void anOpenBatchWithoutJobsLeftEndsWithTheStop(StopReason reason) {
        BatchRules rules = new BatchRules(0, 0, 0, HOUR, OnError.CANCEL_REST);
        BatchRef batch = opened("b1", 3, rules);
        JobState state = reason == StopReason.ON_ERROR ? JobState.FAILED : JobState.SUCCEEDED;
        record(SegmentRef.fresh(batch, 0), 0, 2, JobState.SUCCEEDED);
        record(SegmentRef.fresh(batch, 0), 2, 3, state);
        switch (reason) {
            case CANCEL -> assertThat(store.cancel(batch)).isTrue();
            case ON_ERROR -> {}
            case DEADLINE -> {
                harness.pass(HOUR);
                assertThat(store.stopOverdue(1)).hasSize(1);
            }
        }

        assertThat(take(told.ended, 1).get(0).batchNo()).isEqualTo(batch.batchNo());
        assertThat(found("b1").outcome()).as("more might have come").isEqualTo(BatchOutcome.INCOMPLETE);
        assertThat(store.append(batch, segments(3, 4, 256))).isFalse();
        store.complete(batch, new byte[] {7}, null);
        assertThat(found("b1").tally().total()).isEqualTo(3);
    }

    @ParameterizedTest
    @CsvSource({"86400000", "-86400000"})
    void aDeadlineComesWhenItsTimeHasPassedHoweverTheWallClockIsSet(long jump) {
        BatchRef batch = sealed("b1", 3, deadline(HOUR));
        assertThat(store.nextDeadline()).hasValue(HOUR);

        harness.setTime(4_000_000 + jump);
        harness.pass(HOUR - 1);
        assertThat(store.stopOverdue(10)).isEmpty();
        assertThat(store.nextDeadline()).hasValue(1);
        BatchRef other = sealed("b2", 3, deadline(HOUR)); // by the clock as it is now
        harness.pass(1);
        assertThat(store.nextDeadline()).hasValue(0);
        assertThat(store.stopOverdue(10)).extracting(BatchRef::batchNo).containsExactly(batch.batchNo());

        assertThat(found("b1").state()).isEqualTo(BatchState.CANCELLING);
        assertThat(found("b1").stopReason()).isEqualTo(StopReason.DEADLINE);
        assertThat(found("b1").cancelRequestedAt()).isNull();
        assertThat(store.nextDeadline()).hasValue(HOUR - 1);
        harness.pass(HOUR);
        assertThat(store.stopOverdue(10)).extracting(BatchRef::batchNo).containsExactly(other.batchNo());
        assertThat(store.nextDeadline()).isEmpty();
    }

    @Test
    void anotherProcessGoesByTheDeadlineOnTheWall() {
        harness.pass(HOUR / 2); // and the wall clock stood still: it was set back by so much
        NewBatch batch = new NewBatch(
                new BatchRef(TENANT, store.newBatchNo(), "b1"),
                null,
                null,
                new byte[] {1},
                null,
                deadline(HOUR),
                Origin.CLIENT,
                3,
                4_000_000);
        store.seal(batch, segments(0, 3, 256));
        harness.setTime(4_000_000 + HOUR - 5);
        store = harness.afterCrash();

        assertThat(store.nextDeadline()).hasValue(5);
        harness.pass(5);
        assertThat(store.stopOverdue(10)).hasSize(1);
    }

    @Test
    void theFirstReasonStands() {
        BatchRef cancelled = sealed("cancelled", 3, deadline(1));
        BatchRef failed = sealed("failed", 3, new BatchRules(0, 0, 0, 1, OnError.CANCEL_REST));
        BatchRef late = sealed("late", 3, new BatchRules(0, 0, 0, 1, OnError.CANCEL_REST));
        BatchRef ended = sealed("ended", 1, deadline(1));
        record(SegmentRef.fresh(ended, 0), 0, 1, JobState.SUCCEEDED);
        assertThat(store.cancel(cancelled)).isTrue();
        record(SegmentRef.fresh(failed, 0), 0, 1, JobState.FAILED);
        assertThat(store.cancel(failed)).isFalse();

        harness.pass(1);
        assertThat(store.stopOverdue(10)).extracting(BatchRef::batchNo).containsExactly(late.batchNo());
        record(SegmentRef.fresh(late, 0), 0, 1, JobState.FAILED);
        assertThat(store.cancel(late)).isFalse();

        assertThat(found("cancelled").stopReason()).isEqualTo(StopReason.CANCEL);
        assertThat(found("failed").stopReason()).isEqualTo(StopReason.ON_ERROR);
        assertThat(found("late").stopReason()).isEqualTo(StopReason.DEADLINE);
        assertThat(found("late").cancelRequestedAt()).isNull();
        assertThat(found("ended").outcome()).isEqualTo(BatchOutcome.SUCCEEDED);
    }

    @Test
    void batchesWithoutADeadlineAreNeverLateAndOthersAreStoppedByAndBy() {
        sealed("never", 3, BatchRules.NONE);
        for (int n = 0; n < 5; n++) {
            sealed("b" + n, 3, deadline(5 - n));
        }
        store.pause(found("b3").ref());
        harness.pass(5);

        List<BatchRef> first = store.stopOverdue(3);
        List<BatchRef> second = store.stopOverdue(3);

        assertThat(first).extracting(BatchRef::batchNo).containsExactly(no("b4"), no("b3"), no("b2"));
        assertThat(second).extracting(BatchRef::batchNo).containsExactly(no("b1"), no("b0"));
        assertThat(store.stopOverdue(3)).isEmpty();
        assertThat(list(BatchState.CANCELLING, null)).hasSize(5);
    }

    private long no(String id) {
        return found(id).ref().batchNo();
    }
}
