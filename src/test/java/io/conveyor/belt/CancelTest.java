package io.conveyor.belt;

import static io.conveyor.belt.BeltHarness.PATIENCE_SECONDS;
import static io.conveyor.belt.BeltHarness.handler;
import static io.conveyor.belt.BeltHarness.segments;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.conveyor.handler.JobHandler;
import io.conveyor.handler.JobOutput;
import io.conveyor.job.BatchOutcome;
import io.conveyor.job.BatchState;
import io.conveyor.job.Tally;
import io.conveyor.store.BatchRef;
import io.conveyor.store.PackedSegment;
import io.conveyor.store.StoredBatch;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Cancelling: what waits, what runs, and who wins against the end. */
class CancelTest extends GatedJobs {

    private static final int RACES = Integer.getInteger("races", 500);

    private static final JobHandler ECHO = handler("echo", job -> new JobOutput(job.input()));

    @Test
    void whatWaitsIsCancelledWhereverItStandsAndWhatRunsIsInterrupted() throws Exception {
        try (BeltHarness harness = new BeltHarness(file(), 2, 4, 1, gated).started()) {
            int jobs = 3000; // two run, some are in the queue, the rest in the store
            BatchRef ref = harness.submit("held", segments("gated", jobs, 0), Duration.ZERO);
            awaitBegun(2);

            harness.belt.cancel(ref);

            StoredBatch ended = harness.awaitEnd(ref);
            assertThat(ended.outcome()).isEqualTo(BatchOutcome.CANCELLED);
            assertThat(ended.tally()).isEqualTo(new Tally(jobs, 0, 0, jobs, 0));
            assertThat(ended.cancelRequestedAt()).isNotNull();
            assertThat(ran).hasSize(2);
            assertResults(harness, ref, jobs);
            assertThat(harness.results(ref))
                    .filteredOn(line -> line.contains("It was running when its batch was cancelled"))
                    .hasSize(2)
                    .allMatch(line -> line.contains("\"attempts\":1,") && line.contains("\"worker\":"));
            assertThat(harness.results(ref))
                    .filteredOn(line -> line.contains("cancelled before it started"))
                    .hasSize(jobs - 2)
                    .allMatch(line -> line.contains("/problems/job-cancelled")
                            && line.matches(".*},\"attempts\":0,\"ended_at\":\"[^\"]*\"}"));
        }
    }

    /** The job has been found fit to run and is not in its handler yet: the interrupt does not find it. */
    @Test
    void aJobThatIsJustAboutToStartIsStoppedAsWell() throws Exception {
        AtomicReference<Runnable> beforeTheStart = new AtomicReference<>(() -> {});
        Clock wall = ((InstantSource) () -> {
                    if (Thread.currentThread().getName().contains("worker")) {
                        beforeTheStart.getAndSet(() -> {}).run();
                    }
                    return Instant.now();
                })
                .withZone(ZoneOffset.UTC);
        BeltHarness.Parts parts = new BeltHarness.Parts(file(), 1, 4, 0, 10).withTime(wall, System::nanoTime);
        try (BeltHarness harness = new BeltHarness(parts, gated).started()) {
            List<PackedSegment> segments = segments("gated", 1, 0);
            BatchRef ref = harness.seal("starting", segments);
            beforeTheStart.set(() -> harness.belt.cancel(ref));

            harness.belt.feed(ref, segments, Duration.ZERO);

            assertThat(harness.awaitEnd(ref).tally()).isEqualTo(new Tally(1, 0, 0, 1, 0));
            assertThat(harness.results(ref).get(0)).contains("It was running when its batch was cancelled");
        }
    }

    @Test
    void aCallerThatFeedsStopsToRunAndAnswers() throws Exception {
        ExecutorService client = Executors.newSingleThreadExecutor();
        try (BeltHarness harness = new BeltHarness(file(), 1, 1, 1, gated).started()) {
            List<PackedSegment> segments = segments("gated", 700, 0);
            BatchRef ref = harness.seal("called", segments);
            Future<?> feeding = client.submit(() -> harness.belt.feed(ref, segments, ENDLESS));
            awaitBegun(2); // the worker, and the caller itself

            harness.belt.cancel(ref);

            feeding.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
            assertThat(harness.awaitEnd(ref).tally().cancelled()).isEqualTo(700);
            assertThat(ran).hasSize(2);
        } finally {
            client.shutdownNow();
        }
    }

