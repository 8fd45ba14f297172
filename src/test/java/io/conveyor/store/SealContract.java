package io.conveyor.store;

import static io.conveyor.store.Batches.TENANT;
import static io.conveyor.store.Batches.Told.take;
import static io.conveyor.store.Batches.batch;
import static io.conveyor.store.Batches.seal;
import static io.conveyor.store.Batches.segments;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.conveyor.job.BatchOutcome;
import io.conveyor.job.BatchRules;
import io.conveyor.job.BatchState;
import io.conveyor.job.OnError;
import io.conveyor.job.Tally;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What every store must do with what is sealed, and with what is not. */
abstract class SealContract extends StoreContract<StoreHarness> {

    SealContract(StoreHarness harness) {
        super(harness);
    }

    @Test
    void sealedBatchIsFoundAsItWasGiven() {
        NewBatch batch = seal(store, "b1", 300, 128);

        StoredBatch found = found("b1");
        assertThat(found.ref()).isEqualTo(batch.ref());
        assertThat(found.name()).isEqualTo("nightly");
        assertThat(found.metadata()).isEqualTo(batch.metadata());
        assertThat(found.fingerprint()).isEqualTo(batch.fingerprint());
        assertThat(found.rules()).isEqualTo(new BatchRules(30_000, 0, 0, 0, OnError.CONTINUE));
        assertThat(found.origin()).isEqualTo(Origin.CLIENT);
        assertThat(found.state()).isEqualTo(BatchState.RUNNING);
        assertThat(found.outcome()).isNull();
        assertThat(found.tally()).isEqualTo(new Tally(300, 0, 0, 0, 0));
        assertThat(found.createdAt()).isEqualTo(1_000_000);
        assertThat(found.startedAt()).isNull();
        assertThat(found.endedAt()).isNull();
        assertThat(found.ended()).isFalse();
        assertThat(take(told.sealed, 1)).containsExactly(batch.ref());
        for (int index : new int[] {0, 127, 128, 255, 256, 299}) {
            assertThat(store.job(batch.ref(), index)).usingRecursiveComparison().isEqualTo(Batches.job(index));
        }
        assertThat(store.job(batch.ref(), 300)).isNull();
    }

    @Test
    void rulesAndOriginComeBackAlsoAfterACrash() {
        BatchRules rules =
                new BatchRules(7, 100, 1_000_000, BatchRules.MAX_DEADLINE_MILLIS, OnError.ofText("tolerate:10"));
        NewBatch plain = batch(store, "b1", 1);
        NewBatch batch = new NewBatch(
                plain.ref(),
                null,
                null,
                plain.fingerprint(),
                null,
                rules,
                new Origin("first", "before"),
                1,
                plain.createdAtMillis());

        assertThat(store.seal(batch, segments(0, 1, 256))).isTrue();
        store = harness.afterCrash();

        assertThat(found("b1").rules()).isEqualTo(rules);
        assertThat(found("b1").origin()).isEqualTo(new Origin("first", "before"));
        assertThat(found("b1").deadlineAt()).isEqualTo(plain.createdAtMillis() + BatchRules.MAX_DEADLINE_MILLIS);
    }

    @ParameterizedTest
    @ValueSource(strings = {"continue", "cancel_rest", "tolerate:0", "tolerate:1000000000", "tolerate_percent:100"})
    void everyRuleForFailedJobsIsKept(String text) {
        BatchRules rules = new BatchRules(0, 0, 0, 0, OnError.ofText(text));

        assertThat(store.seal(batch(store, "b1", 1).with(rules), segments(0, 1, 256)))
                .isTrue();

        assertThat(found("b1").rules()).isEqualTo(rules);
        assertThat(found("b1").deadlineAt()).isNull();
    }

    @Test
    void nothingIsVisibleBeforeTheSeal() {
        NewBatch batch = batch(store, "b1", 512);
        List<PackedSegment> segments = segments(0, 512, 256);
        store.spill(batch.ref(), List.of(segments.get(0))).await();

        assertThat(store.find(TENANT, "b1")).isEmpty();
        assertThat(list(null, null)).isEmpty();
        assertThat(store.unfinished(0, 10)).isEmpty();
        assertThat(store.openSegment(batch.ref(), 0)).isNull();
        assertThat(store.job(batch.ref(), 0)).isNull();
        assertThatThrownBy(() -> store.results(batch.ref(), 0)).isInstanceOf(StoreException.class);
        assertThat(store.status().backlogJobs()).isZero();

        assertThat(store.seal(batch, segments.subList(1, 2))).isTrue();
        assertThat(openJobs(batch.ref())).hasSize(512);
        assertThat(store.status().backlogJobs()).isEqualTo(512);
    }

