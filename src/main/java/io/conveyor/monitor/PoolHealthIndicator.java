package io.conveyor.monitor;

import io.conveyor.pool.PoolSnapshot;
import io.conveyor.pool.WorkerPool;
import java.util.List;
import org.springframework.boot.health.contributor.AbstractHealthIndicator;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.Status;
import org.springframework.stereotype.Component;

/** Up unless every worker is held by a job that ignores its interrupt: then nothing runs any more. A busy crew is well. */
@Component
final class PoolHealthIndicator extends AbstractHealthIndicator {

    private final WorkerPool pool;

    PoolHealthIndicator(WorkerPool pool) {
        super("The state of the worker pool cannot be read");
        this.pool = pool;
    }

    @Override
    protected void doHealthCheck(Health.Builder builder) {
        describe(pool.snapshot(), builder);
    }

    private static List<String> stuckWorkers(PoolSnapshot snapshot) {
        return snapshot.crew().stream()
                .filter(PoolSnapshot.Worker::stuck)
                .map(PoolSnapshot.Worker::name)
                .toList();
    }

    static void describe(PoolSnapshot snapshot, Health.Builder builder) {
        builder.status(snapshot.stuck() < snapshot.workers() ? Status.UP : Status.DOWN)
                .withDetail("workers", snapshot.workers())
                .withDetail("active", snapshot.activeWorkers())
                .withDetail("stuck", snapshot.stuck())
                .withDetail("stuck_workers", stuckWorkers(snapshot))
                .withDetail("queued", snapshot.queued());
    }
}
