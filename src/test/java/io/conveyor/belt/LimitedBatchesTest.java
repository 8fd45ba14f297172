package io.conveyor.belt;

import static io.conveyor.belt.BeltHarness.PATIENCE_SECONDS;
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
import io.conveyor.job.JobKind;
import io.conveyor.job.SteadyClock;
import io.conveyor.job.Tally;
import io.conveyor.limit.LimitProperties;
import io.conveyor.store.BatchRef;
import io.conveyor.store.NewBatch;
import io.conveyor.store.PackedSegment;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Limits of how many jobs run at once: kept however much waits, and in nobody else's way. */
class LimitedBatchesTest extends GatedJobs {

    private static final int LIMIT = 4;

    private static final long WORK_NANOS = 100_000;

    private final AtomicInteger now = new AtomicInteger();
    private final AtomicInteger most = new AtomicInteger();

    /** Counts how many of it run at once; each takes long enough to meet any other that may run. */
    private final JobHandler counted = handler("counted", job -> {
        most.accumulateAndGet(now.incrementAndGet(), Math::max);
        try {
            LockSupport.parkNanos(WORK_NANOS);
            return new JobOutput(job.input());
        } finally {
            now.decrementAndGet();
        }
    });

    private static LimitProperties.Rule atOnce(int concurrency, String... kinds) {
        return new LimitProperties.Rule(List.of(kinds), List.of(), concurrency, null, Duration.ofSeconds(1));
    }

    private BeltHarness harness(Map<String, LimitProperties.Rule> limits, JobHandler... handlers) {
        return new BeltHarness(new BeltHarness.Parts(file(), 8, 64, 8, 4096).withLimits(limits), handlers);
    }

    private static BatchRules atOnce(int concurrency) {
        return new BatchRules(0, 0, concurrency, 0, null);
    }

    @Test
    void tenThousandJobsNeverRunMoreAtOnceThanTheirLimitAllows() throws Exception {
        int batches = 20;
        int jobs = 500;
        CountDownLatch full = new CountDownLatch(LIMIT);
        JobHandler together = handler("together", job -> {
            most.accumulateAndGet(now.incrementAndGet(), Math::max);
            try {
                // As many as may run are there at once before the first one ends.
                full.countDown();
                full.await();
                LockSupport.parkNanos(WORK_NANOS);
                return new JobOutput(job.input());
            } finally {
                now.decrementAndGet();
            }
        });
        try (BeltHarness harness =
                harness(Map.of("api", atOnce(LIMIT, "together")), together).started()) {
            List<BatchRef> refs = IntStream.range(0, batches)
                    .mapToObj(n -> harness.submit("b" + n, segments("together", jobs, 0), Duration.ZERO))
                    .toList();

            for (BatchRef ref : refs) {
                assertThat(harness.awaitEnd(ref).tally()).isEqualTo(new Tally(jobs, jobs, 0, 0, 0));
            }

            assertThat(most).hasValue(LIMIT);
        }
    }

    @Test
    void aBatchRunsNoMoreOfItsJobsAtOnceThanItSays() throws Exception {
        int jobs = 40;
        try (BeltHarness harness = harness(Map.of(), gated, noted).started()) {
            BatchRef ref = harness.submit("b1", segments("gated", jobs, 0), atOnce(2));
            awaitBegun(2);
            // It finds workers: the other jobs of the first batch neither run nor stand in the queue before it.
            BatchRef other = harness.submit("b2", segments("noted", 3, 0), Duration.ZERO);
            assertThat(harness.awaitEnd(other).outcome()).isEqualTo(BatchOutcome.SUCCEEDED);
            assertThat(begun.availablePermits()).isZero();

            gate.release();
            awaitBegun(1);
            assertThat(begun.availablePermits()).isZero();
            gate.release(jobs);
            assertThat(harness.awaitEnd(ref).tally()).isEqualTo(new Tally(jobs, jobs, 0, 0, 0));
        }
    }

