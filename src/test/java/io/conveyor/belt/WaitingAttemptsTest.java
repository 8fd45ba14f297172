package io.conveyor.belt;

import static io.conveyor.belt.BeltHarness.TENANT;
import static io.conveyor.belt.BeltHarness.bytes;
import static io.conveyor.belt.BeltHarness.handler;
import static io.conveyor.belt.BeltHarness.input;
import static io.conveyor.belt.BeltHarness.segments;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.conveyor.handler.JobFailure;
import io.conveyor.handler.JobHandler;
import io.conveyor.handler.JobOutput;
import io.conveyor.job.BatchOutcome;
import io.conveyor.job.BatchRules;
import io.conveyor.job.BatchState;
import io.conveyor.job.Job;
import io.conveyor.job.Tally;
import io.conveyor.store.BatchRef;
import io.conveyor.store.NewBatch;
import io.conveyor.store.PackedSegment;
import io.conveyor.store.SegmentPacker;
import io.conveyor.store.StoredBatch;
import java.time.Duration;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What becomes of jobs that wait for another attempt: they take no room, and everything that stops a batch stops them. */
@Timeout(120)
class WaitingAttemptsTest extends FailingJobs {

    private static final int RACES = Integer.getInteger("races", 150);

    @Test
    void tenThousandThatWaitTakeOnePlaceInMemoryAndNoWorker() throws Exception {
        int jobs = 10_000;
        try (BeltHarness harness = manual(2, once, noted)) {
            BatchRef ref = harness.submit("waiting", segments("once", jobs, 0), LONG);
            awaitWaiting(harness, jobs);

            assertThat(harness.belt.dueBatches()).isEqualTo(1);
            await().atMost(LONG).until(() -> harness.pool.snapshot().activeWorkers() == 0);
            assertThat(harness.pool.snapshot().queued()).isZero();
            assertThat(harness.belt.running(ref.batchNo())).isZero();
            assertThat(harness.find(ref).tally().open()).isEqualTo(jobs);
            BatchRef other = harness.submit("other", segments("noted", 100, 0), LONG);
            assertThat(harness.awaitEnd(other).outcome()).isEqualTo(BatchOutcome.SUCCEEDED);
            assertThat(harness.store.status().retryingJobs()).isEqualTo(jobs);

            advance(harness, MINUTE);

            assertThat(harness.awaitEnd(ref).tally()).isEqualTo(new Tally(jobs, jobs, 0, 0, 0));
            assertThat(harness.results(ref)).hasSize(jobs).allMatch(line -> line.contains("\"attempts\":2,"));
            assertThat(harness.store.status().retryingJobs()).isZero();
        }
    }

    @Test
    void batchesThatWaitAreHeldUpToABoundAndComeBackFromTheStore() throws Exception {
        int batches = 100;
        BeltHarness.Parts few = new BeltHarness.Parts(file(), 2, 16, 1, 8).withRetries(time.policy(2));
        try (BeltHarness harness = new BeltHarness(few, once).started()) {
            List<BatchRef> refs = IntStream.range(0, batches)
                    .mapToObj(n -> harness.submit("b" + n, segments("once", 1, 0), LONG))
                    .toList();
            awaitWaiting(harness, batches);

            assertThat(harness.belt.dueBatches()).isLessThanOrEqualTo(8);
            await().atMost(LONG).until(() -> harness.belt.batchesInMemory() <= 8);

            advance(harness, MINUTE);

            for (BatchRef ref : refs) {
                assertThat(harness.awaitEnd(ref).outcome()).isEqualTo(BatchOutcome.SUCCEEDED);
            }
            assertThat(ran).hasSize(2 * batches).filteredOn("0/1"::equals).hasSize(batches);
        }
    }

    @Test
    void aCancelEndsWhatWaitsAtOnceAndSaysHowOftenItWasTried() throws Exception {
        int jobs = 5000; // more than are ended in one go
        try (BeltHarness harness = manual(2, once)) {
            BatchRef ref = harness.submit("cancelled", segments("once", jobs, 0), LONG);
            awaitWaiting(harness, jobs);

            harness.belt.cancel(ref);

            StoredBatch ended = harness.awaitEnd(ref);
            assertThat(ended.tally()).isEqualTo(new Tally(jobs, 0, 0, jobs, 0));
            assertThat(harness.results(ref))
                    .hasSize(jobs)
                    .allMatch(line -> line.contains("\"attempts\":1,")
                            && line.contains("waiting for another attempt when its batch was cancelled")
                            && !line.contains("\"worker\""));
            assertThat(harness.store.status().lateOutcomes()).isZero();
            assertThat(harness.store.status().retryingJobs()).isZero();
            assertThat(ran).hasSize(jobs);
        }
    }

