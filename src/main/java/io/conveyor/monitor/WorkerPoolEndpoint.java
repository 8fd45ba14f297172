package io.conveyor.monitor;

import com.fasterxml.jackson.annotation.JsonProperty;
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
     * What the endpoint answers; the numbers are those of {@link PoolSnapshot}, under the names of the HTTP contract.
     *
     * @param workers size of the crew
     * @param active workers that run a job now
     * @param utilisation10s share of the crew's time spent on jobs in the last 10 s, 0 to 1
     * @param utilisation1m the same for the last minute
     * @param queueDepth jobs that wait in memory
     * @param queueCapacity jobs that may wait in memory
     * @param queueBytes bytes of inputs that wait in memory
     * @param queueBytesLimit bytes of inputs that may wait in memory
     * @param callerRunsInUse callers that run a job themselves now
     * @param callerRunsPermits callers that may do so at once
     * @param callerRunsTotal jobs that callers have run since the start
     * @param callersWaiting threads that wait for room or a permit
     * @param saturation queue depth by how many may wait now: behind long jobs fewer than the capacity; 0 to 1
     * @param longestJobSeconds age of the oldest running job
     * @param stuck jobs that ignored their interrupt for 5 s
     * @param completedTotal jobs run since the start
     * @param waitingBatches batches in memory that wait for a background feeder
     * @param accepting whether new batches are taken
     * @param crew the workers, one by one
     * @param sizingAdvice by kind, from the jobs measured since the start
     */
    record Report(
            @JsonProperty("workers") int workers,
            @JsonProperty("active") int active,
            @JsonProperty("utilisation_10s") double utilisation10s,
            @JsonProperty("utilisation_1m") double utilisation1m,
            @JsonProperty("queue_depth") int queueDepth,
            @JsonProperty("queue_capacity") int queueCapacity,
            @JsonProperty("queue_bytes") long queueBytes,
            @JsonProperty("queue_bytes_limit") long queueBytesLimit,
            @JsonProperty("caller_runs_in_use") int callerRunsInUse,
            @JsonProperty("caller_runs_permits") int callerRunsPermits,
            @JsonProperty("caller_runs_total") long callerRunsTotal,
            @JsonProperty("callers_waiting") int callersWaiting,
            @JsonProperty("saturation") double saturation,
            @JsonProperty("longest_job_seconds") double longestJobSeconds,
            @JsonProperty("stuck") int stuck,
            @JsonProperty("completed_total") long completedTotal,
            @JsonProperty("waiting_batches") int waitingBatches,
            @JsonProperty("accepting") boolean accepting,
            @JsonProperty("crew") List<Worker> crew,
            @JsonProperty("sizing_advice") List<Advice> sizingAdvice) {}

    /** One worker; see {@link PoolSnapshot.Worker}. */
    record Worker(
            @JsonProperty("name") String name,
            @JsonProperty("busy") boolean busy,
            @JsonProperty("running_seconds") double runningSeconds,
            @JsonProperty("utilisation_10s") double utilisation10s,
            @JsonProperty("stuck") boolean stuck) {

        static Worker of(PoolSnapshot.Worker worker) {
            return new Worker(
                    worker.name(), worker.busy(), worker.runningSeconds(), worker.utilisation10s(), worker.stuck());
        }
    }

    /** Advice for one kind; see {@link SizingAdvice.Advice}. */
    record Advice(
            @JsonProperty("kind") String kind,
            @JsonProperty("jobs_measured") long jobsMeasured,
            @JsonProperty("mean_wall_ms") double meanWallMillis,
            @JsonProperty("mean_cpu_ms") double meanCpuMillis,
            @JsonProperty("wait_share") double waitShare,
            @JsonProperty("suggested_workers") int suggestedWorkers,
            @JsonProperty("because") String because) {

        static Advice of(SizingAdvice.Advice advice) {
            return new Advice(
                    advice.kind(),
                    advice.jobs(),
                    advice.meanWallMillis(),
                    advice.meanCpuMillis(),
                    advice.waitShare(),
                    advice.suggestedWorkers(),
                    advice.because());
        }
    }

    @ReadOperation
    Report report() {
        PoolSnapshot now = pool.snapshot();
        return new Report(
                now.workers(),
                now.activeWorkers(),
                now.utilisation10s(),
                now.utilisation1m(),
                now.queued(),
                now.queueCapacity(),
                now.queuedBytes(),
                now.queueBytes(),
                now.callersRunning(),
                now.callerRunsPermits(),
                now.callerRunsTotal(),
                now.producersWaiting(),
                now.saturation(),
                now.longestRunningSeconds(),
                now.stuck(),
                now.completedTotal(),
                belt.waitingBatches(),
                belt.accepting(),
                now.crew().stream().map(Worker::of).toList(),
                sizing.advice(Runtime.getRuntime().availableProcessors()).stream()
                        .map(Advice::of)
                        .toList());
    }
}
