package io.conveyor.store;

import static io.conveyor.store.Batches.Told.take;
import static io.conveyor.store.Batches.bytes;
import static io.conveyor.store.Batches.seal;
import static org.assertj.core.api.Assertions.assertThat;

import io.conveyor.job.JobState;
import io.conveyor.job.Run;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What every store must do with jobs that are tried again: know how often and when, until they have their outcome. */
abstract class AttemptContract extends StoreContract<StoreHarness> {

    private final BlockingQueue<AttemptEntry> kept = new LinkedBlockingQueue<>();
    private final BlockingQueue<AttemptEntry> late = new LinkedBlockingQueue<>();

    AttemptContract(StoreHarness harness) {
        super(harness);
    }

    @BeforeEach
    void listen() {
        store.listen(new StoreListener() {
            @Override
            public void retrying(BatchRef batch, List<AttemptEntry> attempts, boolean wasKept) {
                (wasKept ? kept : late).addAll(attempts);
            }
        });
    }

    private static AttemptEntry attempt(SegmentRef segment, int index, int attempts, long dueAt) {
        return attempt(segment, index, attempts, dueAt, null);
    }

    private static AttemptEntry attempt(
            SegmentRef segment, int index, int attempts, long dueAt, @Nullable String target) {
        return new AttemptEntry(segment, index, "echo", run(attempts, "worker"), target, dueAt);
    }

    private static Run run(int attempts, String worker) {
        return new Run(attempts, 10, 7_000_000, 2_000_000 + attempts, 2_000_007 + attempts, worker);
    }

    private static OutcomeEntry outcome(SegmentRef segment, int index, Run run) {
        return new OutcomeEntry(segment, index, "echo", null, JobState.FAILED, bytes("{}"), run);
    }

    private void note(AttemptEntry attempt) {
        store.record(attempt);
        assertThat(take(kept, 1)).containsExactly(attempt);
    }

    /** Each of these jobs has failed once and is due at 500. */
    private void noteFirst(SegmentRef segment, int... indexes) {
        for (int index : indexes) {
            note(attempt(segment, index, 1, 500));
        }
    }

    private List<Integer> due(BatchRef batch, long now) {
        return store.dueAttempts(batch, now, 100).stream()
                .map(WaitingAttempt::index)
                .toList();
    }

    @Test
    void whatWaitsIsKnownWithItsCountItsTargetAndItsTime() {
        BatchRef batch = seal(store, "b1", 300, 256).ref();
        SegmentRef first = SegmentRef.fresh(batch, 0);
        note(attempt(first, 7, 1, 500, "host:80"));
        note(attempt(first, 3, 2, 400));
        note(attempt(SegmentRef.fresh(batch, 256), 280, 1, 900));

        assertThat(store.status().retryingJobs()).as("new rows").isEqualTo(2);
        assertThat(store.dueAttempts(batch, 500, 100))
                .containsExactly(
                        new WaitingAttempt(3, 2, 2_000_002, 7, null),
                        new WaitingAttempt(7, 1, 2_000_001, 7, "host:80"));
        assertThat(store.dueAttempts(batch, 900, 1)).hasSize(1);
        assertThat(store.nextAttempt(batch)).hasValue(400);
        assertThat(store.waitingAttempts(batch, 3, 100).stream().map(WaitingAttempt::index))
                .containsExactly(7, 280);
        assertThat(store.dueBatches(10)).containsExactly(new DueBatch(batch.batchNo(), 400));
        assertThat(found("b1").tally().open()).isEqualTo(300);
        assertThat(found("b1").startedAt()).isEqualTo(2_000_001);
    }

    @Test
    void whoOpensASegmentSeesWhatIsTriedAgainInItOrHasItsOutcome() {
        BatchRef batch = seal(store, "b1", 300, 256).ref();
        SegmentRef second = SegmentRef.fresh(batch, 256);
        noteFirst(second, 256, 299);

        BitSet expected = new BitSet();
        expected.set(0);
        expected.set(43);
        assertThat(openSegments(batch).get(0).tried()).isEqualTo(new BitSet());
        assertThat(openSegments(batch).get(1).tried()).isEqualTo(expected);
        assertThat(store.takeAttempts(batch, List.of(256), Map.of())).containsExactly(256);
        assertThat(openSegments(batch).get(1).tried()).as("in hand").isEqualTo(expected);

        store.record(outcome(second, 256, run(2, "worker")));
        take(told.kept, 1);
        expected.clear(0);
        OpenSegment open = openSegments(batch).get(1);
        assertThat(open.tried()).isEqualTo(expected);
        assertThat(open.recorded().get(0)).isTrue();
    }

