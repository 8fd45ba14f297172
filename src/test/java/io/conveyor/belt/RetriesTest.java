package io.conveyor.belt;

import static io.conveyor.belt.BeltHarness.TENANT;
import static io.conveyor.belt.BeltHarness.bytes;
import static io.conveyor.belt.BeltHarness.handler;
import static io.conveyor.belt.BeltHarness.input;
import static io.conveyor.belt.BeltHarness.segments;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.conveyor.handler.JobContext;
import io.conveyor.handler.JobFailure;
import io.conveyor.handler.JobHandler;
import io.conveyor.handler.JobOutput;
import io.conveyor.job.BatchOutcome;
import io.conveyor.job.BatchRules;
import io.conveyor.job.BatchState;
import io.conveyor.job.Job;
import io.conveyor.job.JobKind;
import io.conveyor.job.Tally;
import io.conveyor.store.BatchRef;
import io.conveyor.store.NewBatch;
import io.conveyor.store.PackedSegment;
import io.conveyor.store.SegmentPacker;
import io.conveyor.store.StoredBatch;
import java.time.Duration;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Jobs that fail and are tried again: when, how often, and what becomes of those that wait. */
@Timeout(120)
class RetriesTest extends GatedJobs {

    private static final Duration MINUTE = Duration.ofMinutes(1);

    private final ManualClock time = new ManualClock();

    /** Fails until its last attempt that the input, or else the third, says. */
    private final JobHandler flaky = handler("flaky", job -> {
        ran.add(input(job) + "/" + job.attempt());
        if (job.attempt() < 3) {
            throw JobFailure.retryable("not yet");
        }
        return new JobOutput(job.input());
    });

    /** Fails the first time. */
    private final JobHandler once = handler("once", job -> {
        ran.add(input(job) + "/" + job.attempt());
        if (job.attempt() == 1) {
            throw JobFailure.retryable("not yet");
        }
        return new JobOutput(job.input());
    });

    /** Fails the first time, then says that it runs and waits for the test. */
    private final JobHandler onceThenGated = handler("held", job -> {
        ran.add(input(job) + "/" + job.attempt());
        if (job.attempt() == 1) {
            throw JobFailure.retryable("not yet");
        }
        begun.release();
        gate.acquire();
        return new JobOutput(job.input());
    });

    private BeltHarness.Parts parts(int workers, int queue) {
        return new BeltHarness.Parts(file(), workers, queue, 1, 64);
    }

    private BeltHarness quick(int attempts, JobHandler... handlers) {
        return new BeltHarness(parts(2, 16).withRetries(ManualClock.quick(attempts)), handlers).started();
    }

    private BeltHarness manual(int attempts, JobHandler... handlers) {
        return new BeltHarness(parts(2, 16).withRetries(time.policy(attempts)), handlers).started();
    }

    private void advance(BeltHarness harness, Duration by) {
        time.advance(by);
        harness.belt.lookForDue();
    }

    private static void awaitWaiting(BeltHarness harness, int jobs) {
        await().atMost(LONG).until(() -> harness.store.status().retryingJobs() == jobs);
    }

    @Test
    void aJobThatFailsTwiceAndThenSucceedsHasOneResultThatSaysSo() throws Exception {
        try (BeltHarness harness = quick(3, flaky)) {
            BatchRef ref = harness.submit("flaky", segments("flaky", 1, 0), LONG);

            StoredBatch ended = harness.awaitEnd(ref);

            assertThat(ended.tally()).isEqualTo(new Tally(1, 1, 0, 0, 0));
            assertThat(ran).containsExactly("0/1", "0/2", "0/3");
            assertThat(harness.results(ref))
                    .singleElement()
                    .asString()
                    .contains("\"state\":\"succeeded\"", "\"attempts\":3,", "\"worker\":\"test-");
            assertThat(harness.store.status().retryingJobs()).isZero();
            assertThat(harness.store.status().lateOutcomes()).isZero();
        }
    }

