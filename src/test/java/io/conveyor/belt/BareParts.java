package io.conveyor.belt;

import static io.conveyor.belt.BeltHarness.PATIENCE_SECONDS;
import static io.conveyor.belt.BeltHarness.bytes;
import static org.assertj.core.api.Assertions.assertThat;

import io.conveyor.handler.HandlerRegistry;
import io.conveyor.handler.JobHandler;
import io.conveyor.job.BatchRules;
import io.conveyor.job.Job;
import io.conveyor.pool.PoolTask;
import io.conveyor.pool.SizingAdvice;
import io.conveyor.pool.WorkerPool;
import io.conveyor.pool.WorkerPoolConfig;
import io.conveyor.store.BatchRef;
import io.conveyor.store.BatchStore;
import io.conveyor.store.JobEntry;
import io.conveyor.store.OutcomeEntry;
import io.conveyor.store.RunningLog;
import io.conveyor.store.SegmentRef;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** Parts of a belt by themselves: a pool of one worker, and a store of which the test says what it answers. */
abstract class BareParts {

    /** What the store says to a call; what has no answer must not be asked. */
    interface Answer {
        @Nullable
        Object to(Object[] arguments);
    }

    final Map<String, Answer> answers = new ConcurrentHashMap<>();
    final LinkedBlockingQueue<JobEntry> recorded = new LinkedBlockingQueue<>();
    final CountDownLatch gate = new CountDownLatch(1);

    /** One worker, one place in the queue, one permit for callers. */
    final WorkerPool pool = new WorkerPool(new WorkerPoolConfig("test", 1, 1, 1 << 20, 1));

    final BatchStore store = (BatchStore) Proxy.newProxyInstance(
            BatchStore.class.getClassLoader(), new Class<?>[] {BatchStore.class}, (proxy, method, arguments) -> {
                if (method.getName().equals("record")) {
                    recorded.add((JobEntry) arguments[0]);
                    return null;
                }
                Answer answer = answers.get(method.getName());
                if (answer == null) {
                    throw new AssertionError("The store is asked for " + method.getName());
                }
                return answer.to(arguments == null ? new Object[0] : arguments);
            });

    @TempDir
    Path directory;

    @SuppressWarnings("NullAway.Init")
    RunningLog log;

    @SuppressWarnings("NullAway.Init")
    RunningJobs running;

    final List<ActiveBatch> settled = new ArrayList<>();

    @SuppressWarnings("NullAway.Init")
    BareParts() {}

    @BeforeEach
    void openLog() {
        log = RunningLog.open(directory.resolve("running"), 2);
        log.start();
        running = new RunningJobs(2, log);
    }

    @AfterEach
    void closeAll() throws Exception {
        gate.countDown();
        pool.close();
        log.close();
    }

    final JobRunner runner(JobHandler... handlers) {
        return new JobRunner(new JobRunner.Parts(
                pool,
                new HandlerRegistry(List.of(handlers)),
                store,
                running,
                new SizingAdvice(),
                Duration.ofHours(1),
                new ManualClock().policy(1),
                Clock.systemUTC(),
                error -> {}));
    }

    final ActiveBatch batch(int jobs, int atOnce) {
        return new ActiveBatch(
                new BatchRef("default", 1, "b"), new BatchRules(0, 0, atOnce, 0, null), jobs, 0, settled::add);
    }

    static Job job(int index, String kind) {
        return new Job(index, kind, null, 0, null, bytes(String.valueOf(index)));
    }

    static JobTask task(JobRunner runner, ActiveBatch batch, Job job) {
        return new JobTask(runner, batch, SegmentRef.fresh(batch.ref(), 0), job);
    }

    /** The worker is in somebody else's task until the gate opens. */
    final void holdTheWorker() throws InterruptedException {
        CountDownLatch begun = new CountDownLatch(1);
        PoolTask held = foreign(() -> {
            begun.countDown();
            gate.await();
        });
        assertThat(pool.enqueue(held, Duration.ofSeconds(PATIENCE_SECONDS))).isTrue();
        assertThat(begun.await(PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
    }

    /** And somebody else's task has the only place in the queue. */
    final void fillTheQueue() throws InterruptedException {
        assertThat(pool.enqueue(foreign(() -> {}), Duration.ZERO)).isTrue();
    }

    /** And another caller has the only permit, until the gate opens. */
    final void takeTheOnlyPermit() throws InterruptedException {
        CountDownLatch begun = new CountDownLatch(1);
        PoolTask held = foreign(() -> {
            begun.countDown();
            gate.await();
        });
        Thread caller = new Thread(() -> {
            try {
                pool.offer(held, Duration.ZERO);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        caller.start();
        assertThat(begun.await(PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
    }

    private interface Step {
        void run() throws InterruptedException;
    }

    private static PoolTask foreign(Step step) {
        return new PoolTask() {
            @Override
            public long bytes() {
                return 1;
            }

            @Override
            public void run() {
                try {
                    step.run();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            }
        };
    }

    /** Indexes of the jobs that have their outcome, with it, in the order in which they got it. */
    final List<String> outcomes() {
        return recorded.stream()
                .map(OutcomeEntry.class::cast)
                .map(outcome -> outcome.index() + " " + outcome.state())
                .toList();
    }
}
