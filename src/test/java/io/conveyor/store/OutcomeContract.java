package io.conveyor.store;

import static io.conveyor.store.Batches.Told.take;
import static io.conveyor.store.Batches.batch;
import static io.conveyor.store.Batches.outcome;
import static io.conveyor.store.Batches.seal;
import static io.conveyor.store.Batches.seeded;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import io.conveyor.job.BatchOutcome;
import io.conveyor.job.JobState;
import io.conveyor.job.Tally;
import io.conveyor.store.Batches.Told;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/** What every store must do with outcomes: keep each once, and say so. */
abstract class OutcomeContract extends StoreContract<StoreHarness> {

    OutcomeContract(StoreHarness harness) {
        super(harness);
    }

    private static final List<JobState> TERMINAL =
            Arrays.stream(JobState.values()).filter(JobState::isTerminal).toList();

    @RepeatedTest(5)
    void outcomesInAnyOrderOverManyCommitsAddUp() throws Exception {
        SplittableRandom random = seeded();
        int total = 1 + random.nextInt(2000);
        NewBatch batch = seal(store, "b1", total, 1 + random.nextInt(256));
        List<OutcomeEntry> outcomes = new ArrayList<>();
        Map<JobState, Integer> expected = new TreeMap<>();
        for (OpenSegment open : openSegments(batch.ref())) {
            for (int i = 0; i < open.segment().jobs(); i++) {
                JobState state = TERMINAL.get(random.nextInt(TERMINAL.size()));
                expected.merge(state, 1, Integer::sum);
                outcomes.add(outcome(open.ref(), open.segment().firstIndex() + i, state, random.nextInt(40)));
            }
        }
        Batches.shuffle(outcomes, random);
        int half = total / 2;
        inParallel(2, n -> {
            (n == 0 ? outcomes.subList(0, half) : outcomes.subList(half, total)).forEach(store::record);
            return true;
        });

        assertThat(take(told.ended, 1)).containsExactly(batch.ref());
        StoredBatch found = found("b1");
        assertThat(found.tally())
                .isEqualTo(new Tally(
                        total,
                        expected.getOrDefault(JobState.SUCCEEDED, 0),
                        expected.getOrDefault(JobState.FAILED, 0),
                        expected.getOrDefault(JobState.CANCELLED, 0),
                        expected.getOrDefault(JobState.EXPIRED, 0)));
        assertThat(found.outcome()).isEqualTo(found.tally().outcome());
        assertThat(found.startedAt()).isEqualTo(2_000_000);
        assertResults(batch.ref(), outcomes);
        assertThat(told.kept).hasSize(total);
        assertThat(told.late).isEmpty();
        assertThat(told.ended).as("ended once").isEmpty();
        assertThat(store.openSegment(batch.ref(), 0)).isNull();
        assertThat(store.status().backlogJobs()).isZero();
    }

    @Test
    void outcomeTwiceInOneGroupOrInTwoIsKeptOnce() {
        NewBatch batch = seal(store, "b1", 3, 256);
        SegmentRef ref = SegmentRef.fresh(batch.ref(), 0);
        OutcomeEntry first = outcome(ref, 1);
        Runnable release = harness.occupyWriter();
        store.record(first);
        store.record(outcome(ref, 1, JobState.FAILED, 5));
        store.record(first);
        release.run();
        assertThat(take(told.late, 2)).hasSize(2);
        store.record(outcome(ref, 1, JobState.FAILED, 5));
        assertThat(take(told.late, 1)).hasSize(1);

        assertThat(found("b1").tally()).isEqualTo(new Tally(3, 1, 0, 0, 0));
        assertResults(batch.ref(), List.of(first));
        assertThat(store.status().lateOutcomes()).isEqualTo(3);
        assertThat(store.status().backlogJobs()).isEqualTo(2);
    }

    @RepeatedTest(5)
    void twoReferencesToOneSegmentRecordEachJobOnce() throws Exception {
        SplittableRandom random = seeded();
        NewBatch batch = seal(store, "b1", 200, 256);
        SegmentRef loaded =
                Objects.requireNonNull(store.openSegment(batch.ref(), 0)).ref();
        SegmentRef fresh = SegmentRef.fresh(batch.ref(), 0);
        List<SplittableRandom> randoms = List.of(random.split(), random.split());
        inParallel(2, n -> {
            SplittableRandom mine = randoms.get(n);
            List<Integer> indexes =
                    new ArrayList<>(IntStream.range(0, 200).boxed().toList());
            Batches.shuffle(indexes, mine);
            for (int index : indexes) {
                store.record(outcome(n == 0 ? loaded : fresh, index, JobState.SUCCEEDED, n));
                if (mine.nextInt(20) == 0) {
                    store.renewEpoch(new BatchRef("nobody", 0, "")); // waits for a commit: splits the groups
                }
            }
            return true;
        });

        assertThat(take(told.ended, 1)).containsExactly(batch.ref());
        assertThat(take(told.late, 200)).hasSize(200);
        assertResults(batch.ref(), List.copyOf(told.kept));
    }