    @Test
    void aDeadlineEndsWhatWaits() throws Exception {
        try (BeltHarness harness = manual(2, once)) {
            BatchRef ref = new BatchRef(TENANT, harness.store.newBatchNo(), "late");
            List<PackedSegment> segments = segments("once", 300, 0);
            harness.belt.seal(
                    new NewBatch(ref, null, null, new byte[] {1}, 0, 300, System.currentTimeMillis())
                            .with(new BatchRules(0, 0, 0, 500, null)),
                    segments);
            harness.belt.feed(ref, segments, LONG);

            StoredBatch ended = harness.awaitEnd(ref);

            assertThat(ended.outcome()).isEqualTo(BatchOutcome.EXPIRED);
            assertThat(ended.tally().expired()).isEqualTo(300);
            assertThat(harness.results(ref).get(0))
                    .contains(
                            "\"state\":\"expired\"",
                            "waiting for another attempt when the deadline",
                            "\"attempts\":1,");
        }
    }

    @Test
    void aBatchThatIsNotInMemoryIsCancelledWithWhatWaitsInIt() throws Exception {
        BatchRef ref;
        try (BeltHarness harness = manual(2, once)) {
            ref = harness.submit("left", segments("once", 300, 0), LONG);
            awaitWaiting(harness, 300);
            harness.store.cancel(ref); // and the process is gone before anybody acts on it
        }
        try (BeltHarness harness = manual(2, once)) {
            assertThat(harness.awaitEnd(ref).tally()).isEqualTo(new Tally(300, 0, 0, 300, 0));
            assertThat(ran).hasSize(300);
        }
    }

    @Test
    void aPausedBatchKeepsWhatWaitsUntilItGoesOn() throws Exception {
        try (BeltHarness harness = manual(2, once, noted)) {
            BatchRef ref = harness.submit("paused", segments("once", 20, 0), LONG);
            awaitWaiting(harness, 20);
            harness.belt.pause(ref);

            advance(harness, MINUTE);
            BatchRef other = harness.submit("other", segments("once", 1, 0), LONG);
            awaitWaiting(harness, 21);
            advance(harness, MINUTE); // behind the paused one in the same line
            harness.awaitEnd(other);

            assertThat(ran).hasSize(22);
            assertThat(harness.find(ref).state()).isEqualTo(BatchState.PAUSED);
            harness.belt.resume(ref);
            assertThat(harness.awaitEnd(ref).outcome()).isEqualTo(BatchOutcome.SUCCEEDED);
            assertThat(ran).hasSize(42);
        }
    }

    @Test
    void aRestartKeepsTheCountAndTheTime() throws Exception {
        BatchRef ref;
        try (BeltHarness harness = manual(3, flaky)) {
            ref = harness.submit("kept", segments("flaky", 300, 0), LONG);
            awaitWaiting(harness, 300);
        }
        ran.clear();
        try (BeltHarness harness = manual(3, flaky)) {
            // Later batches are taken up later: when this one is done, the first has been looked through.
            BatchRef other = harness.submit("other", segments("flaky", 1, 0), LONG);
            awaitWaiting(harness, 301);
            await().atMost(LONG).until(() -> harness.belt.waitingBatches() == 0 && harness.belt.batchesInMemory() == 2);
            assertThat(ran).containsExactly("0/1");
            assertThat(harness.store.nextAttempt(ref)).hasValue(ManualClock.START + 1000);

            advance(harness, MINUTE);
            awaitWaiting(harness, 301);
            await().atMost(LONG).until(() -> ran.size() == 302);
            assertThat(ran).filteredOn(run -> run.endsWith("/1")).hasSize(1);
            await().atMost(LONG).until(() -> harness.belt.running(ref.batchNo()) == 0);
            advance(harness, MINUTE);

            assertThat(harness.awaitEnd(ref).outcome()).isEqualTo(BatchOutcome.SUCCEEDED);
            assertThat(harness.results(ref)).hasSize(300).allMatch(line -> line.contains("\"attempts\":3,"));
            harness.awaitEnd(other);
        }
    }

