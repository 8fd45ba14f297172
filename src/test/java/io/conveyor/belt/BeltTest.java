package io.conveyor.belt;

import static io.conveyor.belt.BeltHarness.PATIENCE_SECONDS;
import static io.conveyor.belt.BeltHarness.handler;
import static io.conveyor.belt.BeltHarness.segments;
import static org.assertj.core.api.Assertions.assertThat;

import io.conveyor.handler.JobFailure;
import io.conveyor.handler.JobHandler;
import io.conveyor.handler.JobOutput;
import io.conveyor.job.BatchOutcome;
import io.conveyor.job.JobError;
import io.conveyor.store.BatchRef;
import io.conveyor.store.NewBatch;
import io.conveyor.store.StoredBatch;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BeltTest {

    private static final JobHandler ECHO = handler("echo", job -> new JobOutput(job.input()));

    @TempDir
    Path directory;

    private Path file() {
        return directory.resolve("belt.db");
    }

    @Test
    void everyJobRunsAndItsResultStandsAtItsIndex() throws Exception {
        try (BeltHarness harness = new BeltHarness(file(), 3, 8, 2, ECHO).started()) {
            BatchRef ref = harness.submit("b", segments("echo", 1000, 0), Duration.ofSeconds(60));
            StoredBatch ended = harness.awaitEnd(ref);

            assertThat(ended.outcome()).isEqualTo(BatchOutcome.SUCCEEDED);
            assertThat(ended.tally().succeeded()).isEqualTo(1000);
            List<String> lines = harness.results(ref);
            assertThat(lines).hasSize(1000);
            for (int index = 0; index < 1000; index++) {
                assertThat(lines.get(index))
                        .startsWith("{\"index\":" + index + ",\"seq\":")
                        .contains("\"output\":" + index + ",");
            }
        }
    }

    @Test
    void neverMoreJobsAtOnceThanWorkersAndPermitsHoweverManyCallers() throws Exception {
        AtomicInteger now = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        JobHandler counting = handler("count", job -> {
            most.accumulateAndGet(now.incrementAndGet(), Math::max);
            try {
                Thread.onSpinWait();
                return new JobOutput(job.input());
            } finally {
                now.decrementAndGet();
            }
        });
        try (BeltHarness harness = new BeltHarness(file(), 2, 4, 1, counting).started()) {
            ExecutorService clients = Executors.newFixedThreadPool(40);
            List<Future<BatchRef>> batches = new ArrayList<>();
            for (int client = 0; client < 40; client++) {
                String id = "b" + client;
                batches.add(clients.submit(() -> harness.submit(id, segments("count", 50, 0), Duration.ofSeconds(60))));
            }
            for (Future<BatchRef> batch : batches) {
                assertThat(harness.awaitEnd(batch.get()).tally().succeeded()).isEqualTo(50);
            }
            clients.shutdown();
            assertThat(most.get()).isBetween(1, 3);
        }
    }

    @Test
    void whatACallerCannotFeedInItsHoldGoesOnInTheBackground() throws Exception {
        Semaphore gate = new Semaphore(0);
        JobHandler gated = handler("gated", job -> {
            gate.acquire();
            return new JobOutput(job.input());
        });
        try (BeltHarness harness = new BeltHarness(file(), 1, 1, 0, gated).started()) {
            BatchRef ref = harness.submit("held", segments("gated", 600, 0), Duration.ofMillis(20));
            assertThat(harness.find(ref).tally().recorded()).isZero();

            gate.release(600);
            assertThat(harness.awaitEnd(ref).tally().succeeded()).isEqualTo(600);
        }
    }

    @Test
    void batchesThatDoNotFitInTheRingComeBackFromTheStore() throws Exception {
        Semaphore gate = new Semaphore(0);
        JobHandler gated = handler("gated", job -> {
            gate.acquire();
            return new JobOutput(job.input());
        });
        try (BeltHarness harness = new BeltHarness(file(), 1, 1, 0, 2, gated).started()) {
            List<BatchRef> refs = new ArrayList<>();
            for (int batch = 0; batch < 30; batch++) {
                refs.add(harness.submit("b" + batch, segments("gated", 3, 0), Duration.ZERO));
            }
            gate.release(90);
            for (BatchRef ref : refs) {
                assertThat(harness.awaitEnd(ref).tally().succeeded()).isEqualTo(3);
                assertThat(harness.results(ref)).hasSize(3);
            }
        }
    }

    @Test
    void aBatchThatIsAboutToBeFedIsNotTakenUpByAnybodyElse() throws Exception {
        AtomicInteger runs = new AtomicInteger();
        JobHandler counting = handler("count", job -> {
            runs.incrementAndGet();
            return new JobOutput(job.input());
        });
        try (BeltHarness harness = new BeltHarness(file(), 2, 300, 0, counting)) {
            var jobs = segments("count", 100, 0);
            BatchRef ref = harness.seal("sealed", jobs);
            BatchRef old = new BatchRef(BeltHarness.TENANT, harness.store.newBatchNo(), "old");
            harness.store.seal(new NewBatch(old, null, null, new byte[] {1}, 0, 100, 0), jobs);
            harness.started(); // looks into the store, where both batches stand
            harness.awaitEnd(old);
            assertThat(runs.get()).isEqualTo(100);

            harness.belt.feed(ref, jobs, Duration.ofSeconds(60));
            assertThat(harness.awaitEnd(ref).tally().succeeded()).isEqualTo(100);
            assertThat(runs.get()).isEqualTo(200);
        }
    }

    @Test
    void aRestartRunsOnlyWhatHasNoOutcome() throws Exception {
        Set<String> first = ConcurrentHashMap.newKeySet();
        CountDownLatch enough = new CountDownLatch(100);
        JobHandler halfway = handler("work", job -> {
            if (first.size() >= 100) {
                new CountDownLatch(1).await();
            }
            first.add(BeltHarness.input(job));
            enough.countDown();
            return new JobOutput(job.input());
        });
        BatchRef ref;
        int recorded;
        try (BeltHarness harness = new BeltHarness(file(), 2, 4, 0, halfway).started()) {
            ref = harness.submit("crash", segments("work", 700, 0), Duration.ZERO);
            assertThat(enough.await(PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
        }
        Set<String> second = ConcurrentHashMap.newKeySet();
        JobHandler rest = handler("work", job -> {
            assertThat(second.add(BeltHarness.input(job))).isTrue();
            return new JobOutput(job.input());
        });
        try (BeltHarness harness = new BeltHarness(file(), 2, 4, 0, rest)) {
            recorded = harness.find(ref).tally().recorded();
            assertThat(recorded).isBetween(1, 699);
            harness.started();
            assertThat(harness.awaitEnd(ref).tally().succeeded()).isEqualTo(700);
            assertThat(second).hasSize(700 - recorded);
            assertThat(harness.results(ref)).hasSize(700);
        }
    }

    @Test
    void aDrainLetsRunningJobsFinishAndLeavesWaitingOnesInTheStore() throws Exception {
        CountDownLatch running = new CountDownLatch(2);
        CountDownLatch finish = new CountDownLatch(1);
        JobHandler slow = handler("slow", job -> {
            running.countDown();
            finish.await();
            return new JobOutput(job.input());
        });
        try (BeltHarness harness = new BeltHarness(file(), 2, 4, 0, slow).started()) {
            BatchRef ref = harness.submit("d", segments("slow", 10, 0), Duration.ZERO);
            assertThat(running.await(PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
            // Not before the drain has taken the queue back: a worker that is done earlier takes the next job from it.
            ThreadPoolExecutor crew = harness.pool.executor();
            Thread releasing = new Thread(() -> {
                while (!crew.isShutdown() || !crew.getQueue().isEmpty()) {
                    Thread.onSpinWait();
                }
                finish.countDown();
            });
            releasing.start();
            var report = harness.stop(Duration.ofSeconds(PATIENCE_SECONDS));
            releasing.join();

            assertThat(report.finished()).isEqualTo(2);
            harness.open.close();
            try (BeltHarness next = new BeltHarness(file(), 2, 4, 0, ECHO)) {
                assertThat(next.find(ref).tally().recorded()).isEqualTo(2);
                assertThat(next.find(ref).ended()).isFalse();
            }
        }
    }

    @Test
    void aJobThatTheDrainInterruptsLeavesNoOutcome() throws Exception {
        CountDownLatch running = new CountDownLatch(1);
        JobHandler endless = handler("endless", job -> {
            running.countDown();
            new CountDownLatch(1).await();
            return new JobOutput(job.input());
        });
        try (BeltHarness harness = new BeltHarness(file(), 1, 4, 0, endless).started()) {
            BatchRef ref = harness.submit("i", segments("endless", 1, 0), Duration.ZERO);
            assertThat(running.await(PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
            assertThat(harness.stop(Duration.ZERO).interrupted()).isEqualTo(1);
            assertThat(harness.find(ref).tally().recorded()).isZero();
        }
    }

    /** A permit is free for it all the time: what sends it away is the clock. */
    @Test
    void aCallerThatRunsJobsGoesWhenItsTimeIsUp() throws Exception {
        Duration hold = Duration.ofMillis(50);
        Thread caller = Thread.currentThread();
        AtomicInteger inCaller = new AtomicInteger();
        CountDownLatch gate = new CountDownLatch(1);
        JobHandler slow = handler("slow", job -> {
            if (Thread.currentThread() == caller) {
                inCaller.incrementAndGet();
                long end = System.nanoTime() + hold.toNanos();
                while (System.nanoTime() - end < 0) {
                    Thread.onSpinWait();
                }
            } else {
                gate.await();
            }
            return new JobOutput(job.input());
        });
        try (BeltHarness harness = new BeltHarness(file(), 1, 1, 1, slow).started()) {
            BatchRef ref = harness.submit("held", segments("slow", 20, 0), hold);

            assertThat(inCaller).hasValue(1);
            gate.countDown();
            assertThat(harness.awaitEnd(ref).outcome()).isEqualTo(BatchOutcome.SUCCEEDED);
        }
    }

    @Test
    void aJobPastItsTimeFailsAndSaysSo() throws Exception {
        JobHandler endless = handler("endless", job -> {
            new CountDownLatch(1).await();
            return new JobOutput(job.input());
        });
        try (BeltHarness harness = new BeltHarness(file(), 1, 4, 0, endless).started()) {
            BatchRef ref = harness.submit("t", segments("endless", 1, 30), Duration.ZERO);
            assertThat(harness.awaitEnd(ref).outcome()).isEqualTo(BatchOutcome.FAILED);
            assertThat(harness.results(ref).get(0))
                    .contains("\"state\":\"failed\"", "/problems/job-timeout", "\"timeout_ms\":30");
        }
    }

    @Test
    void failuresAreToldWithoutAnyClassName() throws Exception {
        JobHandler failing = handler("fail", job -> {
            if (BeltHarness.input(job).equals("0")) {
                throw new JobFailure(JobError.failed("No such town.", true));
            }
            throw new IllegalStateException("secret");
        });
        try (BeltHarness harness = new BeltHarness(file(), 1, 4, 0, failing, ECHO).started()) {
            BatchRef ref = harness.submit("f", segments("fail", 2, 0), Duration.ofSeconds(60));
            harness.awaitEnd(ref);
            List<String> lines = harness.results(ref);
            assertThat(lines.get(0)).contains("/problems/job-failed", "No such town.", "\"retryable\":true");
            assertThat(lines.get(1))
                    .contains("/problems/job-failed", "\"retryable\":false")
                    .doesNotContain("Exception", "secret", "at io.");
        }
    }

    @Test
    void aKindThatIsGoneFailsItsJobs() throws Exception {
        try (BeltHarness harness = new BeltHarness(file(), 1, 4, 0, ECHO).started()) {
            BatchRef ref = harness.submit("u", segments("vanished", 1, 0), Duration.ofSeconds(60));
            assertThat(harness.awaitEnd(ref).outcome()).isEqualTo(BatchOutcome.FAILED);
            assertThat(harness.results(ref).get(0)).contains("/problems/unknown-kind", "vanished");
        }
    }

    @Test
    void whoWaitsForABatchIsReleasedByTheStop() throws Exception {
        JobHandler endless = handler("endless", job -> {
            new CountDownLatch(1).await();
            return new JobOutput(job.input());
        });
        try (BeltHarness harness = new BeltHarness(file(), 1, 4, 0, endless).started()) {
            BatchRef ref = harness.submit("w", segments("endless", 1, 0), Duration.ZERO);
            CountDownLatch released = new CountDownLatch(1);
            harness.belt.onEnd(ref.batchNo(), released::countDown);
            harness.stop(Duration.ZERO);
            assertThat(released.await(PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
        }
    }

    @Test
    void countsOfRunningJobsAreLive() throws Exception {
        CountDownLatch running = new CountDownLatch(2);
        CountDownLatch finish = new CountDownLatch(1);
        JobHandler slow = handler("slow", job -> {
            running.countDown();
            finish.await();
            return new JobOutput(job.input());
        });
        try (BeltHarness harness = new BeltHarness(file(), 2, 4, 0, slow).started()) {
            BatchRef ref = harness.submit("l", segments("slow", 3, 0), Duration.ZERO);
            assertThat(running.await(PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
            assertThat(harness.belt.running(ref.batchNo())).isEqualTo(2);
            assertThat(harness.belt.isRunning(ref.batchNo(), 0)).isTrue();
            assertThat(harness.belt.isRunning(ref.batchNo(), 2)).isFalse();
            assertThat(harness.belt.startedAt(ref.batchNo())).isPresent();
            finish.countDown();
            harness.awaitEnd(ref);
            assertThat(harness.belt.running(ref.batchNo())).isZero();
        }
    }
}
