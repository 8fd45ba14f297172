package io.conveyor.pool;

import java.util.List;

/**
 * How a {@link WorkerPool#drain} went. Immutable.
 *
 * @param returned tasks that were queued and have not started, in queue order; each is handed back by one report only
 * @param finished how many tasks ended by themselves after the intake had stopped
 * @param interrupted how many tasks ended after the drain had interrupted them
 * @param stuck names of the threads that still run a task
 */
public record DrainReport(List<PoolTask> returned, int finished, int interrupted, List<String> stuck) {

    public DrainReport {
        returned = List.copyOf(returned);
        stuck = List.copyOf(stuck);
    }
}