    @Test
    void outcomesOfAFormerOwnerAreLate() {
        NewBatch batch = seal(store, "b1", 10, 256);
        SegmentRef old =
                Objects.requireNonNull(store.openSegment(batch.ref(), 0)).ref();
        OutcomeEntry before = outcome(old, 3);
        store.record(before);
        take(told.kept, 1);

        store.renewEpoch(batch.ref());
        OpenSegment taken = Objects.requireNonNull(store.openSegment(batch.ref(), 0));
        store.record(outcome(old, 4, JobState.FAILED, 1));
        take(told.late, 1);

        assertThat(taken.recorded().stream().toArray()).containsExactly(3);
        OutcomeEntry after = outcome(taken.ref(), 4);
        store.record(after);
        take(told.kept, 1);
        store.record(outcome(taken.ref(), 3));
        take(told.late, 1);
        assertResults(batch.ref(), List.of(before, after));
        assertThat(found("b1").tally()).isEqualTo(new Tally(10, 2, 0, 0, 0));
    }

    @Test
    void moreOutcomesThanJobsAreLate() {
        NewBatch batch = seal(store, "b1", 2, 256);
        SegmentRef ref = SegmentRef.fresh(batch.ref(), 0);
        store.record(outcome(ref, 0));
        store.record(outcome(ref, 1));
        take(told.ended, 1);

        store.record(outcome(ref, 2));

        take(told.late, 1);
        assertThat(found("b1").tally()).isEqualTo(new Tally(2, 2, 0, 0, 0));
    }

    @Test
    void openSegmentsSkipWhatIsRecorded() {
        NewBatch batch = seal(store, "b1", 600, 200);
        SegmentRef first = SegmentRef.fresh(batch.ref(), 0);
        for (int i = 0; i < 200; i++) {
            store.record(outcome(first, i));
        }
        SegmentRef second = SegmentRef.fresh(batch.ref(), 200);
        store.record(outcome(second, 200));
        store.record(outcome(second, 399));
        take(told.kept, 202);

        OpenSegment open = Objects.requireNonNull(store.openSegment(batch.ref(), 0));
        assertThat(open.segment().firstIndex()).isEqualTo(200);
        assertThat(open.recorded().stream().toArray()).containsExactly(0, 199);
        assertThat(Objects.requireNonNull(store.openSegment(batch.ref(), 399))
                        .segment()
                        .firstIndex())
                .isEqualTo(200);
        assertThat(Objects.requireNonNull(store.openSegment(batch.ref(), 400))
                        .segment()
                        .firstIndex())
                .isEqualTo(400);
        assertThat(store.openSegment(batch.ref(), 600)).isNull();
        assertThat(openJobs(batch.ref())).hasSize(398).doesNotContain(0, 199, 200, 399);
    }

    @Test
    void aListenerThatThrowsHarmsNobody() {
        Told second = new Told();
        store.listen(new StoreListener() {
            @Override
            public void sealed(BatchRef batch, int jobs) {
                throw new IllegalStateException("sealed");
            }

            @Override
            public void recorded(BatchRef batch, List<OutcomeEntry> outcomes, boolean kept) {
                throw new IllegalStateException("recorded");
            }

            @Override
            public void ended(BatchRef batch, BatchOutcome outcome) {
                throw new IllegalStateException("ended");
            }

            @Override
            public void committed(int writes, long nanos) {
                throw new IllegalStateException("committed");
            }
        });
        store.listen(second);

        NewBatch batch = end("b1", 3);

        assertThat(take(second.kept, 3)).hasSize(3);
        assertThat(take(second.ended, 1)).containsExactly(batch.ref());
        assertThatCode(() -> end("b2", 3)).doesNotThrowAnyException();
    }

    @Test
    void anInterruptedCallerIsServedAndStaysInterrupted() {
        Thread.currentThread().interrupt();
        NewBatch batch = seal(store, "b1", 1, 256);
        store.record(outcome(SegmentRef.fresh(batch.ref(), 0), 0));

        assertThat(Thread.interrupted()).isTrue();
        assertThat(take(told.ended, 1)).containsExactly(batch.ref());
    }
}
