package io.conveyor.belt;

import static io.conveyor.belt.BeltHarness.PATIENCE_SECONDS;
import static io.conveyor.belt.BeltHarness.bytes;
import static io.conveyor.belt.BeltHarness.handler;
import static io.conveyor.belt.BeltHarness.input;
import static io.conveyor.belt.BeltHarness.segments;
import static org.assertj.core.api.Assertions.assertThat;

import io.conveyor.handler.JobFailure;
import io.conveyor.handler.JobHandler;
import io.conveyor.handler.JobOutput;
import io.conveyor.job.BatchOutcome;
import io.conveyor.job.BatchRules;
import io.conveyor.job.BatchState;
import io.conveyor.job.JobState;
import io.conveyor.job.OnError;
import io.conveyor.job.Run;
import io.conveyor.job.StopReason;
import io.conveyor.job.Tally;
import io.conveyor.store.BatchRef;
import io.conveyor.store.NewBatch;
import io.conveyor.store.OutcomeEntry;
import io.conveyor.store.PackedSegment;
import io.conveyor.store.SegmentRef;
import io.conveyor.store.StoredBatch;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Failures that are one too many: what waits, what runs, and where the batch stands at that moment. */
class ToleranceTest extends GatedJobs {

    private static final int RACES = Integer.getInteger("races", 300);

    private static final BatchRules CANCEL_REST = rules("cancel_rest");

    private static BatchRules rules(String onError) {
        return new BatchRules(0, 0, 0, 0, OnError.ofText(onError));
    }

    @Test
    void theFirstFailureCancelsWhatWaitsAndInterruptsWhatRuns() throws Exception {
        try (BeltHarness harness = new BeltHarness(file(), 2, 4, 1, firstFails).started()) {
            int jobs = 3000;
            BatchRef ref = harness.submit("failing", segments("first-fails", jobs, 0), CANCEL_REST);
            awaitBegun(2);

            failure.release();

            StoredBatch ended = harness.awaitEnd(ref);
            assertThat(ended.outcome()).isEqualTo(BatchOutcome.CANCELLED);
            assertThat(ended.stopReason()).isEqualTo(StopReason.ON_ERROR);
            assertThat(ended.cancelRequestedAt()).isNotNull();
            assertThat(ended.tally().failed()).isEqualTo(1);
            assertThat(ended.tally().cancelled()).isEqualTo(jobs - 1);
            assertResults(harness, ref, jobs);
            assertThat(harness.results(ref))
                    .filteredOn(line -> line.contains("It was running when more jobs of its batch had failed"))
                    .isNotEmpty()
                    .allMatch(line -> line.contains("/problems/job-cancelled"));
            assertThat(harness.results(ref).get(jobs - 1))
                    .contains("More jobs of its batch had failed than on_error tolerates before it started.");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"continue", "tolerate:10", "tolerate_percent:50"})
    void asManyFailuresAsAreToleratedStopNothing(String onError) throws Exception {
        try (BeltHarness harness = new BeltHarness(file(), 2, 4, 1, handler("halves", job -> {
                    if (Integer.parseInt(input(job)) % 2 == 0) {
                        throw JobFailure.of("even");
                    }
                    return new JobOutput(job.input());
                }))
                .started()) {
            BatchRef ref = harness.submit("tolerant", segments("halves", 20, 0), rules(onError));

            assertThat(harness.awaitEnd(ref).tally()).isEqualTo(new Tally(20, 10, 10, 0, 0));
            assertThat(harness.find(ref).outcome()).isEqualTo(BatchOutcome.PARTIAL);
        }
    }

    @Test
    void aRestartGoesOnCancelling() throws Exception {
        BatchRef ref;
        try (BeltHarness harness = new BeltHarness(file(), 1, 4, 0, noted)) {
            ref = harness.seal("left", segments("noted", 600, 0), CANCEL_REST);
            // The failure is on the disk, and the process gone before anybody acts on it: the belt hears nothing yet.
            harness.store.record(new OutcomeEntry(
                    SegmentRef.fresh(ref, 256),
                    300,
                    "noted",
                    null,
                    JobState.FAILED,
                    bytes("{}"),
                    new Run(1, 0, 0, 0, 0, "test")));
        }
        try (BeltHarness harness = new BeltHarness(file(), 1, 4, 0, noted).started()) {
            assertThat(harness.awaitEnd(ref).tally()).isEqualTo(new Tally(600, 0, 1, 599, 0));
            assertThat(ran).isEmpty();
            assertThat(harness.results(ref).get(0)).contains("than on_error tolerates before it started");
            assertResults(harness, ref, 600);
        }
    }

    @Test
    void aPausedBatchWhoseRunningJobFailsIsCancelled() throws Exception {
        try (BeltHarness harness = new BeltHarness(file(), 1, 4, 0, firstFails).started()) {
            BatchRef ref = harness.submit("paused", segments("first-fails", 600, 0), CANCEL_REST);
            awaitBegun(1);
            harness.belt.pause(ref);

            failure.release();

            assertThat(harness.awaitEnd(ref).tally()).isEqualTo(new Tally(600, 0, 1, 599, 0));
            assertThat(ran).containsExactly("0");
        }
    }