    @Test
    void whatIsInHandIsNotDueAndIsLetGoWithTheNextEpoch() {
        BatchRef batch = seal(store, "b1", 10, 256).ref();
        SegmentRef segment = SegmentRef.fresh(batch, 0);
        noteFirst(segment, 1, 2, 3);

        assertThat(store.takeAttempts(batch, List.of(1, 2, 8), Map.of(3, 700L))).containsExactlyInAnyOrder(1, 2);
        assertThat(store.takeAttempts(batch, List.of(1), Map.of())).isEmpty();
        assertThat(due(batch, 10_000)).containsExactly(3);
        assertThat(store.nextAttempt(batch)).hasValue(700);

        store.renewEpoch(batch);
        assertThat(due(batch, 1)).containsExactlyInAnyOrder(1, 2);
        store.record(attempt(segment, 4, 1, 500));
        assertThat(take(late, 1)).hasSize(1);
        assertThat(due(batch, 10_000)).doesNotContain(4);
    }

    @Test
    void everyOutcomeEndsIt() {
        BatchRef batch = seal(store, "b1", 10, 256).ref();
        SegmentRef segment = SegmentRef.fresh(batch, 0);
        noteFirst(segment, 1, 2);
        note(attempt(segment, 2, 2, 600));

        store.record(outcome(segment, 1, new WaitingAttempt(1, 1, 5, 6, null).endedAt(9, 1))); // it waited
        store.record(outcome(segment, 2, run(3, "worker")));
        take(told.kept, 2);

        assertThat(due(batch, 10_000)).isEmpty();
        assertThat(store.nextAttempt(batch)).isEmpty();
        assertThat(store.dueBatches(10)).isEmpty();
        assertThat(store.status().retryingJobs()).isZero();
    }

    @Test
    void aCrashKeepsCountAndTime() {
        BatchRef batch = seal(store, "b1", 10, 256).ref();
        SegmentRef segment = SegmentRef.fresh(batch, 0);
        note(attempt(segment, 1, 3, 500, "host:80"));
        note(attempt(segment, 2, 1, 600));
        store.takeAttempts(batch, List.of(2), Map.of());

        BatchStore next = harness.afterCrash();

        assertThat(next.dueAttempts(batch, 500, 100))
                .containsExactly(new WaitingAttempt(1, 3, 2_000_003, 7, "host:80"));
        assertThat(next.status().retryingJobs()).isEqualTo(2);
        next.renewEpoch(batch);
        assertThat(next.dueAttempts(batch, 500, 100)).hasSize(2);
    }

    @Test
    void batchesThatAreDueComeByTimeWithoutThePausedOnes() {
        BatchRef late = seal(store, "b1", 10, 256).ref();
        BatchRef paused = seal(store, "b2", 10, 256).ref();
        BatchRef early = seal(store, "b3", 10, 256).ref();
        note(attempt(SegmentRef.fresh(late, 0), 1, 1, 900));
        note(attempt(SegmentRef.fresh(paused, 0), 1, 1, 100));
        note(attempt(SegmentRef.fresh(early, 0), 1, 1, 300));
        note(attempt(SegmentRef.fresh(early, 0), 2, 1, 200));
        store.pause(paused);

        assertThat(store.dueBatches(10))
                .containsExactly(new DueBatch(early.batchNo(), 200), new DueBatch(late.batchNo(), 900));
        assertThat(store.dueBatches(1)).hasSize(1);

        store.bringAttemptsForward(250);
        assertThat(store.dueBatches(10))
                .containsExactly(new DueBatch(early.batchNo(), 200), new DueBatch(late.batchNo(), 250));
    }

    @Test
    void whatIsLeftGoesWithItsBatch() {
        BatchRef batch = seal(store, "b1", 1, 256).ref();
        SegmentRef segment = SegmentRef.fresh(batch, 0);
        note(attempt(segment, 0, 1, 500));
        store.record(outcome(segment, 0, run(1, "worker"))); // says that it was not tried before
        take(told.ended, 1);
        store.delete(batch.tenant(), batch.id());

        assertThat(harness.rowsAfterSweep()).isZero();
    }

    @Test
    void attemptsTravelWithOutcomesAndEachIsKeptOnce() {
        BatchRef batch = seal(store, "b1", 100, 256).ref();
        SegmentRef segment = SegmentRef.fresh(batch, 0);
        Runnable release = harness.occupyWriter();
        for (int index = 0; index < 100; index++) {
            store.record(
                    index % 2 == 0 ? attempt(segment, index, 1, index) : outcome(segment, index, run(1, "worker")));
        }
        release.run();

        take(kept, 50);
        take(told.kept, 50);
        assertThat(due(batch, 100)).hasSize(50);
        assertThat(found("b1").tally().failed()).isEqualTo(50);
        assertThat(store.status().outcomesInHand()).isZero();
    }
}
