package io.conveyor.monitor;

import io.conveyor.job.BatchState;
import io.conveyor.job.JobState;
import io.conveyor.store.BatchRef;
import io.conveyor.store.BatchStore;
import io.conveyor.store.OutcomeEntry;
import io.conveyor.store.StoreException;
import io.conveyor.store.StoreListener;
import io.conveyor.store.StoreStatus;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

/** Meters of the store: what it holds, how its commits go, how large its files are. Thread-safe. */
@Component
final class StoreMeters implements StoreListener {

    private final BatchStore store;
    private final Counter accepted;
    private final Counter failures;
    private final Timer commits;
    private final DistributionSummary sizes;
    private final Map<JobState, Counter> recorded = new EnumMap<>(JobState.class);

    StoreMeters(BatchStore store, MeterRegistry registry) {
        this.store = store;
        accepted = Counter.builder("conveyor.jobs.accepted")
                .description("Jobs of accepted batches")
                .register(registry);
        failures = Counter.builder("conveyor.commit.failures")
                .description("Commits that failed and were rolled back")
                .register(registry);
        commits = Buckets.timer("conveyor.commit.duration", "Time of one group commit, the flush to the disk included")
                .register(registry);
        sizes = DistributionSummary.builder("conveyor.commit.size")
                .description("Requests and outcomes that one commit carried")
                .baseUnit("writes")
                .register(registry);
        for (JobState state : JobState.values()) {
            if (state.isTerminal()) {
                recorded.put(state, recordedCounter(registry, state));
            }
        }
        bindStatus(registry);
        store.listen(this);
    }

    private static Counter recordedCounter(MeterRegistry registry, JobState state) {
        return Counter.builder("conveyor.jobs.recorded")
                .description("Outcomes on the disk")
                .tag("state", state.wireName())
                .register(registry);
    }

    private void bindStatus(MeterRegistry registry) {
        for (BatchState state : BatchState.values()) {
            Gauge.builder("conveyor.batches", () -> count(state))
                    .description("Batches in the store")
                    .tag("state", state.wireName())
                    .register(registry);
        }
        gauge(registry, "conveyor.backlog", "jobs", "Accepted jobs without an outcome", StoreStatus::backlogJobs);
        gauge(
                registry,
                "conveyor.jobs.retrying",
                null,
                "Jobs that have failed an attempt and have no outcome yet",
                StoreStatus::retryingJobs);
        gauge(
                registry,
                "conveyor.outcomes.waiting",
                null,
                "Outcomes that wait for a commit",
                StoreStatus::outcomesInHand);
        gauge(registry, "conveyor.store.size", "bytes", "Size of the database", StoreStatus::databaseBytes);
        gauge(registry, "conveyor.wal.size", "bytes", "Size of the write-ahead log", StoreStatus::walBytes);
        FunctionCounter.builder("conveyor.outcomes.late", store, s -> s.status().lateOutcomes())
                .description("Outcomes refused because their segment had another owner or was gone")
                .register(registry);
    }

    private long count(BatchState state) {
        return store.status().batches().getOrDefault(state, 0L);
    }

    private void gauge(
            MeterRegistry registry,
            String name,
            @Nullable String unit,
            String text,
            ToDoubleFunction<StoreStatus> value) {
        Gauge.builder(name, () -> value.applyAsDouble(store.status()))
                .description(text)
                .baseUnit(unit)
                .register(registry);
    }

    @Override
    public void sealed(BatchRef batch, int jobs) {
        accepted.increment(jobs);
    }

    @Override
    public void appended(BatchRef batch, int jobs) {
        accepted.increment(jobs);
    }

    @Override
    public void recorded(BatchRef batch, List<OutcomeEntry> outcomes, boolean kept) {
        if (kept) {
            OutcomeEntry.byState(outcomes)
                    .forEach((state, count) ->
                            Objects.requireNonNull(recorded.get(state)).increment(count));
        }
    }

    @Override
    public void committed(int writes, long nanos) {
        commits.record(nanos, TimeUnit.NANOSECONDS);
        sizes.record(writes);
    }

    @Override
    public void commitFailed(StoreException failure) {
        failures.increment();
    }
}
