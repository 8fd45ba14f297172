package io.conveyor.store;

import static io.conveyor.store.Batches.TENANT;
import static io.conveyor.store.Batches.Told.take;
import static io.conveyor.store.Batches.batch;
import static io.conveyor.store.Batches.outcome;
import static io.conveyor.store.Batches.seal;
import static io.conveyor.store.Batches.seeded;
import static io.conveyor.store.Batches.segments;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.conveyor.job.BatchOutcome;
import io.conveyor.job.BatchState;
import io.conveyor.job.Tally;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/** How every store must keep batches: listed, counted, over a crash, and until they are deleted or their time is up. */
abstract class KeepingContract extends StoreContract<StoreHarness> {

    KeepingContract(StoreHarness harness) {
        super(harness);
    }

    @Test
    void onlyEndedBatchesAreDeletedAndNothingOfThemStays() {
        NewBatch running = seal(store, "running", 10, 256);
        NewBatch ended = end("ended", 700);

        assertThat(store.delete(TENANT, "unknown")).isEqualTo(BatchStore.Deletion.NOT_FOUND);
        assertThat(store.delete("globex", "ended")).isEqualTo(BatchStore.Deletion.NOT_FOUND);
        assertThat(store.delete(TENANT, "running")).isEqualTo(BatchStore.Deletion.NOT_ENDED);
        assertThat(store.delete(TENANT, "ended")).isEqualTo(BatchStore.Deletion.DELETED);
        assertThat(store.delete(TENANT, "ended")).isEqualTo(BatchStore.Deletion.NOT_FOUND);

        assertThat(store.find(TENANT, "ended")).isEmpty();
        assertThatThrownBy(() -> store.results(ended.ref(), 0)).isInstanceOf(StoreException.class);
        store.record(outcome(SegmentRef.fresh(ended.ref(), 0), 0));
        take(told.late, 1);
        assertThat(harness.rowsAfterSweep())
                .as("the running batch's segment and its input")
                .isEqualTo(2);
        assertThat(openJobs(running.ref())).hasSize(10);
        assertThat(store.status().batches()).containsEntry(BatchState.ENDED, 0L).containsEntry(BatchState.RUNNING, 1L);
        assertThat(store.seal(batch(store, "ended", 1), segments(0, 1, 256)))
                .as("the id is free again")
                .isTrue();
    }

    @Test
    void endedBatchesGoWhenTheirTimeIsUp() {
        harness.setTime(5_000_000);
        end("old", 300);
        seal(store, "running", 10, 256);
        long expires = 5_000_000 + SqliteStores.RETENTION.toMillis();
        assertThat(found("old").endedAt()).isEqualTo(5_000_000);
        assertThat(found("old").expiresAt()).isEqualTo(expires);

        harness.setTime(expires - 1);
        harness.keep();
        assertThat(store.find(TENANT, "old")).isPresent();

        harness.setTime(expires);
        harness.keep();
        assertThat(harness.rowsAfterSweep()).isEqualTo(2);
        assertThat(store.find(TENANT, "old")).isEmpty();
        assertThat(store.find(TENANT, "running")).isPresent();
        assertThat(store.status().batches()).containsEntry(BatchState.ENDED, 0L).containsEntry(BatchState.RUNNING, 1L);
    }

    @Test
    @SuppressWarnings("NullAway") // JDK 17 does not show it that the array may be null
    void listsAreFilteredAndPagedNewestFirst() {
        List<String> ids = new ArrayList<>();
        for (int i = 0; i < 7; i++) {
            String id = "b" + i;
            ids.add(0, id);
            if (i % 2 == 0) {
                end(id, 1);
            } else {
                seal(store, id, 1, 256);
            }
        }
        NewBatch named = new NewBatch(
                new BatchRef(TENANT, store.newBatchNo(), "named"), "other", null, Batches.bytes("f"), 0, 1, 3);
        store.seal(named, segments(0, 1, 256));
        store.seal(batch(new BatchRef("globex", store.newBatchNo(), "theirs"), 1), segments(0, 1, 256));

        assertThat(list(null, "nightly")).isEqualTo(ids);
        assertThat(list(null, "other")).containsExactly("named");
        assertThat(list(BatchState.ENDED, null)).containsExactly("b6", "b4", "b2", "b0");
        assertThat(list(BatchState.RUNNING, null)).containsExactly("named", "b5", "b3", "b1");
        assertThat(list(BatchState.ENDED, "other")).isEmpty();
        assertThat(list(BatchState.PAUSED, null)).isEmpty();

        List<String> paged = new ArrayList<>();
        long before = Long.MAX_VALUE;
        List<StoredBatch> page;
        do {
            page = store.list(TENANT, new BatchFilter(null, null, before, 3));
            page.forEach(batch -> paged.add(batch.ref().id()));
            before = page.isEmpty() ? before : page.get(page.size() - 1).ref().batchNo();
        } while (!page.isEmpty());
        assertThat(paged).hasSize(8).startsWith("named", "b6").endsWith("b0");
        assertThat(store.unfinished(0, 10))
                .extracting(b -> b.ref().id())
                .containsExactly("b1", "b3", "b5", "named", "theirs");
        assertThat(store.unfinished(found("b3").ref().batchNo(), 1))
                .extracting(b -> b.ref().id())
                .containsExactly("b5");
    }

