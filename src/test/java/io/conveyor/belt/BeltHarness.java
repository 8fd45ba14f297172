package io.conveyor.belt;

import io.conveyor.handler.HandlerRegistry;
import io.conveyor.handler.JobContext;
import io.conveyor.handler.JobHandler;
import io.conveyor.handler.JobOutput;
import io.conveyor.job.BatchRules;
import io.conveyor.job.Job;
import io.conveyor.job.JobKind;
import io.conveyor.job.SteadyClock;
import io.conveyor.limit.LimitProperties;
import io.conveyor.limit.Limits;
import io.conveyor.pool.DrainReport;
import io.conveyor.pool.PoolListener;
import io.conveyor.pool.SizingAdvice;
import io.conveyor.pool.WorkerPool;
import io.conveyor.pool.WorkerPoolConfig;
import io.conveyor.store.BatchRef;
import io.conveyor.store.BatchStore;
import io.conveyor.store.NewBatch;
import io.conveyor.store.PackedSegment;
import io.conveyor.store.ResultLines;
import io.conveyor.store.RunningLog;
import io.conveyor.store.SegmentPacker;
import io.conveyor.store.StoredBatch;
import io.conveyor.store.TestStores;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.function.UnaryOperator;

/** A belt over a real pool and a real SQLite file, as the service puts it together. */
final class BeltHarness implements AutoCloseable {

    /** Longest wait for what must happen; generous, since machines stall. Shorter to see a test fail: {@code -Dpatience=5}. */
    static final long PATIENCE_SECONDS = Long.getLong("patience", 60);

    static final String TENANT = "default";

    final TestStores.OpenStore open;
    final BatchStore store;
    final WorkerPool pool;
    private final RunningLog log;
    final Belt belt;
    final Limits limits;
    private final List<JobHandler> handlers;

    BeltHarness(Path file, int workers, int queue, int callers, JobHandler... handlers) {
        this(file, workers, queue, callers, WaitingBatches.CAPACITY, handlers);
    }

    BeltHarness(Path file, int workers, int queue, int callers, int ring, JobHandler... handlers) {
        this(new Parts(file, workers, queue, callers, ring), handlers);
    }

    BeltHarness(Parts parts, JobHandler... handlers) {
        open = TestStores.open(parts.file(), parts.wall(), parts.nanos());
        store = parts.around().apply(open.store());
        pool = new WorkerPool(
                new WorkerPoolConfig("test", parts.workers(), parts.queue(), 1 << 20, parts.callers()),
                parts.listener(),
                parts.poolClock());
        log = RunningLog.open(
                parts.file().resolveSibling(parts.file().getFileName() + ".running"),
                parts.workers() + parts.callers());
        this.handlers = List.of(handlers);
        HandlerRegistry registry = new HandlerRegistry(this.handlers);
        RunningJobs running = new RunningJobs(parts.places(), log);
        RetryPolicy retries = parts.retries();
        JobRunner runner = new JobRunner(new JobRunner.Parts(
                pool,
                registry,
                store,
                running,
                new SizingAdvice(),
                Duration.ofSeconds(60),
                retries,
                parts.wall(),
                error -> {}));
        limits = Limits.of(parts.limits());
        belt = new Belt(
                new Belt.Parts(store, pool, registry, running, runner, retries, limits, parts.alone()), parts.ring());
    }

    /**
     * What a belt is made of, where a test wants something special.
     *
     * @param places of running jobs
     * @param around wraps the store
     * @param listener hears from the pool
     * @param retries whether and when failed jobs are tried again
     */
    record Parts(
            Path file,
            int workers,
            int queue,
            int callers,
            int ring,
            int places,
            UnaryOperator<BatchStore> around,
            LongSupplier poolClock,
            PoolListener listener,
            Clock wall,
            LongSupplier nanos,
            RetryPolicy retries,
            Map<String, LimitProperties.Rule> limits,
            Duration alone) {

        /** So that nothing is decided by a clock, unless a test wants it. */
        private static final Duration LONG = Duration.ofHours(1);

        /** One attempt a job, as the service does it when nothing is said. */
        private static final BeltProperties.JobDefaults DEFAULTS = new BeltProperties.JobDefaults(
                Duration.ofSeconds(60),
                1,
                LONG,
                new BeltProperties.Backoff(Duration.ofSeconds(1), Duration.ofMinutes(5), Duration.ofHours(1)),
                new BeltProperties.RetryBudget(20, 10));

        Parts(Path file, int workers, int queue, int callers, int ring) {
            this(
                    file,
                    workers,
                    queue,
                    callers,
                    ring,
                    workers + callers,
                    UnaryOperator.identity(),
                    System::nanoTime,
                    PoolListener.NONE,
                    Clock.systemUTC(),
                    System::nanoTime,
                    new RetryPolicy(DEFAULTS, new SteadyClock(Clock.systemUTC(), System::nanoTime)),
                    Map.of(),
                    LONG);
        }

        Parts withPlaces(int number) {
            return new Parts(
                    file, workers, queue, callers, ring, number, around, poolClock, listener, wall, nanos, retries,
                    limits, alone);
        }

        Parts withStore(UnaryOperator<BatchStore> wrapper) {
            return new Parts(
                    file, workers, queue, callers, ring, places, wrapper, poolClock, listener, wall, nanos, retries,
                    limits, alone);
        }

        /** @param clock what waits in the pool are measured with */
        Parts withPoolClock(LongSupplier clock) {
            return new Parts(
                    file, workers, queue, callers, ring, places, around, clock, listener, wall, nanos, retries, limits,
                    alone);
        }

        /** @param told of each job that starts and ends */
        Parts withListener(PoolListener told) {
            return new Parts(
                    file, workers, queue, callers, ring, places, around, poolClock, told, wall, nanos, retries, limits,
                    alone);
        }

        /** @param steady what deadlines are measured with, in nanoseconds */
        Parts withTime(Clock onTheWall, LongSupplier steady) {
            return new Parts(
                    file, workers, queue, callers, ring, places, around, poolClock, listener, onTheWall, steady,
                    retries, limits, alone);
        }

        Parts withRetries(RetryPolicy policy) {
            return new Parts(
                    file, workers, queue, callers, ring, places, around, poolClock, listener, wall, nanos, policy,
                    limits, alone);
        }

        /** @param time for which everything else waits for jobs that ran in two crashes */
        Parts withAlone(Duration time) {
            return new Parts(
                    file, workers, queue, callers, ring, places, around, poolClock, listener, wall, nanos, retries,
                    limits, time);
        }

        Parts withLimits(Map<String, LimitProperties.Rule> rules) {
            return new Parts(
                    file, workers, queue, callers, ring, places, around, poolClock, listener, wall, nanos, retries,
                    rules, alone);
        }
    }

