package io.conveyor.monitor;

import io.conveyor.belt.Belt;
import io.conveyor.job.JobKind;
import io.conveyor.job.JobState;
import io.conveyor.pool.SizingAdvice;
import io.conveyor.store.AttemptEntry;
import io.conveyor.store.BatchRef;
import io.conveyor.store.BatchStore;
import io.conveyor.store.OutcomeEntry;
import io.conveyor.store.StoreListener;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.SmartInitializingSingleton;
import org.springframework.stereotype.Component;

/**
 * How long the last attempts of jobs took whose outcomes are on the disk, by kind and state; and how often others came before. A kind that is not registered (its jobs may come out of an older store) counts
 * under {@value SizingAdvice#OTHER_KINDS}, so that no client can add series. Thread-safe.
 *
 * <p>The series of every registered kind exist before its first job: a rate over a series that was not there begins with
 * a gap. The belt, which knows the kinds, comes late, through a provider.
 */
@Component
final class JobMeters implements StoreListener, SmartInitializingSingleton {

    private final ObjectProvider<Belt> belt;
    private final MeterRegistry registry;
    private final OfKind others;

    // Mutable state
    /** By kind. Written once, before the belt starts; read by all threads that run jobs. */
    private volatile Map<String, OfKind> timers = Map.of();

    /** The two timers that every job meets, at hand: this is called a million times a second; and one that few do. */
    private record OfKind(String kind, Timer succeeded, Timer failed, Counter retries) {}

    JobMeters(ObjectProvider<Belt> belt, BatchStore store, MeterRegistry registry) {
        this.belt = belt;
        this.registry = registry;
        this.others = ofKind(SizingAdvice.OTHER_KINDS);
        store.listen(this);
    }

    @Override
    public void afterSingletonsInstantiated() {
        timers = belt.getObject().kinds().stream()
                .map(JobKind::name)
                .collect(Collectors.toUnmodifiableMap(Function.identity(), this::ofKind));
    }

    private OfKind ofKind(String kind) {
        return new OfKind(kind, timer(kind, JobState.SUCCEEDED), timer(kind, JobState.FAILED), retries(kind));
    }

    private Counter retries(String kind) {
        return Counter.builder("conveyor.job.retries")
                .description("Attempts that failed and are followed by another")
                .tag("kind", kind)
                .register(registry);
    }

    private Timer timer(String kind, JobState state) {
        return Buckets.timer("conveyor.job.duration", "Time a job spent in its handler")
                .tag("kind", kind)
                .tag("state", state.wireName())
                .register(registry);
    }

    /** On the one thread that writes: timers that many threads write to cost as much as a small job. */
    @Override
    public void recorded(BatchRef batch, List<OutcomeEntry> outcomes, boolean kept) {
        for (OutcomeEntry outcome : outcomes) {
            if (kept && outcome.run().endsAttempt()) {
                ran(outcome.kind(), outcome.state(), outcome.run().durationNanos());
            }
        }
    }

    @Override
    public void retrying(BatchRef batch, List<AttemptEntry> attempts, boolean kept) {
        if (kept) {
            attempts.forEach(attempt ->
                    timers.getOrDefault(attempt.kind(), others).retries().increment());
        }
    }

    void ran(String kind, JobState state, long nanos) {
        OfKind known = timers.getOrDefault(kind, others);
        Timer timer = switch (state) {
            case SUCCEEDED -> known.succeeded();
            case FAILED -> known.failed();
            case CANCELLED, EXPIRED, PENDING, RUNNING -> timer(known.kind(), state);
        };
        timer.record(nanos, TimeUnit.NANOSECONDS);
    }
}
