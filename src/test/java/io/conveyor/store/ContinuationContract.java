package io.conveyor.store;

import static io.conveyor.store.Batches.TENANT;
import static io.conveyor.store.Batches.Told.take;
import static io.conveyor.store.Batches.bytes;
import static io.conveyor.store.Batches.outcome;
import static io.conveyor.store.Batches.segments;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.conveyor.job.BatchOutcome;
import io.conveyor.job.BatchRules;
import io.conveyor.job.BatchState;
import io.conveyor.job.Job;
import io.conveyor.job.JobState;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** What every store must do with batches that follow others. */
abstract class ContinuationContract extends StoreContract<StoreHarness> {

    ContinuationContract(StoreHarness harness) {
        super(harness);
    }

    /** A batch of so many jobs, and those that follow it. */
    static NewBatch followed(BatchStore store, String id, int total, String... followers) {
        List<Continuation> continuations = new ArrayList<>();
        for (String follower : followers) {
            SegmentPacker packer = new SegmentPacker();
            packer.add(new Job(
                    0, "echo", "first", 0, 7, null, bytes("{\"n\":1.10,\"batch\":{\"id\":\"" + id + "\""), null));
            packer.add(new Job(1, "hash", null, 0, null, bytes("{\"batch\":{\"id\":\"" + id + "\"")));
            continuations.add(new Continuation(follower, packer.take()));
        }
        return new NewBatch(
                new BatchRef(TENANT, store.newBatchNo(), id),
                null,
                null,
                bytes("print"),
                null,
                BatchRules.NONE,
                Origin.CLIENT,
                total,
                total,
                continuations,
                1_000_000);
    }

    private NewBatch sealed(String id, int total, String... followers) {
        NewBatch batch = followed(store, id, total, followers);
        assertThat(store.seal(batch, segments(0, total, 256))).isTrue();
        return batch;
    }

    private String input(BatchStore from, String id, int index) {
        Job job = Objects.requireNonNull(
                from.job(from.find(TENANT, id).orElseThrow().ref(), index));
        return new String(Objects.requireNonNull(job.input()), StandardCharsets.UTF_8);
    }

    @Test
    void whatFollowsIsMadeWithTheLastOutcomeAndTellsOfIt() {
        NewBatch batch = sealed("b", 3, "after-1", "after-2");
        SegmentRef ref = SegmentRef.fresh(batch.ref(), 0);
        harness.setTime(1_700_000_000_123L);
        store.record(outcome(ref, 0));
        store.record(outcome(ref, 1, JobState.FAILED, 5));
        take(told.kept, 2);
        assertThat(list(null, null)).containsExactly("b");

        store.record(outcome(ref, 2));

        assertThat(take(told.ended, 1)).containsExactly(batch.ref());
        List<NewBatch> made = take(told.continued, 2);
        assertThat(made).extracting(follower -> follower.ref().id()).containsExactly("after-1", "after-2");
        for (NewBatch follower : made) {
            StoredBatch found = found(follower.ref().id());
            assertThat(found.ref()).isEqualTo(follower.ref());
            assertThat(found.origin()).isEqualTo(new Origin(null, "b"));
            assertThat(found.state()).isEqualTo(BatchState.RUNNING);
            assertThat(found.tally().total()).isEqualTo(2);
            assertThat(found.createdAt()).isEqualTo(1_700_000_000_123L);
            assertThat(openJobs(found.ref())).containsExactly(0, 1);
        }
        String tail = ",\"outcome\":\"partial\",\"counts\":{\"total\":3,\"pending\":0,\"running\":0,\"succeeded\":2,"
                + "\"failed\":1,\"cancelled\":0,\"expired\":0},\"ended_at\":\"2023-11-14T22:13:20.123Z\"}}";
        assertThat(input(store, "after-1", 0)).isEqualTo("{\"n\":1.10,\"batch\":{\"id\":\"b\"" + tail);
        assertThat(input(store, "after-1", 1)).isEqualTo("{\"batch\":{\"id\":\"b\"" + tail);
        Job first = Objects.requireNonNull(store.job(found("after-1").ref(), 0));
        assertThat(first.customId()).isEqualTo("first");
        assertThat(first.maxAttempts()).isEqualTo(7);
        assertThat(store.status().backlogJobs()).isEqualTo(4);
        assertThat(store.status().batches())
                .containsEntry(BatchState.RUNNING, 2L)
                .containsEntry(BatchState.ENDED, 1L);
    }