    private void closeLog() {
        try {
            log.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    BeltHarness started() {
        belt.start();
        return this;
    }

    /** A handler made of a lambda. */
    interface Work {
        JobOutput handle(JobContext job) throws Exception;
    }

    static JobHandler handler(String name, Work work) {
        return new JobHandler() {
            @Override
            public JobKind kind() {
                return new JobKind(name, "for a test", "{}");
            }

            @Override
            public JobOutput handle(JobContext job) throws Exception {
                return work.handle(job);
            }
        };
    }

    /** Runs jobs that no interrupt ends. */
    interface Deaf extends JobHandler {

        /** The test is over, well or not: what still waits for it goes on, or the belt could not close. */
        void letGo();
    }

    /** Segments of jobs of one kind whose inputs are their indexes. */
    static List<PackedSegment> segments(String kind, int jobs, long timeoutMillis) {
        List<PackedSegment> segments = new ArrayList<>();
        SegmentPacker packer = new SegmentPacker();
        for (int index = 0; index < jobs; index++) {
            packer.add(new Job(index, kind, null, timeoutMillis, null, bytes(String.valueOf(index))));
            if (packer.isFull()) {
                segments.add(packer.take());
            }
        }
        if (!packer.isEmpty()) {
            segments.add(packer.take());
        }
        return segments;
    }

    BatchRef seal(String id, List<PackedSegment> segments) {
        return seal(id, segments, BatchRules.NONE);
    }

    BatchRef seal(String id, List<PackedSegment> segments, BatchRules rules) {
        NewBatch batch = batch(id, segments, rules);
        belt.seal(batch, segments);
        return batch.ref();
    }

    NewBatch batch(String id, List<PackedSegment> segments, BatchRules rules) {
        int total = segments.stream().mapToInt(PackedSegment::jobs).sum();
        BatchRef ref = new BatchRef(TENANT, store.newBatchNo(), id);
        return new NewBatch(ref, null, null, new byte[] {1}, 0, total, System.currentTimeMillis()).with(rules);
    }

    /** Seals a batch and feeds it from this thread. */
    BatchRef submit(String id, List<PackedSegment> segments, Duration hold) {
        BatchRef ref = seal(id, segments);
        belt.feed(ref, segments, hold);
        return ref;
    }

    /** The same under rules, handing over what the queue takes at once. */
    BatchRef submit(String id, List<PackedSegment> segments, BatchRules rules) {
        BatchRef ref = seal(id, segments, rules);
        belt.feed(ref, segments, Duration.ZERO);
        return ref;
    }

    StoredBatch awaitEnd(BatchRef ref) throws InterruptedException {
        CountDownLatch ended = new CountDownLatch(1);
        try (Belt.Registration registration = belt.onEnd(ref.batchNo(), ended::countDown)) {
            if (!find(ref).ended() && !ended.await(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                throw new AssertionError("The batch did not end: " + find(ref));
            }
        }
        return find(ref);
    }

    StoredBatch find(BatchRef ref) {
        return store.find(TENANT, ref.id()).orElseThrow();
    }

    /** All result lines there are, in input order. */
    List<String> results(BatchRef ref) {
        List<String> lines = new ArrayList<>();
        ResultLines results = store.results(ref, 0);
        while (results != null) {
            for (int n = 0; n < results.size(); n++) {
                results.line(
                        n,
                        (bytes, offset, length) ->
                                lines.add(new String(bytes, offset, length, StandardCharsets.UTF_8).strip()));
            }
            results = store.results(ref, results.nextIndex());
        }
        return lines;
    }

    static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    static String input(JobContext job) {
        return new String(job.input(), StandardCharsets.UTF_8);
    }

    DrainReport stop(Duration drain) {
        return belt.stop(drain);
    }

    /** Lets go first of what its handlers hold, where they can be closed. */
    @Override
    public void close() {
        handlers.stream().filter(Deaf.class::isInstance).map(Deaf.class::cast).forEach(Deaf::letGo);
        belt.stop(Duration.ZERO);
        limits.close();
        pool.close();
        open.close();
        closeLog();
    }
}