    @Test
    void anOpenBatchTakesNoMoreJobsAfterAFailureTooMany() throws Exception {
        ExecutorService client = Executors.newSingleThreadExecutor();
        try (BeltHarness harness = new BeltHarness(file(), 1, 4, 0, firstFails).started()) {
            List<PackedSegment> segments = segments("first-fails", 400, 0);
            NewBatch batch = harness.batch("open", segments.subList(0, 1), CANCEL_REST);
            BatchRef ref = batch.ref();
            harness.belt.open(batch, segments.subList(0, 1));
            Future<Boolean> fed = client.submit(() -> harness.belt.feedOpen(ref, segments.subList(0, 1)));
            awaitBegun(1);

            failure.release();

            assertThat(fed.get(PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
            assertThat(harness.awaitEnd(ref).tally()).isEqualTo(new Tally(256, 0, 1, 255, 0));
            assertThat(harness.belt.append(ref, segments.subList(1, 2))).isFalse();
            harness.belt.complete(ref, new byte[] {2}, null);
            assertThat(harness.find(ref).outcome()).isEqualTo(BatchOutcome.CANCELLED);
        } finally {
            client.shutdownNow();
        }
    }

    @Test
    void anUploadThatIsCompleteWithTooManyFailuresHasItsRestStopped() throws Exception {
        try (BeltHarness harness = new BeltHarness(file(), 2, 4, 0, firstFails).started()) {
            List<PackedSegment> segments = segments("first-fails", 2, 0);
            NewBatch batch = harness.batch("open", segments, rules("tolerate_percent:40"));
            BatchRef ref = batch.ref();
            harness.belt.open(batch, segments);
            harness.belt.feedOpen(ref, segments);
            awaitBegun(2);
            failure.release();
            while (harness.find(ref).tally().failed() == 0) {
                Thread.onSpinWait();
            }
            assertThat(harness.find(ref).state()).isEqualTo(BatchState.OPEN);

            harness.belt.complete(ref, new byte[] {2}, null);

            assertThat(harness.awaitEnd(ref).tally()).isEqualTo(new Tally(2, 0, 1, 1, 0));
        }
    }

    @Test
    void batchesThatAreParkedAreFoundInTheStore() throws Exception {
        Semaphore busyGate = new Semaphore(0);
        JobHandler held = handler("held", job -> {
            begun.release();
            busyGate.acquire();
            return new JobOutput(job.input());
        });
        try (BeltHarness harness = new BeltHarness(file(), 1, 6, 0, 1, firstFails, held).started()) {
            BatchRef busy = harness.submit("busy", segments("held", 20, 0), BatchRules.NONE);
            awaitBegun(1);
            List<BatchRef> refs = IntStream.range(0, 6)
                    .mapToObj(n -> harness.submit("b" + n, segments("first-fails", 300, 0), CANCEL_REST))
                    .toList();

            failure.release(6);
            busyGate.release(20);

            for (BatchRef ref : refs) {
                assertThat(harness.awaitEnd(ref).tally()).isEqualTo(new Tally(300, 0, 1, 299, 0));
                assertResults(harness, ref, 300);
            }
            assertThat(harness.awaitEnd(busy).outcome()).isEqualTo(BatchOutcome.SUCCEEDED);
        }
    }

    /** Whatever fails when: never more is run than may be, each batch ends once, with counts that sum. */
    @Test
    void failuresAtAnyMomentAreDecidedOnce() throws Exception {
        long seed = System.nanoTime();
        System.out.println("ToleranceTest seed " + seed);
        SplittableRandom random = new SplittableRandom(seed);
        try (BeltHarness harness = new BeltHarness(file(), 3, 8, 1, handler("odd", job -> {
                    if (Integer.parseInt(input(job)) % 3 == 1) {
                        throw JobFailure.of("a third");
                    }
                    return new JobOutput(job.input());
                }))
                .started()) {
            int stopped = 0;
            for (int round = 0; round < RACES; round++) {
                int jobs = 1 + random.nextInt(40);
                int tolerated = random.nextInt(8);
                List<PackedSegment> segments = segments("odd", jobs, 0);
                BatchRef ref = harness.seal("round-" + round, segments, rules("tolerate:" + tolerated));
                harness.belt.feed(ref, segments, LONG);

                Tally tally = harness.awaitEnd(ref).tally();
                assertThat(tally.recorded()).isEqualTo(jobs);
                assertThat(tally.failed()).isLessThanOrEqualTo((jobs + 1) / 3);
                if (tally.cancelled() > 0) {
                    assertThat(tally.failed()).isGreaterThan(tolerated);
                }
                if ((jobs + 1) / 3 <= tolerated) {
                    assertThat(tally.cancelled()).isZero();
                }
                assertResults(harness, ref, jobs);
                stopped += harness.find(ref).stopReason() == null ? 0 : 1;
            }
            System.out.println("ToleranceTest: " + stopped + " of " + RACES + " batches were stopped");
        }
    }
}
