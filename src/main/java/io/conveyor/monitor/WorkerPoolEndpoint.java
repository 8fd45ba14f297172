package io.conveyor.monitor;

import io.conveyor.belt.Belt;
import io.conveyor.pool.PoolSnapshot;
import io.conveyor.pool.SizingAdvice;
import io.conveyor.pool.WorkerPool;
import java.util.List;
import org.springframework.boot.actuate.endpoint.annotation.Endpoint;
import org.springframework.boot.actuate.endpoint.annotation.ReadOperation;
import org.springframework.stereotype.Component;

/** {@code /actuator/workerpool}: the crew right now, and how many workers each kind of job would deserve. */
@Component
@Endpoint(id = "workerpool")
final class WorkerPoolEndpoint {

    private final WorkerPool pool;
    private final Belt belt;
    private final SizingAdvice sizing;

    WorkerPoolEndpoint(WorkerPool pool, Belt belt, SizingAdvice sizing) {
        this.pool = pool;
        this.belt = belt;
        this.sizing = sizing;
    }

    /**
     * What the endpoint answers.
     *
     * @param accepting whether new batches are taken
     * @param waitingBatches batches in memory that wait for a background feeder
     * @param pool the crew, its queue and its utilisation
     * @param sizing advice by kind, from the jobs measured so far
     */
    record Report(boolean accepting, int waitingBatches, PoolSnapshot pool, List<SizingAdvice.Advice> sizing) {}

    @ReadOperation
    Report report() {
        return new Report(
                belt.accepting(),
                belt.waitingBatches(),
                pool.snapshot(),
                sizing.advice(Runtime.getRuntime().availableProcessors()));
    }
}
