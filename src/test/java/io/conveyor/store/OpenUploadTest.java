package io.conveyor.store;

import static io.conveyor.store.Batches.TENANT;
import static io.conveyor.store.Batches.Told.take;
import static io.conveyor.store.Batches.batch;
import static io.conveyor.store.Batches.bytes;
import static io.conveyor.store.Batches.outcome;
import static io.conveyor.store.Batches.segments;
import static io.conveyor.store.Batches.until;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.conveyor.job.BatchOutcome;
import io.conveyor.job.BatchRules;
import io.conveyor.job.BatchState;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Batches that run while their upload arrives, and the keys that make a repetition harmless. */
class OpenUploadTest {

    private static final byte[] WHOLE = bytes("whole");

    private final Batches.Told told = new Batches.Told();
    private SqliteStores stores = SqliteStores.open(SqliteStores.fresh("open-uploads"), Clock.systemUTC());
    private BatchStore store = stores.store;
    private int crashes;

    @BeforeEach
    void listen() {
        store.listen(told);
    }

    @AfterEach
    void close() {
        stores.close();
    }

    /** What a process finds that is started after this one was killed at this moment. */
    private void crash(Clock clock) {
        SqliteStores after = SqliteStores.open(
                SqliteStores.crashCopy(stores.file.path(), "open-uploads-crashed-" + ++crashes), clock);
        stores.close();
        stores = after;
        store = after.store;
    }

    private NewBatch open(String id, int jobs) {
        NewBatch batch = batch(store, id, jobs);
        assertThat(store.open(batch, segments(0, jobs, 256))).isTrue();
        return batch;
    }

    private StoredBatch found(String id) {
        return store.find(TENANT, id).orElseThrow();
    }

    private void recordAll(BatchRef batch) {
        int next = 0;
        for (OpenSegment open = store.openSegment(batch, next); open != null; open = store.openSegment(batch, next)) {
            for (int job = 0; job < open.segment().jobs(); job++) {
                if (!open.recorded().get(job)) {
                    store.record(outcome(open.ref(), open.segment().firstIndex() + job));
                }
            }
            next = open.segment().firstIndex() + open.segment().jobs();
        }
    }

    @Test
    void anOpenBatchIsThereAndGrowsAndDoesNotEndBeforeItsUpload() {
        NewBatch batch = open("live", 10);

        assertThat(found("live").state()).isEqualTo(BatchState.OPEN);
        assertThat(store.unfinished(0, 10)).hasSize(1);
        recordAll(batch.ref());
        take(told.kept, 10);
        assertThat(found("live").state()).isEqualTo(BatchState.OPEN);
        store.append(batch.ref(), segments(10, 15, 256));
        assertThat(found("live").tally().total()).isEqualTo(15);
        assertThat(store.status().backlogJobs()).isEqualTo(5);
        assertThat(store.status().batches()).containsEntry(BatchState.OPEN, 1L);

        store.complete(batch.ref(), WHOLE, null);

        assertThat(found("live").state()).isEqualTo(BatchState.RUNNING);
        assertThat(found("live").fingerprint()).isEqualTo(WHOLE);
        assertThatThrownBy(() -> store.append(batch.ref(), segments(15, 16, 256)))
                .isInstanceOf(StoreException.class);
        recordAll(batch.ref());
        assertThat(take(told.ended, 1)).containsExactly(batch.ref());
        assertThat(found("live").outcome()).isEqualTo(BatchOutcome.SUCCEEDED);
        assertThat(store.status().batches()).containsEntry(BatchState.OPEN, 0L).containsEntry(BatchState.RUNNING, 0L);
    }

    @Test
    void anUploadThatIsCompleteAfterItsLastOutcomeEndsTheBatch() {
        NewBatch batch = open("late", 300);
        recordAll(batch.ref());
        take(told.kept, 300);

        store.complete(batch.ref(), WHOLE, null);

        assertThat(take(told.ended, 1)).containsExactly(batch.ref());
        assertThat(found("late").outcome()).isEqualTo(BatchOutcome.SUCCEEDED);
    }

    @Test
    void aBrokenUploadEndsAsIncompleteWhenWhatItHasIsDone() {
        NewBatch batch = open("broken", 10);
        store.abandon(batch.ref());
        until(() -> found("broken").state() == BatchState.RUNNING);

        recordAll(batch.ref());

        take(told.ended, 1);
        assertThat(found("broken").outcome()).isEqualTo(BatchOutcome.INCOMPLETE);
        assertThat(found("broken").tally().succeeded()).isEqualTo(10);
    }