    @Test
    void anAttemptThatTheStopCutShortDoesNotCount() throws Exception {
        BatchRef ref;
        try (BeltHarness harness = manual(2, onceThenGated)) {
            ref = harness.submit("cut", segments("held", 1, 0), LONG);
            awaitWaiting(harness, 1);
            advance(harness, MINUTE);
            awaitBegun(1);
            harness.stop(Duration.ZERO);
        }
        assertThat(ran).containsExactly("0/1", "0/2");
        try (BeltHarness harness = manual(2, onceThenGated)) {
            awaitBegun(1);
            gate.release();
            assertThat(harness.awaitEnd(ref).outcome()).isEqualTo(BatchOutcome.SUCCEEDED);
            assertThat(ran).containsExactly("0/1", "0/2", "0/2");
        }
    }

    @Test
    void aTimeThatAWrongClockHasSetIsNotWaitedFor() throws Exception {
        BatchRef ref;
        ManualClock ahead =
                new ManualClock(ManualClock.START + Duration.ofDays(3000).toMillis());
        try (BeltHarness harness = new BeltHarness(parts(2, 16).withRetries(ahead.policy(2)), once).started()) {
            ref = harness.submit("ahead", segments("once", 1, 0), LONG);
            awaitWaiting(harness, 1);
        }
        try (BeltHarness harness = manual(2, once)) {
            assertThat(harness.store.nextAttempt(ref).orElseThrow())
                    .isLessThanOrEqualTo(time.millis() + Duration.ofMinutes(61).toMillis());
        }
    }

    @Test
    void manyOfOneBatchThatAreDueDoNotHoldUpTheOneOfAnother() throws Exception {
        int jobs = 3000;
        try (BeltHarness harness = new BeltHarness(
                        new BeltHarness.Parts(file(), 1, 1, 0, 64).withRetries(time.policy(2)), once)
                .started()) {
            BatchRef many = harness.submit("many", segments("once", jobs, 0), LONG);
            awaitWaiting(harness, jobs);
            BatchRef one = harness.submit("one", List.of(single(99_999)), LONG);
            awaitWaiting(harness, jobs + 1);

            advance(harness, MINUTE);

            harness.awaitEnd(one);
            harness.awaitEnd(many);
            List<String> order = ran.stream().filter(run -> run.endsWith("/2")).toList();
            assertThat(order).hasSize(jobs + 1);
            assertThat(order.indexOf("99999/2")).isLessThan(500);
        }
    }

    private static PackedSegment single(int input) {
        SegmentPacker packer = new SegmentPacker();
        packer.add(new Job(0, "once", null, 0, null, bytes(String.valueOf(input))));
        return packer.take();
    }

    /** Jobs that fail now and then, cancelled and paused at any moment: each ends once. */
    @Test
    void whateverTheMomentsEveryJobEndsOnce() throws Exception {
        long seed = System.nanoTime();
        System.out.println("WaitingAttemptsTest seed " + seed);
        SplittableRandom random = new SplittableRandom(seed);
        JobHandler moody = handler("moody", job -> {
            if ((job.index() * 31 + job.attempt() * 17) % 3 > 0) {
                throw JobFailure.retryable("not now");
            }
            return new JobOutput(job.input());
        });
        BeltHarness.Parts few = new BeltHarness.Parts(file(), 2, 8, 1, 2).withRetries(ManualClock.quick(4));
        try (BeltHarness harness = new BeltHarness(few, moody).started()) {
            int cancelled = 0;
            for (int round = 0; round < RACES; round++) {
                int jobs = 1 + random.nextInt(60);
                BatchRef ref = harness.submit(
                        "r" + round, segments("moody", jobs, 0), random.nextBoolean() ? LONG : Duration.ZERO);
                spin(random.nextInt(300_000));
                boolean cancel = random.nextInt(3) == 0;
                if (random.nextInt(3) == 0) {
                    harness.belt.pause(ref);
                    spin(random.nextInt(300_000));
                    harness.belt.resume(ref);
                }
                if (cancel) {
                    harness.belt.cancel(ref);
                }
                StoredBatch ended = harness.awaitEnd(ref);
                assertThat(ended.tally().recorded()).isEqualTo(jobs);
                assertThat(harness.results(ref)).hasSize(jobs);
                cancelled += ended.tally().cancelled();
            }
            System.out.println("WaitingAttemptsTest: " + cancelled + " jobs were cancelled");
            await().atMost(LONG).until(() -> harness.store.status().retryingJobs() == 0);
            assertThat(harness.store.status().lateOutcomes()).isZero();
            assertThat(cancelled).isPositive();
        }
    }

    private static void spin(long nanos) {
        long until = System.nanoTime() + nanos;
        while (System.nanoTime() < until) {
            Thread.onSpinWait();
        }
    }
}
