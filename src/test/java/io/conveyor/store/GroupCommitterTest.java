package io.conveyor.store;

import static io.conveyor.store.Batches.TENANT;
import static io.conveyor.store.Batches.Told.take;
import static io.conveyor.store.Batches.batch;
import static io.conveyor.store.Batches.outcome;
import static io.conveyor.store.Batches.seal;
import static io.conveyor.store.Batches.segments;
import static io.conveyor.store.Batches.until;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.conveyor.job.BatchState;
import io.conveyor.job.JobState;
import io.conveyor.job.Tally;
import io.conveyor.store.Batches.Told;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import org.sqlite.SQLiteErrorCode;
import org.sqlite.SQLiteException;

/** The writer on a real file whose connection fails as the test says. */
@Timeout(120)
class GroupCommitterTest {

    private final FaultyConnections connections = new FaultyConnections();
    private final Told told = new Told();
    private final List<Thread> crew = new CopyOnWriteArrayList<>();
    private SqliteStores stores;
    private JdbcBatchStore store;

    @BeforeEach
    void open() {
        Path path = SqliteStores.fresh("group-committer");
        stores = SqliteStores.open(path, Clock.systemUTC(), connections::wrap);
        store = stores.store;
        store.listen(told);
    }

    @AfterEach
    void close() {
        connections.fault = sql -> {};
        stores.close();
    }

    /** Tells what the test writes from what the keeper does, whose first look may come at any moment. */
    private static boolean isSeal(String sql) {
        return sql.startsWith("INSERT INTO batch ");
    }

    @Test
    void oneGuiltyRequestDoesNotFailItsGroup() {
        seal(store, "there", 1, 256);
        BatchRef there = store.find(TENANT, "there").orElseThrow().ref();
        NewBatch clash = batch(new BatchRef(TENANT, there.batchNo(), "same-number"), 1);
        Plug plug = new Plug();
        List<CompletableFuture<Boolean>> good = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            NewBatch batch = batch(store, "good" + i, 1);
            good.add(inBackground(() -> store.seal(batch, segments(0, 1, 256))));
        }
        CompletableFuture<Boolean> guilty = inBackground(() -> store.seal(clash, segments(0, 1, 256)));
        OutcomeEntry outcome = outcome(SegmentRef.fresh(there, 0), 0);
        store.record(outcome);
        plug.pull(4);