    @Test
    void aBrokenUploadOfWhichAllIsDoneEndsAtOnce() {
        NewBatch batch = open("broken", 10);
        recordAll(batch.ref());
        take(told.kept, 10);

        store.abandon(batch.ref());

        assertThat(take(told.ended, 1))
                .extracting(BatchRef::batchNo)
                .containsExactly(batch.ref().batchNo());
        assertThat(found("broken").outcome()).isEqualTo(BatchOutcome.INCOMPLETE);
    }

    @Test
    void afterACrashAnOpenUploadIsBroken() {
        open("half", 10);
        NewBatch done = open("done", 5);
        recordAll(done.ref());
        take(told.kept, 5);

        crash(Clock.systemUTC());

        assertThat(found("done").outcome()).isEqualTo(BatchOutcome.INCOMPLETE);
        StoredBatch half = found("half");
        assertThat(half.state()).isEqualTo(BatchState.RUNNING);
        assertThat(store.status().backlogJobs()).isEqualTo(10);
        assertThat(store.status().batches())
                .containsEntry(BatchState.OPEN, 0L)
                .containsEntry(BatchState.RUNNING, 1L)
                .containsEntry(BatchState.ENDED, 1L);
        recordAll(half.ref());
        until(() -> found("half").ended());
        assertThat(found("half").outcome()).isEqualTo(BatchOutcome.INCOMPLETE);
    }

    @Test
    void anIdThatIsTakenOpensNothing() {
        open("same", 10);

        assertThat(store.open(batch(store, "same", 5), segments(0, 5, 256))).isFalse();

        assertThat(found("same").tally().total()).isEqualTo(10);
        assertThat(store.status().backlogJobs()).isEqualTo(10);
    }

    private NewBatch keyed(String id, String key) {
        return new NewBatch(
                new BatchRef(TENANT, store.newBatchNo(), id),
                null,
                null,
                WHOLE,
                new SubmissionKey(key, bytes("print of " + key)),
                BatchRules.NONE,
                Origin.CLIENT,
                1,
                System.currentTimeMillis());
    }

    @Test
    void aKeyStandsForTheBatchItWasSealedWith() {
        NewBatch batch = keyed("b1", "k");
        assertThat(store.seal(batch, segments(0, 1, 256))).isTrue();

        KeptKey kept = store.findKey(TENANT, "k").orElseThrow();
        assertThat(kept.batch()).isEqualTo(batch.ref());
        assertThat(kept.fingerprint()).isEqualTo(bytes("print of k"));
        assertThat(store.findKey(TENANT, "other")).isEmpty();
        assertThat(store.findKey("globex", "k")).isEmpty();
        crash(Clock.systemUTC());
        assertThat(store.findKey(TENANT, "k")).isPresent();
    }

    @Test
    void aKeyThatIsTakenSealsNothing() {
        assertThat(store.seal(keyed("b1", "k"), segments(0, 1, 256))).isTrue();

        assertThat(store.seal(keyed("b2", "k"), segments(0, 1, 256))).isFalse();
        assertThat(store.open(keyed("b3", "k"), segments(0, 1, 256))).isFalse();

        assertThat(store.find(TENANT, "b2")).isEmpty();
        assertThat(store.find(TENANT, "b3")).isEmpty();
        assertThat(store.status().backlogJobs()).isEqualTo(1);
        assertThat(stores.count("segment")).isEqualTo(1);
    }

    @Test
    void theKeyOfALiveUploadIsCompletedWithIt() {
        NewBatch batch = keyed("live", "k");
        store.open(batch, segments(0, 1, 256));

        store.complete(batch.ref(), WHOLE, bytes("of all"));

        assertThat(store.findKey(TENANT, "k").orElseThrow().fingerprint()).isEqualTo(bytes("of all"));
    }

    @Test
    void aKeyIsKeptForADayEvenWithoutItsBatchAndNoLonger() {
        NewBatch batch = keyed("gone", "k");
        store.seal(batch, segments(0, 1, 256));
        recordAll(batch.ref());
        take(told.ended, 1);
        assertThat(store.delete(TENANT, "gone")).isEqualTo(BatchStore.Deletion.DELETED);
        assertThat(store.findKey(TENANT, "k")).isPresent();

        crash(Clock.fixed(Instant.now().plus(Duration.ofHours(23)), ZoneOffset.UTC));
        until(() -> stores.count("unowned") == 0);
        assertThat(store.findKey(TENANT, "k")).isPresent();

        crash(Clock.fixed(Instant.now().plus(Duration.ofHours(25)), ZoneOffset.UTC));
        until(() -> store.findKey(TENANT, "k").isEmpty());
        assertThat(Objects.requireNonNull(stores).count("idempotency_key")).isZero();
    }
}