    @Test
    void waitTellsOfTheTimeUpToTheLastAttemptAndTheBatchStartedWithTheFirst() throws Exception {
        AtomicInteger attempts = new AtomicInteger();
        long[] starts = new long[2];
        JobHandler slow = handler("slow", job -> {
            starts[attempts.getAndIncrement()] = System.currentTimeMillis();
            if (job.attempt() == 1) {
                long until = System.currentTimeMillis() + 30;
                while (System.currentTimeMillis() < until) {
                    Thread.onSpinWait();
                }
                throw JobFailure.retryable("not yet");
            }
            return new JobOutput(job.input());
        });
        try (BeltHarness harness = quick(2, slow)) {
            BatchRef ref = harness.submit("slow", segments("slow", 1, 0), LONG);
            StoredBatch ended = harness.awaitEnd(ref);

            assertThat(ended.startedAt()).isNotNull().isLessThanOrEqualTo(starts[0]);
            String line = harness.results(ref).get(0);
            long wait = Long.parseLong(line.replaceAll(".*\"wait_ms\":(\\d+),.*", "$1"));
            assertThat(wait).isGreaterThanOrEqualTo(30).isLessThanOrEqualTo(starts[1] - ended.createdAt());
        }
    }

    @Test
    void whatCannotPassIsNotTriedAgain() throws Exception {
        JobHandler broken = handler("broken", job -> {
            ran.add(input(job));
            throw JobFailure.of("never");
        });
        try (BeltHarness harness = quick(5, broken)) {
            BatchRef ref = harness.submit("broken", segments("broken", 3, 0), LONG);

            assertThat(harness.awaitEnd(ref).tally()).isEqualTo(new Tally(3, 0, 3, 0, 0));
            assertThat(ran).containsExactlyInAnyOrder("0", "1", "2");
        }
    }

    @Test
    void aTimeoutIsTriedAgain() throws Exception {
        JobHandler hangs = handler("hangs", job -> {
            ran.add(input(job) + "/" + job.attempt());
            if (job.attempt() == 1) {
                gate.acquire();
            }
            return new JobOutput(job.input());
        });
        try (BeltHarness harness = quick(2, hangs)) {
            BatchRef ref = harness.submit("hangs", segments("hangs", 1, 20), LONG);

            assertThat(harness.awaitEnd(ref).outcome()).isEqualTo(BatchOutcome.SUCCEEDED);
            assertThat(ran).containsExactly("0/1", "0/2");
        }
    }

    @Test
    void theJobSaysHowOftenThenItsBatchThenTheService() throws Exception {
        JobHandler fails = handler("fails", job -> {
            ran.add(input(job) + "/" + job.attempt());
            throw JobFailure.retryable("not yet");
        });
        SegmentPacker packer = new SegmentPacker();
        packer.add(new Job(0, "fails", null, 0, 4, null, bytes("0"), null));
        packer.add(new Job(1, "fails", null, 0, 0, null, bytes("1"), null));
        List<PackedSegment> segments = List.of(packer.take());
        try (BeltHarness harness = quick(2, fails)) {
            BatchRef own = new BatchRef(TENANT, harness.store.newBatchNo(), "own");
            BatchRules rules = new BatchRules(0, 3, 0, 0, null);
            harness.belt.seal(
                    new NewBatch(own, null, null, new byte[] {1}, 0, 2, System.currentTimeMillis()).with(rules),
                    segments);
            harness.belt.feed(own, segments, LONG);
            BatchRef other = harness.submit("other", segments("fails", 1, 0), LONG);

            harness.awaitEnd(own);
            harness.awaitEnd(other);
            assertThat(harness.results(own).get(0)).contains("\"attempts\":4,", "\"state\":\"failed\"", "not yet");
            assertThat(harness.results(own).get(1)).contains("\"attempts\":3,");
            assertThat(harness.results(other).get(0)).contains("\"attempts\":2,");
        }
    }

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
    void retryAfterIsObeyedAndBelievedUpToALimit() throws Exception {
        JobHandler busy = handler("busy", job -> {
            throw JobFailure.retryable("later").after(Duration.ofSeconds(Long.parseLong(input(job)) == 0 ? 30 : 7200));
        });
        try (BeltHarness harness =
                new BeltHarness(parts(2, 16).withRetries(time.policy(2, bound -> 0)), busy).started()) {
            BatchRef ref = harness.submit("busy", segments("busy", 2, 0), LONG);
            awaitWaiting(harness, 2);

            assertThat(harness.store.nextAttempt(ref)).hasValue(time.millis() + 30_000);
            assertThat(harness.store.dueAttempts(ref, time.millis() + 3_599_999, 10))
                    .hasSize(1);
            assertThat(harness.store.dueAttempts(ref, time.millis() + 3_600_000, 10))
                    .hasSize(2);
        }
    }