        assertThat(good).allSatisfy(seal -> assertThat(seal.join()).isTrue());
        assertThatThrownBy(guilty::join).hasCauseInstanceOf(StoreException.class);
        assertThat(take(told.kept, 1)).containsExactly(outcome);
        assertThat(store.find(TENANT, "same-number")).isEmpty();
        assertThat(store.status().working()).as("the fault was the request's").isTrue();
        assertThat(told.failures).isEmpty();
        assertThat(store.status().batches())
                .containsEntry(BatchState.RUNNING, 3L)
                .containsEntry(BatchState.ENDED, 1L);
        assertThat(store.status().backlogJobs()).isEqualTo(3);
    }

    @Test
    void outcomesStayInHandUntilTheStoreTakesThem() {
        NewBatch batch = seal(store, "b1", 300, 256);
        connections.fault = failing("COMMIT", SQLiteErrorCode.SQLITE_FULL);
        SegmentRef ref = SegmentRef.fresh(batch.ref(), 0);
        for (int i = 0; i < 200; i++) {
            store.record(outcome(ref, i));
        }
        take(told.failures, 2);

        assertThat(store.status().working()).isFalse();
        assertThat(store.status().trouble()).contains("full");
        assertThat(store.status().outcomesInHand()).isEqualTo(200);
        assertThatThrownBy(() -> seal(store, "b2", 1, 256))
                .isInstanceOfSatisfying(
                        StoreException.class, e -> assertThat(e.reason()).isEqualTo(StoreException.Reason.FULL));
        assertThat(told.kept).isEmpty();
        assertThat(store.find(TENANT, "b1").orElseThrow().tally()).isEqualTo(new Tally(300, 0, 0, 0, 0));

        connections.fault = sql -> {};
        assertThat(take(told.kept, 200)).hasSize(200);
        assertThat(store.find(TENANT, "b1").orElseThrow().tally()).isEqualTo(new Tally(300, 200, 0, 0, 0));
        assertThat(store.status().working()).isTrue();
        assertThat(store.status().outcomesInHand()).isZero();
        assertThat(told.late).isEmpty();
    }

    /** Load balancers send nothing to a service that is not ready, so nobody else would find out. */
    @Test
    void theStoreFindsOutByItselfThatItCanWriteAgain() {
        connections.fault = failing("COMMIT", SQLiteErrorCode.SQLITE_FULL);
        assertThatThrownBy(() -> seal(store, "b1", 1, 256)).isInstanceOf(StoreException.class);
        take(told.failures, 3);
        assertThat(store.status().working()).isFalse();

        connections.fault = sql -> {};
        until(() -> store.status().working());
        assertThat(stores.count("unowned")).as("left behind by the trials").isZero();
    }

    @Test
    @ExtendWith(OutputCaptureExtension.class)
    void theKeeperDoesNotTellOfAFullDiskAgain(CapturedOutput output) {
        BatchRef first = new BatchRef(TENANT, store.newBatchNo(), "first");
        BatchRef second = new BatchRef(TENANT, store.newBatchNo(), "second");
        store.spill(first, segments(0, 1, 256)).await();
        store.spill(second, segments(0, 1, 256)).await();
        connections.fault = failing("COMMIT", SQLiteErrorCode.SQLITE_FULL);
        store.abandon(first);
        take(told.failures, 3);

        connections.fault = sql -> {};
        until(() -> store.status().working());
        store.abandon(second);
        until(() -> stores.count("unowned") == 0); // so the keeper has dealt with its failure

        assertThat(output).contains("The disk of the store is full").doesNotContain("Could not sweep");
    }

    @Test
    void aCommitOfNothingDoesNotMakeAFullDiskWork() {
        connections.fault = sql -> {
            if (sql.startsWith("INSERT")) {
                throw new SQLiteException("full", SQLiteErrorCode.SQLITE_FULL);
            }
        };
        assertThatThrownBy(() -> seal(store, "b1", 1, 256)).isInstanceOf(StoreException.class);

        store.renewEpoch(new BatchRef("nobody", 1, ""));

        assertThat(store.status().working()).isFalse();
    }

    @Test
    void aGroupThatFailsLeavesNoClaimBehind() {
        NewBatch batch = seal(store, "b1", 3, 256);
        AtomicInteger failures = new AtomicInteger();
        connections.fault = sql -> {
            if (sql.contains("INSERT INTO outcome_block") && failures.getAndIncrement() < 2) {
                throw new SQLiteException("busy", SQLiteErrorCode.SQLITE_BUSY);
            }
        };
        SegmentRef one = SegmentRef.fresh(batch.ref(), 0);
        SegmentRef other = SegmentRef.fresh(batch.ref(), 0);
        Plug plug = new Plug();
        store.record(outcome(one, 0));
        store.record(outcome(other, 0, JobState.FAILED, 1));
        store.record(outcome(other, 1));
        plug.pull(0);

        assertThat(take(told.kept, 2)).extracting(OutcomeEntry::index).containsExactly(0, 1);
        assertThat(take(told.late, 1)).extracting(OutcomeEntry::state).containsExactly(JobState.FAILED);
        assertThat(store.find(TENANT, "b1").orElseThrow().tally()).isEqualTo(new Tally(3, 2, 0, 0, 0));
    }

    @Test
    void outcomesThatCannotBeStoredDoNotHoldUpOtherBatches() {
        NewBatch good = seal(store, "good", 5, 256);
        NewBatch upload = batch(store, "upload", 300);
        store.spill(upload.ref(), List.of(segments(0, 256, 256).get(0))).await();
        Plug plug = new Plug();
        for (int i = 0; i < 5; i++) {
            store.record(outcome(SegmentRef.fresh(upload.ref(), 0), i)); // of a batch that is not there yet
            store.record(outcome(SegmentRef.fresh(good.ref(), 0), i));
        }
        plug.pull(0);

        assertThat(take(told.ended, 1)).containsExactly(good.ref());
        assertThat(take(told.late, 5)).allMatch(late -> late.segment().batch().equals(upload.ref()));
        assertThat(store.status().outcomesInHand()).isZero();
        assertThat(store.status().working()).isTrue();
        assertThat(store.seal(upload, segments(256, 300, 256))).isTrue();
        assertThat(Objects.requireNonNull(store.openSegment(upload.ref(), 0))
                        .recorded()
                        .isEmpty())
                .as("its jobs are all open")
                .isTrue();
    }

    @Test
    void nothingIsWrittenAnyMoreAfterAFailureOfTheDisk() {
        NewBatch batch = seal(store, "b1", 10, 256);
        AtomicBoolean sealing = new AtomicBoolean();
        AtomicInteger flushes = new AtomicInteger();
        connections.fault = sql -> {
            if (isSeal(sql)) {
                sealing.set(true);
            } else if (sql.equals("COMMIT") && sealing.get() && flushes.getAndIncrement() == 0) {
                throw new SQLiteException("flush", SQLiteErrorCode.SQLITE_IOERR_FSYNC);
            }
        };

        assertThatThrownBy(() -> seal(store, "b2", 1, 256))
                .as("its frames may be in the log, for the next start to find")
                .isInstanceOfSatisfying(
                        StoreException.class, e -> assertThat(e.reason()).isEqualTo(StoreException.Reason.UNKNOWN));
        assertThat(take(told.broken, 1)).hasSize(1);
        store.record(outcome(SegmentRef.fresh(batch.ref(), 0), 0));
        assertThatThrownBy(() -> seal(store, "b3", 1, 256))
                .isInstanceOfSatisfying(
                        StoreException.class, e -> assertThat(e.reason()).isEqualTo(StoreException.Reason.UNAVAILABLE));
        assertThatThrownBy(() -> store.delete(TENANT, "b1")).isInstanceOf(StoreException.class);

        assertThat(flushes).as("a second flush would succeed, and mean nothing").hasValue(1);
        assertThat(store.status().working()).isFalse();
        store.close();
        assertThat(told.kept).isEmpty();
        assertThat(store.find(TENANT, "b1").orElseThrow().tally().recorded()).isZero();
    }

    @Test
    void aConnectionThatBrokeIsOpenedAnew() {
        int before = connections.opened.get();
        connections.fault = sql -> {
            if (List.of("COMMIT", "ROLLBACK", "OPEN").contains(sql)) {
                throw new SQLException("gone");
            }
        };

        assertThatThrownBy(() -> seal(store, "b1", 1, 256)).isInstanceOf(StoreException.class);
        assertThatThrownBy(() -> seal(store, "b1", 1, 256)).isInstanceOf(StoreException.class);
        connections.fault = sql -> {};
        seal(store, "b1", 1, 256);

        assertThat(connections.opened.get()).isGreaterThan(before);
        assertThat(store.status().working()).isTrue();
    }

    @Test
    void permitsBoundWhatIsInHand() throws Exception {
        NewBatch batch = seal(store, "big", 20, 256);
        connections.fault = failing("COMMIT", SQLiteErrorCode.SQLITE_FULL);
        SegmentRef ref = SegmentRef.fresh(batch.ref(), 0);
        AtomicInteger in = new AtomicInteger();
        Thread recorder = new Thread(() -> {
            for (int i = 0; i < 20; i++) {
                store.record(outcome(ref, i, JobState.SUCCEEDED, 1 << 20));
                in.incrementAndGet();
            }
        });
        recorder.start();
        until(() -> in.get() == 15 && recorder.getState() == Thread.State.WAITING);
        take(told.failures, 2);
        assertThat(in).as("each a little over one of 16 MiB").hasValue(15);
        assertThat(store.status().outcomesInHand()).isEqualTo(15);

        connections.fault = sql -> {};
        recorder.join();
        assertThat(take(told.ended, 1)).containsExactly(batch.ref());
        assertThat(store.status().outcomesInHand()).isZero();
    }

    @Test
    void closeCommitsWhatIsWaiting() {
        NewBatch batch = seal(store, "b1", 256, 256);
        SegmentRef ref = SegmentRef.fresh(batch.ref(), 0);
        NewBatch second = batch(store, "b2", 1);
        Plug plug = new Plug();
        CompletableFuture<Boolean> sealed = inBackground(() -> store.seal(second, segments(0, 1, 256)));
        for (int i = 0; i < 256; i++) {
            store.record(outcome(ref, i));
        }
        plug.awaitWaiting(1);
        CompletableFuture<Void> closed = CompletableFuture.runAsync(store::close);
        plug.pull(0);
        closed.join();

        assertThat(sealed.join()).isTrue();
        assertThat(store.find(TENANT, "b1").orElseThrow().ended()).isTrue();
    }

    @Test
    void whatComesAfterTheCloseIsRefused() {
        NewBatch batch = seal(store, "b1", 1, 256);
        store.close();
        store.close();

        assertThatThrownBy(() -> seal(store, "b2", 1, 256)).isInstanceOf(StoreException.class);
        assertThatThrownBy(() -> store.record(outcome(SegmentRef.fresh(batch.ref(), 0), 0)))
                .isInstanceOf(StoreException.class);
        store.abandon(batch.ref());
        assertThat(store.status().outcomesInHand()).isZero();
        assertThat(store.find(TENANT, "b1")).as("reading goes on").isPresent();
    }

    @Test
    void closeLetsGoOfOutcomesThatCannotBeWrittenAndOfThoseWhoWaitToBringMore() throws Exception {
        NewBatch batch = seal(store, "big", 20, 256);
        connections.fault = failing("COMMIT", SQLiteErrorCode.SQLITE_FULL);
        SegmentRef ref = SegmentRef.fresh(batch.ref(), 0);
        CompletableFuture<Void> recorder = CompletableFuture.runAsync(() -> {
            for (int i = 0; i < 20; i++) {
                store.record(outcome(ref, i, JobState.SUCCEEDED, 1 << 20));
            }
        });
        take(told.failures, 2);
        until(() -> store.status().outcomesInHand() == 15);

        store.close();

        assertThatThrownBy(() -> recorder.get(60, TimeUnit.SECONDS)).hasCauseInstanceOf(StoreException.class);
        assertThat(store.status().outcomesInHand()).isZero();
        assertThat(told.kept).isEmpty();
    }

    @RepeatedTest(20)
    void whoeverMeetsTheCloseGetsAnAnswer() throws Exception {
        NewBatch batch = seal(store, "b1", 256, 256);
        SegmentRef ref = SegmentRef.fresh(batch.ref(), 0);
        CyclicBarrier barrier = new CyclicBarrier(4);
        List<CompletableFuture<Integer>> callers = new ArrayList<>();
        for (int n = 0; n < 3; n++) {
            int caller = n;
            callers.add(inBackground(() -> {
                await(barrier);
                int done = 0;
                try {
                    for (int i = 0; i < 85; i++, done++) {
                        if (caller == 0) {
                            store.renewEpoch(new BatchRef("nobody", 0, ""));
                        } else {
                            store.record(outcome(ref, (caller - 1) * 85 + i));
                        }
                    }
                } catch (StoreException e) {
                    return done;
                }
                return done;
            }));
        }
        await(barrier);
        store.close();

        for (CompletableFuture<Integer> caller : callers) {
            assertThat(caller.get(60, TimeUnit.SECONDS)).isNotNegative();
        }
        assertThat(store.status().outcomesInHand()).isZero();
        assertThat(store.find(TENANT, "b1").orElseThrow().tally().recorded()).isEqualTo(told.kept.size());
    }

    @Test
    void aWriterThatDiesLeavesNobodyWaiting() {
        AtomicBoolean sealing = new AtomicBoolean();
        connections.fault = sql -> sealing.compareAndSet(false, isSeal(sql));
        store.listen(new StoreListener() {
            @Override
            public void committed(int writes, long nanos) {
                if (sealing.get()) {
                    throw new StackOverflowError("made up");
                }
            }
        });

        assertThatThrownBy(() -> seal(store, "b1", 1, 256))
                .isInstanceOfSatisfying(
                        StoreException.class, e -> assertThat(e.reason()).isEqualTo(StoreException.Reason.UNKNOWN));
        assertThat(take(told.broken, 1)).hasSize(1);
        assertThatThrownBy(() -> seal(store, "b2", 1, 256)).isInstanceOf(StoreException.class);
        assertThatThrownBy(() -> store.record(outcome(SegmentRef.fresh(new BatchRef("t", 1, "b"), 0), 0)))
                .isInstanceOf(StoreException.class);
        assertThat(store.status().working()).isFalse();
    }

    @Test
    void anUploadGivenUpWhileTheStoreCannotWriteIsNotForgotten() {
        NewBatch batch = batch(store, "upload", 512);
        store.spill(batch.ref(), List.of(segments(0, 256, 256).get(0))).await();
        connections.fault = failing("COMMIT", SQLiteErrorCode.SQLITE_FULL);

        store.abandon(batch.ref());
        take(told.failures, 1);
        connections.fault = sql -> {};
        NewBatch wakes = seal(store, "other", 0, 256);
        store.delete(TENANT, wakes.ref().id());

        until(() -> stores.count("segment") + stores.count("unowned") == 0);
        assertThat(stores.count("segment_input")).isZero();
    }

    @Test
    void theWriterDoesNotWaitForItself() {
        CompletableFuture<Throwable> thrown = new CompletableFuture<>();
        store.listen(new StoreListener() {
            @Override
            public void committed(int writes, long nanos) {
                try {
                    store.renewEpoch(new BatchRef("nobody", 0, ""));
                } catch (RuntimeException e) {
                    thrown.complete(e);
                }
            }
        });
        seal(store, "b1", 1, 256);

        assertThat(thrown.join()).isInstanceOf(IllegalStateException.class);
    }

    private static FaultyConnections.Fault failing(String statement, SQLiteErrorCode code) {
        return sql -> {
            if (sql.equals(statement)) {
                throw new SQLiteException("database or disk is full", code);
            }
        };
    }

    private <T> CompletableFuture<T> inBackground(Supplier<T> work) {
        CompletableFuture<T> result = new CompletableFuture<>();
        Thread thread = new Thread(() -> {
            try {
                result.complete(work.get());
            } catch (Throwable e) {
                result.completeExceptionally(new CompletionException(e));
            }
        });
        thread.setDaemon(true);
        crew.add(thread);
        thread.start();
        return result;
    }

    private static void await(CyclicBarrier barrier) {
        try {
            barrier.await();
        } catch (InterruptedException | BrokenBarrierException e) {
            throw new AssertionError(e);
        }
    }

    /** Holds the writer between two groups, so that what is handed in meanwhile travels together. */
    private final class Plug {

        private final CountDownLatch holding = new CountDownLatch(1);
        private final CountDownLatch pulled = new CountDownLatch(1);
        private final CompletableFuture<Boolean> caller;

        Plug() {
            store.listen(new StoreListener() {
                @Override
                public void committed(int writes, long nanos) {
                    holding.countDown();
                    await(pulled);
                }
            });
            caller = inBackground(() -> {
                store.renewEpoch(new BatchRef("nobody", 0, ""));
                return true;
            });
            await(holding);
        }

        /** Waits until so many requests wait for their commit. */
        void awaitWaiting(int requests) {
            until(() -> crew.stream()
                            .filter(caller -> caller.getState() == Thread.State.WAITING)
                            .count()
                    > requests);
        }

        void pull(int requests) {
            awaitWaiting(requests);
            pulled.countDown();
            assertThat(caller.join()).isTrue();
        }

        private void await(CountDownLatch latch) {
            try {
                latch.await();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        }
    }
}