    @Test
    void callersAreBoundByTheLimitOfTheirBatchAsWorkersAre() throws Exception {
        int jobs = 2000;
        try (BeltHarness harness = harness(Map.of(), counted).started()) {
            List<PackedSegment> segments = segments("counted", jobs, 0);
            BatchRef ref = harness.seal("callers", segments, atOnce(3));
            harness.belt.feed(ref, segments, LONG);

            assertThat(harness.awaitEnd(ref).tally()).isEqualTo(new Tally(jobs, jobs, 0, 0, 0));
            assertThat(most.get()).isLessThanOrEqualTo(3);
        }
    }

    @Test
    void jobsThatWaitForALimitHoldNobodyUp() throws Exception {
        try (BeltHarness harness =
                harness(Map.of("api", atOnce(1, "gated")), gated, noted).started()) {
            BatchRef limited = harness.submit("b4", segments("gated", 1000, 0), Duration.ZERO);
            awaitBegun(1);

            BatchRef free = harness.submit("b5", segments("noted", 1000, 0), Duration.ZERO);

            assertThat(harness.awaitEnd(free).outcome()).isEqualTo(BatchOutcome.SUCCEEDED);
            assertThat(harness.pool.snapshot().activeWorkers()).isEqualTo(1);
            assertThat(harness.pool.snapshot().queued()).isZero();
            gate.release(1000);
            assertThat(harness.awaitEnd(limited).outcome()).isEqualTo(BatchOutcome.SUCCEEDED);
        }
    }

    @Test
    void whatWaitsForALimitIsCancelledAtOnce() throws Exception {
        try (BeltHarness harness =
                harness(Map.of("api", atOnce(1, "gated")), gated).started()) {
            BatchRef first = harness.submit("b6", segments("gated", 1, 0), Duration.ZERO);
            awaitBegun(1);
            BatchRef second = harness.submit("b7", segments("gated", 600, 0), Duration.ZERO);

            harness.belt.cancel(second);

            assertThat(harness.awaitEnd(second).tally()).isEqualTo(new Tally(600, 0, 0, 600, 0));
            gate.release();
            assertThat(harness.awaitEnd(first).outcome()).isEqualTo(BatchOutcome.SUCCEEDED);
        }
    }

    @Test
    void aPausedBatchLeavesItsPlacesToOthers() throws Exception {
        try (BeltHarness harness =
                harness(Map.of("api", atOnce(1, "gated")), gated).started()) {
            BatchRef first = harness.submit("b8", segments("gated", 5, 0), Duration.ZERO);
            awaitBegun(1);
            BatchRef second = harness.submit("b9", segments("gated", 5, 0), Duration.ZERO);
            harness.belt.pause(first);

            gate.release(6);

            assertThat(harness.awaitEnd(second).outcome()).isEqualTo(BatchOutcome.SUCCEEDED);
            assertThat(harness.find(first).state()).isEqualTo(BatchState.PAUSED);
            assertThat(harness.find(first).tally().succeeded()).isEqualTo(1);
            harness.belt.resume(first);
            gate.release(4);
            assertThat(harness.awaitEnd(first).outcome()).isEqualTo(BatchOutcome.SUCCEEDED);
        }
    }

    /** A rate counts starts: who has started and goes on is in nobody's way. */
    @Test
    void jobsOfOneRateRunBesideEachOther() throws Exception {
        LimitProperties.Rule rule =
                new LimitProperties.Rule(List.of("gated"), List.of(), null, 1000, Duration.ofSeconds(1));
        try (BeltHarness harness = harness(Map.of("rate", rule), gated).started()) {
            BatchRef ref = harness.submit("b1", segments("gated", 3, 0), Duration.ZERO);
            awaitBegun(3); // and none of them has ended

            gate.release(3);
            assertThat(harness.awaitEnd(ref).outcome()).isEqualTo(BatchOutcome.SUCCEEDED);
        }
    }

