package io.conveyor.belt;

import static io.conveyor.belt.BeltHarness.PATIENCE_SECONDS;
import static io.conveyor.belt.BeltHarness.handler;
import static io.conveyor.belt.BeltHarness.segments;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.conveyor.handler.JobOutput;
import io.conveyor.job.Tally;
import io.conveyor.store.BatchRef;
import io.conveyor.store.RunningLog;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class RunningJobsTest extends BareParts {

    @SuppressWarnings("NullAway.Init")
    RunningJobsTest() {}

    /** Workers and callers at once: each has a place of its own, and every job that runs is known. */
    @Test
    void allThatMayRunAtOnceRunAndAreKnown() throws Exception {
        Semaphore begun = new Semaphore(0);
        Semaphore gate = new Semaphore(0);
        ExecutorService clients = Executors.newFixedThreadPool(3);
        try (BeltHarness harness = new BeltHarness(directory.resolve("conveyor.db"), 3, 1, 2, handler("gated", job -> {
                    begun.release();
                    gate.acquire();
                    return new JobOutput(job.input());
                }))
                .started()) {
            List<BatchRef> refs = IntStream.range(0, 3)
                    .mapToObj(n -> harness.seal("b" + n, segments("gated", 20, 0)))
                    .toList();
            List<Future<?>> feeding = refs.stream()
                    .<Future<?>>map(ref -> clients.submit(() ->
                            harness.belt.feed(ref, segments("gated", 20, 0), Duration.ofSeconds(PATIENCE_SECONDS))))
                    .toList();
            assertThat(begun.tryAcquire(5, PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();

            assertThat(refs.stream()
                            .flatMap(ref -> IntStream.range(0, 20)
                                    .filter(index -> harness.belt.isRunning(ref.batchNo(), index))
                                    .boxed()))
                    .hasSize(5);

            gate.release(60);
            for (int n = 0; n < 3; n++) {
                feeding.get(n).get(PATIENCE_SECONDS, TimeUnit.SECONDS);
                assertThat(harness.awaitEnd(refs.get(n)).tally()).isEqualTo(new Tally(20, 20, 0, 0, 0));
                assertThat(harness.belt.isRunning(refs.get(n).batchNo(), 0)).isFalse();
            }
        } finally {
            clients.shutdownNow();
        }
    }

    /** What is noted is what the next process finds, if this one dies now. */
    @Test
    void whatRunsIsNotedUntilItLeavesAndOnlyItsOwnBatchInterruptsIt() throws Exception {
        Semaphore begun = new Semaphore(0);
        Semaphore turns = new Semaphore(0);
        JobRunner runner = runner(handler("waits", job -> {
            begun.release();
            turns.acquire();
            return new JobOutput(job.input());
        }));
        ActiveBatch batch = batch(10, 0);
        for (int index = 5; index < 7; index++) {
            pool.enqueue(task(runner, batch, job(index, "waits")), Duration.ofSeconds(PATIENCE_SECONDS));
        }
        assertThat(begun.tryAcquire(PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
        assertThat(found()).containsExactly(new RunningLog.Entry(1, 5));
        running.interrupt(batch(10, 0));
        turns.release();

        assertThat(begun.tryAcquire(PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
        assertThat(outcomes()).containsExactly("5 SUCCEEDED");
        assertThat(found()).containsExactly(new RunningLog.Entry(1, 6));
        running.interrupt(batch);

        await().atMost(Duration.ofSeconds(PATIENCE_SECONDS)).until(() -> recorded.size() == 2);
        assertThat(outcomes()).containsExactly("5 SUCCEEDED", "6 FAILED");
        await().atMost(Duration.ofSeconds(PATIENCE_SECONDS)).until(() -> !running.contains(1, 6));
        assertThat(found()).isEmpty();
        assertThat(running.log()).isSameAs(log);
    }

    private List<RunningLog.Entry> found() throws Exception {
        try (RunningLog next = RunningLog.open(directory.resolve("running"), 2)) {
            return next.found();
        }
    }
}
