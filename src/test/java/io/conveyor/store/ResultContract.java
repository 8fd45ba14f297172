package io.conveyor.store;

import static io.conveyor.store.Batches.TENANT;
import static io.conveyor.store.Batches.Told.take;
import static io.conveyor.store.Batches.batch;
import static io.conveyor.store.Batches.outcome;
import static io.conveyor.store.Batches.seal;
import static io.conveyor.store.Batches.seeded;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.conveyor.job.JobState;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** How every store must give results back: byte for byte, in either order, a window at a time. */
abstract class ResultContract extends StoreContract<StoreHarness> {

    ResultContract(StoreHarness harness) {
        super(harness);
    }

    @Test
    void largeResultsComeByteForByteOneBlockAtATime() {
        SplittableRandom random = seeded();
        NewBatch batch = seal(store, "big", 64, 256);
        SegmentRef ref = SegmentRef.fresh(batch.ref(), 0);
        List<OutcomeEntry> outcomes = new ArrayList<>();
        for (int i = 0; i < 64; i++) {
            outcomes.add(outcome(ref, i, JobState.SUCCEEDED, i == 7 ? 1_500_000 : random.nextInt(120_000)));
        }
        Batches.shuffle(outcomes, random);
        outcomes.forEach(store::record);
        take(told.ended, 1);

        assertThat(outcomes.stream().mapToLong(o -> o.value().length).sum()).isGreaterThan(4 << 20);
        assertResults(batch.ref(), outcomes);
    }

    @Test
    void resultsAreThereWhileTheBatchRunsAndEndAtItsEnd() {
        NewBatch batch = seal(store, "b1", 512, 256);
        SegmentRef second = SegmentRef.fresh(batch.ref(), 256);
        store.record(outcome(second, 300));
        take(told.kept, 1);

        ResultLines both = Objects.requireNonNull(store.results(batch.ref(), 0));
        assertThat(both.size()).isEqualTo(1);
        assertThat(both.index(0)).isEqualTo(300);
        assertThat(both.nextIndex()).isEqualTo(512);
        ResultLines one = Objects.requireNonNull(store.results(batch.ref(), 256));
        assertThat(one.size()).isEqualTo(1);
        assertThat(one.index(0)).isEqualTo(300);
        assertThat(one.state(0)).isEqualTo(JobState.SUCCEEDED);
        assertThat(store.results(batch.ref(), 512)).isNull();
    }

    @Test
    void resultsBySeqAreTheSameLinesInTheOrderOfCompletionFromAnyPlaceOn() {
        NewBatch batch = seal(store, "b1", 700, 256);
        assertThat(store.resultsBySeq(batch.ref(), 0).size()).isZero();
        List<Integer> order = new ArrayList<>(IntStream.range(0, 700).boxed().toList());
        Collections.shuffle(order, new Random(7));
        order.forEach(index -> store.record(outcome(SegmentRef.fresh(batch.ref(), index / 256 * 256), index)));
        take(told.ended, 1);

        List<String> bySeq = new ArrayList<>();
        for (int after : new int[] {0, 1, 255, 256, 699, 700}) {
            bySeq.clear();
            int seq = after;
            for (ResultLines some = store.resultsBySeq(batch.ref(), seq);
                    some.size() > 0;
                    some = store.resultsBySeq(batch.ref(), seq)) {
                for (int n = 0; n < some.size(); n++) {
                    assertThat(some.seq(n)).isEqualTo(++seq);
                    ByteArrayOutputStream line = new ByteArrayOutputStream();
                    some.line(n, line::write);
                    bySeq.add(line.toString(StandardCharsets.UTF_8));
                    assertThat(bySeq.get(bySeq.size() - 1))
                            .contains("{\"index\":" + some.index(n) + ",\"seq\":" + seq + ",");
                }
            }
            assertThat(seq).isEqualTo(700);
            assertThat(bySeq).hasSize(700 - after);
            if (after == 0) {
                assertThat(bySeq).containsExactlyInAnyOrderElementsOf(resultLines(batch.ref()));
            }
        }
        store.delete(TENANT, "b1");
        assertThatThrownBy(() -> store.resultsBySeq(batch.ref(), 0)).isInstanceOf(StoreException.class);
    }

    @Test
    void aWindowOfResultsHoldsWholeSegmentsAndLittleMoreThanItsBytes() {
        NewBatch batch = seal(store, "b1", 600, 200);
        for (int index = 0; index < 600; index++) {
            store.record(outcome(SegmentRef.fresh(batch.ref(), index / 200 * 200), index, JobState.SUCCEEDED, 1000));
        }
        take(told.ended, 1);

        ResultLines first = Objects.requireNonNull(store.results(batch.ref(), 0));
        assertThat(first.nextIndex()).isEqualTo(400);
        assertThat(first.size()).isEqualTo(400);
        assertThat(IntStream.range(0, 400).map(first::index)).isSorted();
        assertThat(store.resultsBySeq(batch.ref(), 0).size()).isBetween(200, 400);
    }

    @Test
    void largeLinesFetchedFromADeletedBatchAreNotMissedInSilence() {
        NewBatch batch = seal(store, "big", 2, 256);
        SegmentRef ref = SegmentRef.fresh(batch.ref(), 0);
        store.record(outcome(ref, 0, JobState.SUCCEEDED, 600_000));
        store.record(outcome(ref, 1, JobState.SUCCEEDED, 600_000));
        take(told.ended, 1);
        ResultLines results = Objects.requireNonNull(store.results(batch.ref(), 0));

        store.delete(TENANT, "big");
        harness.rowsAfterSweep();

        assertThatThrownBy(() -> results.line(1, (bytes, offset, length) -> {})).isInstanceOf(StoreException.class);
    }
}
