package io.conveyor.store;

import static io.conveyor.store.Batches.TENANT;
import static io.conveyor.store.Batches.Told.take;
import static io.conveyor.store.Batches.job;
import static io.conveyor.store.Batches.outcome;
import static io.conveyor.store.Batches.seal;
import static io.conveyor.store.Batches.shuffle;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.conveyor.job.BatchOutcome;
import io.conveyor.job.BatchRules;
import io.conveyor.job.JobState;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/** What every store must do with a batch whose indexes have gaps, and how it finds the jobs to make one of. */
abstract class SparseContract extends StoreContract<StoreHarness> {

    SparseContract(StoreHarness harness) {
        super(harness);
    }

    /** Seals a batch of jobs of these indexes, ascending. */
    private NewBatch sparse(String id, List<Integer> indexes) {
        List<PackedSegment> segments = new ArrayList<>();
        SegmentPacker packer = new SegmentPacker();
        for (int index : indexes) {
            if (!packer.takes(index)) {
                segments.add(packer.take());
            }
            packer.add(job(index));
        }
        segments.add(packer.take());
        NewBatch batch = new NewBatch(
                new BatchRef(TENANT, store.newBatchNo(), id),
                null,
                null,
                new byte[] {1},
                null,
                BatchRules.NONE,
                new Origin("other", null),
                indexes.size(),
                indexes.get(indexes.size() - 1) + 1,
                List.of(),
                1_000_000);
        assertThat(store.seal(batch, segments)).isTrue();
        return batch;
    }

    private static List<Integer> someIndexes(SplittableRandom random) {
        TreeSet<Integer> indexes = new TreeSet<>();
        int most = random.nextBoolean() ? 600 : 20_000;
        int count = 1 + random.nextInt(500);
        for (int i = 0; i < count; i++) {
            indexes.add(random.nextInt(most));
        }
        return List.copyOf(indexes);
    }

    @RepeatedTest(10)
    void everyJobOfASparseBatchIsFoundRunAndReadUnderItsIndex() {
        SplittableRandom random = Batches.seeded();
        List<Integer> indexes = someIndexes(random);
        BatchRef batch = sparse("gaps", indexes).ref();
        assertThat(found("gaps").indexEnd()).isEqualTo(indexes.get(indexes.size() - 1) + 1);
        assertThat(found("gaps").tally().total()).isEqualTo(indexes.size());
        assertThat(openJobs(batch)).isEqualTo(indexes);
        for (int n = 0; n < 20; n++) {
            int index = random.nextInt(found("gaps").indexEnd() + 2);
            assertThat(store.job(batch, index) != null).as("job %s", index).isEqualTo(indexes.contains(index));
            OpenSegment open = store.openSegment(batch, index);
            int least = indexes.stream().filter(i -> i >= index).findFirst().orElse(-1);
            assertThat(open == null ? -1 : firstFrom(open, index)).isEqualTo(least);
        }

        List<OutcomeEntry> outcomes = new ArrayList<>();
        for (OpenSegment open : openSegments(batch)) {
            SegmentCursor cursor = new SegmentCursor(open.segment());
            while (cursor.hasNext()) {
                outcomes.add(outcome(open.ref(), cursor.next().index()));
            }
        }
        shuffle(outcomes, random);
        List<OutcomeEntry> half = outcomes.subList(0, outcomes.size() / 2);
        half.forEach(store::record);
        take(told.kept, half.size());
        assertResults(batch, half);
        assertThat(openJobs(batch)).hasSize(indexes.size() - half.size()).allMatch(indexes::contains);
        outcomes.subList(half.size(), outcomes.size()).forEach(store::record);

        assertThat(take(told.ended, 1)).containsExactly(batch);
        assertResults(batch, outcomes);
        assertThat(found("gaps").outcome()).isEqualTo(BatchOutcome.SUCCEEDED);
    }

    private static int firstFrom(OpenSegment open, int index) {
        SegmentCursor cursor = new SegmentCursor(open.segment());
        while (cursor.nextIndex() < index) {
            cursor.skip();
        }
        return cursor.nextIndex();
    }

    @RepeatedTest(5)
    void jobsArePickedByTheStateOfTheirOutcomes() {
        SplittableRandom random = Batches.seeded();
        int total = 1 + random.nextInt(1500);
        NewBatch batch = seal(store, "all", total, 1 + random.nextInt(256));
        TreeSet<Integer> failed = new TreeSet<>();
        TreeSet<Integer> cancelled = new TreeSet<>();
        int rare = 1 + random.nextInt(300);
        for (OpenSegment open : openSegments(batch.ref())) {
            for (int place = 0; place < open.segment().jobs(); place++) {
                int index = open.segment().firstIndex() + place;
                JobState state = switch (random.nextInt(rare)) {
                    case 0 -> JobState.FAILED;
                    case 1 -> JobState.CANCELLED;
                    default -> JobState.SUCCEEDED;
                };
                if (state != JobState.SUCCEEDED) {
                    (state == JobState.FAILED ? failed : cancelled).add(index);
                }
                store.record(outcome(open.ref(), index, state, random.nextInt(50)));
            }
        }
        take(told.ended, 1);

        assertThat(picked(batch.ref(), EnumSet.of(JobState.FAILED))).containsExactlyElementsOf(failed);
        assertThat(picked(batch.ref(), EnumSet.of(JobState.EXPIRED))).isEmpty();
        failed.addAll(cancelled);
        assertThat(picked(batch.ref(), EnumSet.of(JobState.FAILED, JobState.CANCELLED)))
                .containsExactlyElementsOf(failed);
    }

    private List<Integer> picked(BatchRef batch, Set<JobState> states) {
        List<Integer> indexes = new ArrayList<>();
        PickedJobs picked = store.pick(batch, 0, states);
        while (picked != null) {
            PackedSegment segment = picked.segment();
            picked.places().stream().forEach(place -> indexes.add(segment.firstIndex() + place));
            picked = store.pick(batch, segment.endIndex(), states);
        }
        return indexes;
    }

    @Test
    void nothingIsPickedOfABatchThatIsGone() {
        NewBatch batch = end("gone", 10);
        store.delete(TENANT, "gone");

        assertThatThrownBy(() -> store.pick(batch.ref(), 0, EnumSet.of(JobState.SUCCEEDED)))
                .isInstanceOf(StoreException.class);
    }
}
