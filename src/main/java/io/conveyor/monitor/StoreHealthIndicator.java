package io.conveyor.monitor;

import io.conveyor.store.BatchStore;
import io.conveyor.store.StoreStatus;
import org.springframework.boot.health.contributor.AbstractHealthIndicator;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.Status;
import org.springframework.stereotype.Component;

/** Up while commits reach the disk: from a failed one until the next that succeeds the store is down. It is up while it only has no room for new batches. */
@Component
final class StoreHealthIndicator extends AbstractHealthIndicator {

    private final BatchStore store;

    StoreHealthIndicator(BatchStore store) {
        super("The state of the store cannot be read");
        this.store = store;
    }

    @Override
    protected void doHealthCheck(Health.Builder builder) {
        StoreStatus status = store.status();
        builder.status(status.working() ? Status.UP : Status.DOWN)
                .withDetail("backlog_jobs", status.backlogJobs())
                .withDetail("outcomes_waiting", status.outcomesInHand())
                .withDetail("database_bytes", status.databaseBytes())
                .withDetail("wal_bytes", status.walBytes())
                .withDetail("free_bytes", status.freeBytes())
                .withDetail("takes_new_batches", status.working() && status.room());
        if (!status.working()) {
            builder.withDetail("trouble", status.trouble());
        }
    }
}