    @Test
    void whatWaitsInTheQueueIsCancelledWhileEveryWorkerIsBusy() throws Exception {
        try (BeltHarness harness = new BeltHarness(file(), 1, 8, 0, deaf).started()) {
            BatchRef ref = harness.submit("queued", segments("deaf", 6, 0), Duration.ZERO);
            awaitBegun(1);

            harness.belt.cancel(ref);

            await().atMost(LONG).until(() -> harness.find(ref).tally().cancelled() == 5);
            gate.release();
            assertThat(harness.awaitEnd(ref).tally().recorded()).isEqualTo(6);
        }
    }

    @Test
    void whoeverWaitsForRoomWithItsJobIsSentAway() throws Exception {
        ExecutorService client = Executors.newSingleThreadExecutor();
        try (BeltHarness harness = new BeltHarness(file(), 1, 1, 0, gated, deaf).started()) {
            BatchRef other = harness.submit("other", segments("deaf", 2, 0), Duration.ZERO);
            awaitBegun(1);
            List<PackedSegment> segments = segments("gated", 5, 0);
            BatchRef ref = harness.seal("waiting", segments);
            Future<?> feeding = client.submit(() -> harness.belt.feed(ref, segments, ENDLESS));
            while (harness.pool.snapshot().producersWaiting() == 0) {
                Thread.onSpinWait();
            }

            harness.belt.cancel(ref);

            // The jobs of the other batch still hold worker and queue.
            feeding.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
            assertThat(harness.awaitEnd(ref).outcome()).isEqualTo(BatchOutcome.CANCELLED);
            gate.release(2);
            assertThat(harness.awaitEnd(other).outcome()).isEqualTo(BatchOutcome.SUCCEEDED);
        } finally {
            client.shutdownNow();
        }
    }

    @Test
    void aJobThatEndsWellAllTheSameKeepsItsOutcome() throws Exception {
        try (BeltHarness harness = new BeltHarness(file(), 1, 4, 0, deaf).started()) {
            BatchRef ref = harness.submit("deaf", segments("deaf", 3, 0), Duration.ZERO);
            awaitBegun(1);

            harness.belt.cancel(ref);
            assertThat(harness.find(ref).state()).isEqualTo(BatchState.CANCELLING);
            gate.release();

            StoredBatch ended = harness.awaitEnd(ref);
            assertThat(ended.tally()).isEqualTo(new Tally(3, 1, 0, 2, 0));
            assertThat(ended.outcome()).isEqualTo(BatchOutcome.CANCELLED);
            assertThat(harness.results(ref).get(0)).contains("\"state\":\"succeeded\",\"output\":0,");
        }
    }

    @Test
    void aCancelThatComesAfterTheLastJobHasStartedCancelsNothing() throws Exception {
        try (BeltHarness harness = new BeltHarness(file(), 1, 4, 0, deaf).started()) {
            BatchRef ref = harness.submit("late", segments("deaf", 1, 0), Duration.ZERO);
            awaitBegun(1);

            harness.belt.cancel(ref);
            gate.release();

            assertThat(harness.awaitEnd(ref).outcome()).isEqualTo(BatchOutcome.SUCCEEDED);
            harness.belt.cancel(ref);
            assertThat(harness.find(ref).state()).isEqualTo(BatchState.ENDED);
        }
    }

    @Test
    void aCancelSurvivesTheEndOfTheProcess() throws Exception {
        BatchRef ref;
        try (BeltHarness harness = new BeltHarness(file(), 1, 4, 0, deaf)) {
            ref = harness.seal("left", segments("deaf", 600, 0));
            harness.store.cancel(ref); // and the process is gone before anybody acts on it
        }
        try (BeltHarness harness = new BeltHarness(file(), 1, 4, 0, deaf).started()) {
            assertThat(harness.awaitEnd(ref).tally()).isEqualTo(new Tally(600, 0, 0, 600, 0));
            assertThat(begun.availablePermits()).isZero();
            assertResults(harness, ref, 600);
        }
    }

