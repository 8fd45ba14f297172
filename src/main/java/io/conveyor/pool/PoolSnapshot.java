package io.conveyor.pool;

import java.util.List;

/**
 * The state of a {@link WorkerPool} at one moment, for people and meters. Immutable; the figures are read one after the
 * other while the pool goes on, so they may differ by what happened in between.
 *
 * @param workers size of the crew
 * @param activeWorkers workers that run a task now
 * @param queued tasks that wait for a worker
 * @param queueCapacity bound of {@code queued}
 * @param queuedBytes bytes held by the waiting tasks
 * @param queueBytes bound of {@code queuedBytes}
 * @param callerRunsPermits how many callers may run a task at once
 * @param callersRunning callers that run a task now
 * @param producersWaiting threads that wait for room or for a permit
 * @param callerRunsTotal tasks that callers have run or are running, since the start
 * @param completedTotal tasks that have ended, in workers and in callers, since the start
 * @param uncaughtTotal how often a task or a listener threw, since the start
 * @param refusedAfterShutdown tasks that were refused because the pool was shut down
 * @param busySeconds time that workers have spent in tasks, those that run included; its rate over {@code workers} is
 *     the utilisation
 * @param callerBusySeconds the same for callers
 * @param utilisation10s share of the workers' time spent in tasks during the last 10 s (since the start if shorter),
 *     0 to 1; the window reaches up to one second further back
 * @param utilisation1m the same for the last minute
 * @param saturation {@code queued} by how many may wait now: behind long tasks fewer than the capacity; 0 to 1
 * @param longestRunningSeconds age of the task that has been running longest, 0 if none runs
 * @param stuck sections of job code that are still running 5 s or more after they were interrupted
 * @param crew the workers, one by one
 */
public record PoolSnapshot(
        int workers,
        int activeWorkers,
        int queued,
        int queueCapacity,
        long queuedBytes,
        long queueBytes,
        int callerRunsPermits,
        int callersRunning,
        int producersWaiting,
        long callerRunsTotal,
        long completedTotal,
        long uncaughtTotal,
        long refusedAfterShutdown,
        double busySeconds,
        double callerBusySeconds,
        double utilisation10s,
        double utilisation1m,
        double saturation,
        double longestRunningSeconds,
        int stuck,
        List<Worker> crew) {

    public PoolSnapshot {
        crew = List.copyOf(crew);
    }

    /**
     * One worker.
     *
     * @param name of its thread
     * @param busy whether it runs a task now
     * @param runningSeconds how long it has been running that task, 0 if none
     * @param utilisation10s share of its time spent in tasks during the last 10 s, 0 to 1
     * @param stuck whether its task has ignored an interrupt for 5 s or more
     */
    public record Worker(String name, boolean busy, double runningSeconds, double utilisation10s, boolean stuck) {}
}
