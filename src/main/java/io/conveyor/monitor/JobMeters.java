package io.conveyor.monitor;

import io.conveyor.belt.JobListener;
import io.conveyor.job.JobState;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.springframework.stereotype.Component;

/** How long jobs take, by kind and state; kinds are the registered ones, so the tags are few. Thread-safe. */
@Component
final class JobMeters implements JobListener {

    private record Key(String kind, JobState state) {}

    private final MeterRegistry registry;
    private final Map<Key, Timer> timers = new ConcurrentHashMap<>();

    JobMeters(MeterRegistry registry) {
        this.registry = registry;
    }

    @Override
    public void ran(String kind, JobState state, long nanos) {
        timers.computeIfAbsent(new Key(kind, state), this::timer).record(nanos, TimeUnit.NANOSECONDS);
    }

    private Timer timer(Key key) {
        return Buckets.timer("conveyor.job.duration", "Time a job spent in its handler")
                .tag("kind", key.kind())
                .tag("state", key.state().wireName())
                .register(registry);
    }
}