    @Test
    void manyOutcomesInOneCommitAndOutcomesThatComeTwiceMakeItOnce() {
        NewBatch batch = sealed("b", 300, "after");
        SegmentRef first = SegmentRef.fresh(batch.ref(), 0);
        SegmentRef again = SegmentRef.fresh(batch.ref(), 0);
        SegmentRef second = SegmentRef.fresh(batch.ref(), 256);
        Runnable release = harness.occupyWriter();
        for (int index = 0; index < 300; index++) {
            store.record(outcome(index < 256 ? first : second, index));
        }
        for (int index = 0; index < 256; index++) {
            store.record(outcome(again, index));
        }
        release.run();
        take(told.kept, 300);
        take(told.late, 256);
        store.record(outcome(second, 299));
        take(told.late, 1);

        assertThat(take(told.ended, 1)).containsExactly(batch.ref());
        assertThat(told.continued).hasSize(1);
        assertThat(list(null, null)).containsExactly("after", "b");
    }

    @Test
    void aCrashBeforeTheEndLosesNothingAndOneAfterItMakesNothingTwice() {
        NewBatch batch = sealed("b", 2, "after");
        store.record(outcome(SegmentRef.fresh(batch.ref(), 0), 0));
        take(told.kept, 1);

        store = harness.afterCrash();
        told = new Batches.Told();
        store.listen(told);
        assertThat(list(null, null)).containsExactly("b");
        OpenSegment open = Objects.requireNonNull(store.openSegment(batch.ref(), 0));
        store.record(outcome(open.ref(), 1));
        assertThat(take(told.ended, 1)).containsExactly(batch.ref());

        store = harness.afterCrash();
        assertThat(list(null, null)).containsExactly("after", "b");
        assertThat(store.unfinished(0, 10))
                .extracting(StoredBatch::ref)
                .containsExactly(found("after").ref());
        assertThat(input(store, "after", 1)).contains("\"outcome\":\"succeeded\"");
    }

    @Test
    void whatFollowsStaysWhenTheOtherIsDeleted() {
        NewBatch batch = sealed("b", 1, "after");
        store.record(outcome(SegmentRef.fresh(batch.ref(), 0), 0));
        take(told.continued, 1);

        assertThat(store.delete(TENANT, "b")).isEqualTo(BatchStore.Deletion.DELETED);

        assertThat(list(null, null)).containsExactly("after");
        assertThat(found("after").origin().continuationOf()).isEqualTo("b");
        assertThat(openJobs(found("after").ref())).containsExactly(0, 1);
    }

    @Test
    void aBatchWithoutJobsIsFollowedAtOnce() {
        sealed("empty", 0, "after");

        take(told.continued, 1);
        assertThat(list(null, null)).containsExactly("after", "empty");
        assertThat(input(store, "after", 1)).contains("\"outcome\":\"succeeded\",\"counts\":{\"total\":0,");
    }

    @Test
    void aLiveUploadIsFollowedWhenItEndsAlsoIfItBreaks() {
        for (boolean broken : new boolean[] {false, true}) {
            String id = "live-" + broken;
            NewBatch batch = followed(store, id, 2, "after-" + id);
            store.open(batch, segments(0, 2, 256));
            SegmentRef ref = SegmentRef.fresh(batch.ref(), 0);
            store.record(outcome(ref, 0));
            store.record(outcome(ref, 1));
            take(told.kept, 2);
            assertThat(told.continued).isEmpty();

            if (broken) {
                store.abandon(batch.ref());
            } else {
                store.complete(batch.ref(), bytes("whole"), null);
            }

            assertThat(take(told.continued, 1).get(0).ref().id()).isEqualTo("after-" + id);
            BatchOutcome outcome = broken ? BatchOutcome.INCOMPLETE : BatchOutcome.SUCCEEDED;
            assertThat(input(store, "after-" + id, 0)).contains("\"outcome\":\"" + outcome.wireName() + "\"");
        }
    }

    @Test
    void nothingFollowsABatchThatWasNeverMade() {
        sealed("b", 1);
        NewBatch clash = followed(store, "b", 1, "after");

        assertThat(store.seal(clash, segments(0, 1, 256))).isFalse();
        assertThatThrownBy(() -> store.seal(followed(store, "c", 3, "after"), segments(0, 1, 256)))
                .isInstanceOf(StoreException.class);

        store.record(outcome(SegmentRef.fresh(found("b").ref(), 0), 0));
        take(told.ended, 1);
        assertThat(list(null, null)).containsExactly("b");
        assertThat(store.seal(followed(store, "c", 0, "after"), List.of())).isTrue();
        assertThat(take(told.continued, 1)).hasSize(1);
    }

    @Test
    void anIdThatIsTakenMeanwhileDoesNotHoldUpTheEnd() {
        NewBatch batch = sealed("b", 1, "taken", "free");
        sealed("taken", 5);

        store.record(outcome(SegmentRef.fresh(batch.ref(), 0), 0));

        assertThat(take(told.ended, 1)).containsExactly(batch.ref());
        assertThat(take(told.continued, 1).get(0).ref().id()).isEqualTo("free");
        assertThat(found("taken").tally().total()).isEqualTo(5);
    }
}