    @Test
    void aCrashLosesNothingThatWasAcknowledgedAndKeepsNothingUnsealed() {
        NewBatch running = seal(store, "running", 600, 256);
        NewBatch ended = end("ended", 300);
        List<OutcomeEntry> some = List.of(
                outcome(SegmentRef.fresh(running.ref(), 0), 5), outcome(SegmentRef.fresh(running.ref(), 256), 300));
        some.forEach(store::record);
        take(told.kept, 302);
        long rows = harness.rowsAfterSweep();
        NewBatch upload = batch(store, "upload", 512);
        store.spill(upload.ref(), List.of(segments(0, 256, 256).get(0))).await();
        StoreStatus before = store.status();

        store = harness.afterCrash();

        StoreStatus status = store.status();
        assertThat(status.backlogJobs()).isEqualTo(before.backlogJobs()).isEqualTo(598);
        assertThat(status.batches()).isEqualTo(before.batches());
        assertThat(found("running").tally()).isEqualTo(new Tally(600, 2, 0, 0, 0));
        assertResults(running.ref(), some);
        assertThat(openJobs(running.ref())).hasSize(598).doesNotContain(5, 300);
        assertThat(found("ended").outcome()).isEqualTo(BatchOutcome.SUCCEEDED);
        assertThat(resultLines(ended.ref())).hasSize(300);
        assertThat(store.find(TENANT, "upload")).isEmpty();
        assertThat(store.newBatchNo()).isGreaterThan(upload.ref().batchNo());
        assertThat(harness.rowsAfterSweep()).as("nothing of the upload").isEqualTo(rows);
        assertThatThrownBy(() -> store.seal(upload, segments(256, 512, 256))).isInstanceOf(StoreException.class);
    }

    @RepeatedTest(3)
    void countersOfTheStatusAreThoseOfTheDatabase() throws Exception {
        SplittableRandom random = seeded();
        List<SplittableRandom> randoms = List.of(random.split(), random.split(), random.split(), random.split());
        inParallel(4, n -> {
            SplittableRandom mine = randoms.get(n);
            for (int i = 0; i < 10; i++) {
                int total = mine.nextInt(3) == 0 ? 0 : 1 + mine.nextInt(300);
                NewBatch batch = batch(store, "b" + mine.nextInt(25), total);
                if (!store.seal(batch, segments(0, total, 100))) {
                    store.delete(TENANT, batch.ref().id());
                    continue;
                }
                int outcomes = mine.nextBoolean() ? total : mine.nextInt(total + 1);
                for (OpenSegment open : total == 0 ? List.<OpenSegment>of() : openSegments(batch.ref())) {
                    for (int job = 0; job < open.segment().jobs(); job++) {
                        if (open.segment().firstIndex() + job < outcomes) {
                            store.record(outcome(open.ref(), open.segment().firstIndex() + job));
                        }
                    }
                }
            }
            return true;
        });
        store.renewEpoch(new BatchRef("nobody", 0, "")); // comes back when all outcomes before it are committed
        StoreStatus live = store.status();

        StoreStatus read = harness.afterCrash().status();

        assertThat(live.backlogJobs()).isEqualTo(read.backlogJobs());
        assertThat(live.batches()).isEqualTo(read.batches());
        assertThat(live.outcomesInHand()).isZero();
    }
}