    @Test
    void sealIsRefusedWhenNotAllJobsAreThere() {
        NewBatch batch = batch(store, "b1", 600);
        List<PackedSegment> segments = segments(0, 512, 256);
        store.spill(batch.ref(), List.of(segments.get(0))).await();

        assertThatThrownBy(() -> store.seal(batch, segments.subList(1, 2))).isInstanceOf(StoreException.class);

        assertThat(store.find(TENANT, "b1")).isEmpty();
        assertThat(store.status().backlogJobs()).isZero();
        assertThat(store.status().working())
                .as("one wrong request is no trouble of the store")
                .isTrue();
    }

    @Test
    void abandonedUploadIsSweptAndCannotBeSealedAnyMore() {
        NewBatch batch = batch(store, "b1", 512);
        List<PackedSegment> segments = segments(0, 512, 256);
        store.spill(batch.ref(), List.of(segments.get(0))).await();
        store.spill(batch.ref(), List.of(segments.get(1))).await();

        store.abandon(batch.ref());

        assertThat(harness.rowsAfterSweep()).isZero();
        assertThatThrownBy(() -> store.seal(batch, List.of())).isInstanceOf(StoreException.class);
        assertThat(store.find(TENANT, "b1")).isEmpty();
    }

    @Test
    void batchWithoutJobsEndsWithItsSeal() {
        NewBatch batch = batch(store, "none", 0);

        assertThat(store.seal(batch, List.of())).isTrue();

        assertThat(found("none").outcome()).isEqualTo(BatchOutcome.SUCCEEDED);
        assertThat(take(told.ended, 1)).containsExactly(batch.ref());
        assertThat(store.results(batch.ref(), 0)).isNull();
        assertThat(store.status().batches()).containsEntry(BatchState.ENDED, 1L).containsEntry(BatchState.RUNNING, 0L);
        assertThat(store.delete(TENANT, "none")).isEqualTo(BatchStore.Deletion.DELETED);
    }

    @Test
    void secondBatchOfAnIdChangesNothing() {
        NewBatch first = seal(store, "b1", 10, 256);

        assertThat(store.seal(batch(store, "b1", 20), segments(0, 20, 256))).isFalse();

        assertThat(found("b1").ref()).isEqualTo(first.ref());
        assertThat(found("b1").tally().total()).isEqualTo(10);
        assertThat(store.status().backlogJobs()).isEqualTo(10);
        NewBatch other = batch(new BatchRef("globex", store.newBatchNo(), "b1"), 5);
        assertThat(store.seal(other, segments(0, 5, 256)))
                .as("another tenant's")
                .isTrue();
        assertThat(store.find("globex", "b1").orElseThrow().tally().total()).isEqualTo(5);
    }

    @RepeatedTest(3)
    void ofManySealsOfOneIdAtTheSameMomentOneWins() throws Exception {
        int threads = 12;
        CyclicBarrier barrier = new CyclicBarrier(threads);
        List<Boolean> won = inParallel(threads, n -> {
            NewBatch mine = batch(store, "same", 300 + n);
            List<PackedSegment> segments = segments(0, 300 + n, 256);
            store.spill(mine.ref(), List.of(segments.get(0))).await();
            barrier.await();
            boolean sealed = store.seal(mine, segments.subList(1, 2));
            if (!sealed) {
                store.abandon(mine.ref());
            }
            return sealed;
        });

        assertThat(won).containsOnlyOnce(true);
        int total = 300 + won.indexOf(true);
        assertThat(found("same").tally().total()).isEqualTo(total);
        assertThat(store.status().backlogJobs()).isEqualTo(total);
        assertThat(harness.rowsAfterSweep()).as("two segments and their inputs").isEqualTo(4);
        assertThat(openJobs(found("same").ref())).hasSize(total);
    }
}