    @Test
    void whatWasCancelledAndDeletedStaysGone() throws Exception {
        BatchRef ref;
        try (BeltHarness harness = new BeltHarness(file(), 1, 4, 0, gated).started()) {
            ref = harness.submit("gone", segments("gated", 600, 0), Duration.ZERO);
            awaitBegun(1);
            harness.belt.cancel(ref);
            harness.awaitEnd(ref);
            harness.store.delete(ref.tenant(), ref.id());
        }
        try (BeltHarness harness = new BeltHarness(file(), 1, 4, 0, gated).started()) {
            assertThat(harness.store.find(ref.tenant(), ref.id())).isEmpty();
            assertThat(harness.store.unfinished(0, 10)).isEmpty();
            assertThat(harness.store.backlogJobs()).isZero();
        }
    }

    @Test
    void aBatchThatIsParkedIsFoundInTheStore() throws Exception {
        try (BeltHarness harness = new BeltHarness(file(), 1, 1, 0, 1, deaf).started()) {
            BatchRef busy = harness.submit("busy", segments("deaf", 40, 0), Duration.ZERO);
            awaitBegun(1);
            List<BatchRef> refs = IntStream.range(0, 6)
                    .mapToObj(n -> harness.submit("b" + n, segments("deaf", 3, 0), Duration.ZERO))
                    .toList();

            refs.forEach(harness.belt::cancel);

            for (BatchRef ref : refs) {
                assertThat(harness.awaitEnd(ref).tally().cancelled()).isGreaterThanOrEqualTo(2);
            }
            gate.release(100);
            assertThat(harness.awaitEnd(busy).outcome()).isEqualTo(BatchOutcome.SUCCEEDED);
        }
    }

    @Test
    void anOpenBatchTakesNoMoreJobsAndEnds() throws Exception {
        try (BeltHarness harness = new BeltHarness(file(), 1, 4, 0, gated).started()) {
            List<PackedSegment> segments = segments("gated", 400, 0);
            BatchRef ref = new BatchRef(BeltHarness.TENANT, harness.store.newBatchNo(), "open");
            harness.belt.open(
                    new io.conveyor.store.NewBatch(ref, null, null, new byte[] {1}, 0, 256, 1), segments.subList(0, 1));

            harness.belt.cancel(ref);

            assertThat(harness.belt.append(ref, segments.subList(1, 2))).isFalse();
            assertThat(harness.belt.feedOpen(ref, segments.subList(0, 1))).isTrue();
            assertThat(harness.awaitEnd(ref).tally()).isEqualTo(new Tally(256, 0, 0, 256, 0));
            harness.belt.complete(ref, new byte[] {2}, null);
            assertThat(harness.find(ref).outcome()).isEqualTo(BatchOutcome.CANCELLED);
        }
    }

    /** Ten thousand jobs' worth of races; every batch ends once, with counts that sum and a line for each job. */
    @Test
    void cancelAndTheEndRaceAndOneOfThemWinsCleanly() throws Exception {
        long seed = System.nanoTime();
        System.out.println("CancelTest seed " + seed);
        SplittableRandom random = new SplittableRandom(seed);
        try (BeltHarness harness = new BeltHarness(file(), 2, 8, 1, ECHO).started();
                Race race = new Race()) {
            int cancelled = 0;
            for (int round = 0; round < RACES; round++) {
                int jobs = 1 + random.nextInt(20);
                int delay = random.nextInt(3000);
                List<PackedSegment> segments = segments("echo", jobs, 0);
                BatchRef ref = harness.seal("race-" + round, segments);
                if (round % 10 == 0) {
                    harness.belt.cancel(ref); // wins for sure
                }
                race.run(() -> harness.belt.feed(ref, segments, LONG), () -> {
                    Race.spin(delay);
                    harness.belt.cancel(ref);
                });
                StoredBatch ended = harness.awaitEnd(ref);
                assertThat(ended.tally().recorded()).isEqualTo(jobs);
                assertThat(ended.outcome())
                        .isEqualTo(ended.tally().cancelled() > 0 ? BatchOutcome.CANCELLED : BatchOutcome.SUCCEEDED);
                assertResults(harness, ref, jobs);
                cancelled += ended.tally().cancelled() > 0 ? 1 : 0;
            }
            System.out.println("CancelTest: the cancel won " + cancelled + " of " + RACES + " races");
            assertThat(cancelled).isGreaterThanOrEqualTo(RACES / 10);
        }
    }
}