    @Test
    void aJobThatIsTakenBackOutOfTheQueueGivesItsPlaceUp() throws Exception {
        BeltHarness.Parts parts =
                new BeltHarness.Parts(file(), 1, 8, 0, 4096).withLimits(Map.of("api", atOnce(2, "gated")));
        try (BeltHarness harness = new BeltHarness(parts, gated).started()) {
            BatchRef first = harness.submit("first", segments("gated", 2, 0), Duration.ZERO);
            awaitBegun(1);
            BatchRef second = harness.submit("second", segments("gated", 1, 0), Duration.ZERO);
            assertThat(harness.pool.snapshot().queued()).isEqualTo(1);

            harness.belt.pause(first);

            // Its one job has the place of the job that came back, while the first one still runs.
            await().atMost(LONG).until(() -> harness.pool.snapshot().queued() == 1);
            gate.release(2);
            assertThat(harness.awaitEnd(second).outcome()).isEqualTo(BatchOutcome.SUCCEEDED);
            assertThat(harness.find(first).tally().succeeded()).isEqualTo(1);
        }
    }

    @Test
    void anUploadThatArrivesIsHeldByItsLimitAndGoesOn() throws Exception {
        int jobs = 300;
        try (BeltHarness harness =
                harness(Map.of("api", atOnce(2, "counted")), counted).started()) {
            List<PackedSegment> segments = segments("counted", jobs, 0);
            BatchRef ref = new BatchRef(BeltHarness.TENANT, harness.store.newBatchNo(), "live");
            assertThat(harness.belt.open(new NewBatch(ref, null, null, new byte[0], 0, jobs, 0), segments))
                    .isTrue();
            assertThat(harness.belt.feedOpen(ref, segments)).isTrue();
            harness.belt.complete(ref, new byte[32], null);

            assertThat(harness.awaitEnd(ref).tally()).isEqualTo(new Tally(jobs, jobs, 0, 0, 0));
            assertThat(most.get()).isLessThanOrEqualTo(2);
        }
    }

    /** The place is that of a job in the queue, which the stop leaves to the store: nobody gives it back. */
    @Test
    void anUploadThatWaitsForALimitIsToldOfTheStop() throws Exception {
        BeltHarness.Parts parts =
                new BeltHarness.Parts(file(), 1, 8, 0, 4096).withLimits(Map.of("api", atOnce(1, "noted")));
        ExecutorService client = Executors.newSingleThreadExecutor();
        try (BeltHarness harness = new BeltHarness(parts, gated, noted).started()) {
            harness.submit("busy", segments("gated", 1, 0), Duration.ZERO);
            awaitBegun(1);
            harness.submit("queued", segments("noted", 1, 0), Duration.ZERO);
            List<PackedSegment> segments = segments("noted", 1, 0);
            BatchRef ref = new BatchRef(BeltHarness.TENANT, harness.store.newBatchNo(), "live");
            harness.belt.open(new NewBatch(ref, null, null, new byte[0], 0, 1, 0), segments);
            Future<Boolean> fed = client.submit(() -> harness.belt.feedOpen(ref, segments));
            await().atMost(LONG).until(() -> harness.limits.byName().get("api").waiting() == 1);

            harness.stop(Duration.ZERO);

            assertThat(fed.get(PATIENCE_SECONDS, TimeUnit.SECONDS)).isFalse();
            assertThat(harness.find(ref).tally().open()).isEqualTo(1);
        } finally {
            client.shutdownNow();
        }
    }

