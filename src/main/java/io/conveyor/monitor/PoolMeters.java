package io.conveyor.monitor;

import io.conveyor.pool.PoolListener;
import io.conveyor.pool.PoolSnapshot;
import io.conveyor.pool.PoolTask;
import io.conveyor.pool.WorkerPool;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.binder.MeterBinder;
import io.micrometer.core.instrument.binder.jvm.ExecutorServiceMetrics;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.stereotype.Component;

/**
 * Meters of the crew and its queue. One scrape reads one snapshot: gauges of the same moment belong together. Thread-safe.
 *
 * <p>The pool is made with this object as its listener, so the pool comes late, through a provider.
 */
@Component
final class PoolMeters implements MeterBinder, PoolListener {

    private static final Logger log = LoggerFactory.getLogger(PoolMeters.class);

    /** Lines of a stack that tell what a job does that does not stop. */
    private static final int STACK_LINES = 12;

    /** How long a snapshot serves the gauges of one scrape. */
    private static final long FRESH_NANOS = Duration.ofMillis(200).toNanos();

    private final ObjectProvider<WorkerPool> pool;
    private final Timer queueWait;

    // Mutable state
    /** Replaced as a whole by whichever scraping thread finds it stale. */
    private volatile Reading last = new Reading(null, 0);

    private record Reading(@Nullable PoolSnapshot snapshot, long takenAt) {}

    PoolMeters(ObjectProvider<WorkerPool> pool, MeterRegistry registry) {
        this.pool = pool;
        this.queueWait = Buckets.timer("conveyor.queue.wait", "Time a job waited in memory for a worker")
                .register(registry);
    }

    @Override
    public void started(PoolTask task, long waitedNanos, boolean inCaller) {
        if (!inCaller) {
            queueWait.record(Math.max(0, waitedNanos), TimeUnit.NANOSECONDS);
        }
    }

    @Override
    public void stuck(PoolTask task, String place, Thread thread) {
        String where = Arrays.stream(thread.getStackTrace())
                .limit(STACK_LINES)
                .map(frame -> "\n\tat " + frame)
                .collect(Collectors.joining());
        log.warn(
                "{} ignores its interrupt: it was to stop, and holds the place {} until it ends by itself. Its handler is to"
                        + " stop soon when its thread is interrupted; until that is mended, only a restart frees the place."
                        + " Now it is at{}",
                task,
                place,
                where);
    }

    @Override
    public void bindTo(MeterRegistry registry) {
        new ExecutorServiceMetrics(pool.getObject().executor(), "conveyor", Tags.empty()).bindTo(registry);
        gauge(registry, "conveyor.workers", null, "Size of the crew", PoolSnapshot::workers);
        gauge(registry, "conveyor.workers.active", null, "Workers that run a job now", PoolSnapshot::activeWorkers);
        gauge(
                registry,
                "conveyor.workers.stuck",
                null,
                "Jobs that ignored their interrupt for 5 s",
                PoolSnapshot::stuck);
        gauge(
                registry,
                "conveyor.worker.longest.job",
                "seconds",
                "Age of the oldest running job",
                PoolSnapshot::longestRunningSeconds);
        gauge(
                registry,
                "conveyor.callers.running",
                null,
                "Callers that run a job themselves now",
                PoolSnapshot::callersRunning);
        gauge(
                registry,
                "conveyor.callers.permits",
                null,
                "Callers that may run jobs at once",
                PoolSnapshot::callerRunsPermits);
        gauge(registry, "conveyor.queue.depth", "jobs", "Jobs that wait in memory for a worker", PoolSnapshot::queued);
        gauge(registry, "conveyor.queue.capacity", "jobs", "Jobs that may wait in memory", PoolSnapshot::queueCapacity);
        gauge(
                registry,
                "conveyor.queue.saturation",
                "ratio",
                "Jobs that wait in memory by how many may now, 0 to 1; behind long jobs that is less than the capacity",
                PoolSnapshot::saturation);
        gauge(
                registry,
                "conveyor.queue.size",
                "bytes",
                "Bytes of inputs that wait in memory",
                PoolSnapshot::queuedBytes);
        gauge(
                registry,
                "conveyor.queue.limit",
                "bytes",
                "Bytes of inputs that may wait in memory",
                PoolSnapshot::queueBytes);
        utilisation(registry, "10s", PoolSnapshot::utilisation10s);
        utilisation(registry, "1m", PoolSnapshot::utilisation1m);
        counter(
                registry,
                "conveyor.worker.busy",
                "seconds",
                "Time workers spent on jobs, running ones included",
                PoolSnapshot::busySeconds);
        counter(
                registry,
                "conveyor.caller.runs",
                null,
                "Jobs that their callers ran themselves",
                PoolSnapshot::callerRunsTotal);
    }

    private void utilisation(MeterRegistry registry, String window, ToDoubleFunction<PoolSnapshot> value) {
        Gauge.builder("conveyor.worker.utilisation", () -> value.applyAsDouble(snapshot()))
                .description("Share of the crew's time spent on jobs, 0 to 1")
                .baseUnit("ratio")
                .tag("window", window)
                .register(registry);
    }

    private void gauge(
            MeterRegistry registry,
            String name,
            @Nullable String unit,
            String text,
            ToDoubleFunction<PoolSnapshot> value) {
        Gauge.builder(name, () -> value.applyAsDouble(snapshot()))
                .description(text)
                .baseUnit(unit)
                .register(registry);
    }

    private void counter(
            MeterRegistry registry,
            String name,
            @Nullable String unit,
            String text,
            ToDoubleFunction<PoolSnapshot> value) {
        FunctionCounter.builder(name, this, meters -> value.applyAsDouble(meters.snapshot()))
                .description(text)
                .baseUnit(unit)
                .register(registry);
    }

    private PoolSnapshot snapshot() {
        Reading reading = last;
        long now = System.nanoTime();
        PoolSnapshot snapshot = reading.snapshot();
        if (snapshot == null || now - reading.takenAt() > FRESH_NANOS) {
            snapshot = pool.getObject().snapshot();
            last = new Reading(snapshot, now);
        }
        return snapshot;
    }
}