    @Test
    void retryAfterOfOneHoldsBackTheOthersOfItsTarget() throws Exception {
        JobHandler busy = calling("host", handler("busy", job -> {
            ran.add(input(job) + "/" + job.attempt());
            if (job.attempt() > 1) {
                return new JobOutput(job.input());
            }
            JobFailure failure = JobFailure.retryable("later");
            throw Long.parseLong(input(job)) == 1 ? failure.after(Duration.ofMinutes(10)) : failure;
        }));
        try (BeltHarness harness = manual(2, busy, once)) {
            BatchRef ref = harness.submit("busy", segments("busy", 2, 0), LONG);
            awaitWaiting(harness, 2);

            advance(harness, MINUTE); // the first is due, if it were alone
            BatchRef other = harness.submit("other", segments("once", 1, 0), LONG);
            awaitWaiting(harness, 3);
            advance(harness, MINUTE);
            harness.awaitEnd(other); // behind the first in the same line

            assertThat(ran).containsExactlyInAnyOrder("0/1", "1/1", "0/1", "0/2");
            assertThat(harness.store.nextAttempt(ref).orElseThrow())
                    .isGreaterThanOrEqualTo(ManualClock.START + 600_000);
            advance(harness, Duration.ofMinutes(10));
            assertThat(harness.awaitEnd(ref).outcome()).isEqualTo(BatchOutcome.SUCCEEDED);
        }
    }

    @Test
    void aStormOnOneTargetIsThinnedOut() throws Exception {
        AtomicInteger again = new AtomicInteger();
        JobHandler down = calling("host", handler("down", job -> {
            if (job.attempt() > 1) {
                again.incrementAndGet();
            }
            throw JobFailure.retryable("down");
        }));
        try (BeltHarness harness = manual(2, down)) {
            BatchRef ref = harness.submit("storm", segments("down", 1000, 0), LONG);
            awaitWaiting(harness, 1000);

            advance(harness, Duration.ofSeconds(2));
            // What the budget has, 100 saved, goes; all others are put off: nothing is due any more.
            await().atMost(LONG)
                    .until(() ->
                            harness.store.dueAttempts(ref, time.millis(), 1).isEmpty());
            await().atMost(LONG).until(() -> harness.find(ref).tally().failed() == again.get());
            assertThat(again.get()).isEqualTo(100);
            for (int minute = 0; minute < 4; minute++) {
                advance(harness, Duration.ofSeconds(61));
                await().atMost(LONG)
                        .until(() ->
                                harness.store.dueAttempts(ref, time.millis(), 1).isEmpty());
            }
            assertThat(again.get()).isBetween(101, 500);
        }
    }

    @Test
    void aLiveUploadWhoseSenderWaitsGetsItsJobsTriedAgain() throws Exception {
        try (BeltHarness harness = quick(2, once)) {
            List<PackedSegment> first = segments("once", 1, 0);
            BatchRef ref = new BatchRef(TENANT, harness.store.newBatchNo(), "live");
            harness.belt.open(new NewBatch(ref, null, null, new byte[] {1}, 0, 1, System.currentTimeMillis()), first);
            harness.belt.feedOpen(ref, first);

            await().atMost(LONG).until(() -> harness.find(ref).tally().succeeded() == 1);

            assertThat(harness.find(ref).state()).isEqualTo(BatchState.OPEN);
            harness.belt.complete(ref, new byte[] {2}, null);
            assertThat(harness.awaitEnd(ref).outcome()).isEqualTo(BatchOutcome.SUCCEEDED);
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
        System.out.println("RetriesTest seed " + seed);
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
            for (int round = 0; round < 150; round++) {
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
            System.out.println("RetriesTest: " + cancelled + " jobs were cancelled");
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

    private static JobHandler calling(String target, JobHandler handler) {
        return new JobHandler() {
            @Override
            public JobKind kind() {
                return handler.kind();
            }

            @Override
            public JobOutput handle(JobContext job) throws Exception {
                return handler.handle(job);
            }

            @Override
            public String target(JobContext job) {
                return target;
            }
        };
    }
}