    @Test
    void aLimitOfAHostHoldsForJobsThatCallIt() throws Exception {
        CountDownLatch both = new CountDownLatch(2);
        JobHandler calling = new JobHandler() {
            @Override
            public JobKind kind() {
                return new JobKind("calling", "for a test", "{}");
            }

            @Override
            public JobOutput handle(JobContext job) throws Exception {
                both.countDown();
                begun.release();
                gate.acquire();
                return new JobOutput(job.input());
            }

            @Override
            public String target(JobContext job) {
                return job.index() % 2 == 0 ? "even.example:443" : "odd.example:443";
            }
        };
        LimitProperties.Rule even =
                new LimitProperties.Rule(List.of(), List.of("Even.example"), 1, null, Duration.ofSeconds(1));
        try (BeltHarness harness = harness(Map.of("even", even), calling).started()) {
            BatchRef ref = harness.submit("b10", segments("calling", 3, 0), Duration.ZERO);
            assertThat(both.await(PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();

            awaitBegun(2);
            assertThat(begun.availablePermits()).isZero();
            gate.release(3);
            assertThat(harness.awaitEnd(ref).outcome()).isEqualTo(BatchOutcome.SUCCEEDED);
        }
    }

    /** What a job calls is asked of code that may be anybody's, by the threads that feed everybody. */
    @Test
    void aKindThatCannotEvenSayWhatItCallsHoldsNobodyUp() throws Exception {
        JobHandler broken = new JobHandler() {
            @Override
            public JobKind kind() {
                return new JobKind("broken", "for a test", "{}");
            }

            @Override
            public JobOutput handle(JobContext job) {
                return new JobOutput(job.input());
            }

            @Override
            public String target(JobContext job) {
                throw new NoClassDefFoundError("left out of the plug-in");
            }
        };
        LimitProperties.Rule rule =
                new LimitProperties.Rule(List.of(), List.of("api.example"), 1, null, Duration.ofSeconds(1));
        List<BatchRef> left = new ArrayList<>(); // to those who feed in the background
        try (BeltHarness harness = harness(Map.of(), broken, noted)) {
            for (String kind : List.of("broken", "broken", "noted")) {
                left.add(harness.seal(kind + "-" + left.size(), segments(kind, 3, 0)));
            }
        }
        try (BeltHarness harness = harness(Map.of("api", rule), broken, noted).started()) {
            for (BatchRef ref : left) {
                assertThat(harness.awaitEnd(ref).tally().recorded()).isEqualTo(3);
            }
        }
    }

    @Test
    void furtherAttemptsKeepTheLimitAsTheFirstOnesDo() throws Exception {
        int jobs = 30;
        Set<String> failed = ConcurrentHashMap.newKeySet();
        JobHandler failing = handler("failing", job -> {
            if (failed.add(input(job))) {
                throw JobFailure.retryable("not yet");
            }
            return gated.handle(job);
        });
        BeltHarness.Parts parts = new BeltHarness.Parts(file(), 8, 64, 8, 4096)
                .withLimits(Map.of("api", atOnce(2, "failing")))
                .withRetries(new RetryPolicy(
                        new BeltProperties.JobDefaults(
                                Duration.ofSeconds(60),
                                2,
                                Duration.ofSeconds(5),
                                new BeltProperties.Backoff(Duration.ofMillis(1), Duration.ofMillis(1), Duration.ZERO),
                                new BeltProperties.RetryBudget(100, 1000)),
                        new SteadyClock(Clock.systemUTC(), System::nanoTime)));
        try (BeltHarness harness = new BeltHarness(parts, failing, noted).started()) {
            BatchRef ref = harness.submit("again", segments("failing", jobs, 0), Duration.ZERO);
            awaitBegun(2);

            // It finds workers: the others that are due hold none.
            BatchRef free = harness.submit("free", segments("noted", 100, 0), Duration.ZERO);
            assertThat(harness.awaitEnd(free).outcome()).isEqualTo(BatchOutcome.SUCCEEDED);
            assertThat(begun.availablePermits()).isZero();

            gate.release(jobs);
            assertThat(harness.awaitEnd(ref).tally()).isEqualTo(new Tally(jobs, jobs, 0, 0, 0));
        }
    }
}
