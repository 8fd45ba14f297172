package io.conveyor.belt;

import static io.conveyor.belt.BeltHarness.PATIENCE_SECONDS;
import static io.conveyor.belt.BeltHarness.handler;
import static io.conveyor.belt.BeltHarness.segments;
import static org.assertj.core.api.Assertions.assertThat;

import io.conveyor.handler.JobFailure;
import io.conveyor.handler.JobHandler;
import io.conveyor.handler.JobOutput;
import io.conveyor.job.BatchOutcome;
import io.conveyor.store.AttemptEntry;
import io.conveyor.store.BatchRef;
import io.conveyor.store.BatchStore;
import io.conveyor.store.NewBatch;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What goes wrong between the store, the handler and the recording loses no outcome and leaves nothing behind. */
class FaultsTest {

    private static final JobHandler ECHO = handler("echo", job -> new JobOutput(job.input()));

    @TempDir
    private Path directory;

    private BeltHarness.Parts parts(int workers) {
        return new BeltHarness.Parts(directory.resolve("belt.db"), workers, 4, 0, WaitingBatches.CAPACITY);
    }

    @Test
    void jobsThatFindNoPlaceAmongTheRunningOnesFailAndTheirBatchEnds() throws Exception {
        JobHandler echo = handler("echo", job -> new JobOutput(job.input()));
        try (BeltHarness harness = new BeltHarness(parts(2).withPlaces(0), echo).started()) {
            BatchRef ref = harness.submit("broken-law", segments("echo", 2, 0), Duration.ZERO);

            assertThat(harness.awaitEnd(ref).outcome()).isEqualTo(BatchOutcome.FAILED);
            assertThat(harness.results(ref))
                    .hasSize(2)
                    .allSatisfy(line ->
                            assertThat(line).contains("/problems/job-failed").doesNotContain("Exception", "bounds"));
        }
    }

    @Test
    void aBatchThatEndsWhileTheBacklogIsReadIsNotTakenUp() throws Exception {
        Queue<BatchRef> renewed = new ConcurrentLinkedQueue<>();
        CountDownLatch read = new CountDownLatch(1);
        CountDownLatch ended = new CountDownLatch(1);
        BeltHarness.Parts parts = parts(2).withStore(store -> around(store, renewed, read, ended));
        try (BeltHarness harness = new BeltHarness(parts, ECHO)) {
            var jobs = segments("echo", 3, 0);
            BatchRef ending = harness.seal("ending", jobs);
            BatchRef old = new BatchRef(BeltHarness.TENANT, harness.store.newBatchNo(), "old");
            harness.store.seal(new NewBatch(old, null, null, new byte[] {1}, 0, 3, 0), jobs);
            harness.started();
            assertThat(read.await(PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
            harness.belt.feed(ending, jobs, Duration.ofSeconds(PATIENCE_SECONDS));
            harness.awaitEnd(ending);
            ended.countDown();

            // Taken up after the other one was looked at: both stand on one page of the backlog.
            harness.awaitEnd(old);
            assertThat(renewed).containsExactly(old);
        }
    }

    /** The attempt has failed, and before that is noted the batch is cancelled and what waits in it ended. */
    @Test
    void anAttemptThatIsNotedAfterTheCancelIsEndedAsWell() throws Exception {
        CountDownLatch failed = new CountDownLatch(1);
        CountDownLatch ended = new CountDownLatch(1);
        JobHandler fails = handler("fails", job -> {
            throw JobFailure.retryable("not yet");
        });
        BeltHarness.Parts parts = new BeltHarness.Parts(directory.resolve("noted.db"), 1, 4, 0, 64)
                .withRetries(new ManualClock().policy(2))
                .withStore(store -> late(store, failed, ended));
        try (BeltHarness harness = new BeltHarness(parts, fails).started()) {
            BatchRef ref = harness.submit("late", segments("fails", 1, 0), Duration.ZERO);
            assertThat(failed.await(PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();

            harness.belt.cancel(ref);

            assertThat(harness.awaitEnd(ref).tally().cancelled()).isEqualTo(1);
            assertThat(harness.results(ref).get(0)).contains("waiting for another attempt");
        }
    }

    /** The store, but an attempt reaches it only after somebody has looked for what waits in its batch. */
    private static BatchStore late(BatchStore store, CountDownLatch failed, CountDownLatch ended) {
        return WatchedStore.around(
                store,
                (method, argument) -> {
                    if (method.equals("record") && argument instanceof AttemptEntry) {
                        failed.countDown();
                        assertThat(ended.await(PATIENCE_SECONDS, TimeUnit.SECONDS))
                                .isTrue();
                    }
                },
                (method, argument) -> {
                    if (method.equals("waitingAttempts")) {
                        ended.countDown();
                    }
                });
    }

    /** The store, but what it has read of the backlog arrives only after a batch of it has ended. */
    private static BatchStore around(
            BatchStore store, Queue<BatchRef> renewed, CountDownLatch read, CountDownLatch ended) {
        return WatchedStore.around(
                store,
                (method, argument) -> {
                    if (method.equals("renewEpoch")) {
                        renewed.add((BatchRef) argument);
                    }
                },
                (method, argument) -> {
                    if (method.equals("unfinished")) {
                        read.countDown();
                        assertThat(ended.await(PATIENCE_SECONDS, TimeUnit.SECONDS))
                                .isTrue();
                    }
                });
    }
}
