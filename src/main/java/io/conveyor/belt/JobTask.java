package io.conveyor.belt;

import io.conveyor.job.Job;
import io.conveyor.limit.Permit;
import io.conveyor.pool.PoolTask;
import io.conveyor.store.SegmentRef;

/**
 * One job on its way through the pool: what it is, and where its outcome belongs. Immutable.
 *
 * @param permit its places in the limits that hold for it; given back by whoever ends the way
 */
record JobTask(JobRunner runner, ActiveBatch batch, SegmentRef segment, Job job, Permit permit) implements PoolTask {

    /** A job that is not on its way yet. */
    JobTask(JobRunner runner, ActiveBatch batch, SegmentRef segment, Job job) {
        this(runner, batch, segment, job, Permit.FREE);
    }

    JobTask with(Permit its) {
        return its == permit ? this : new JobTask(runner, batch, segment, job, its);
    }

    @Override
    public long bytes() {
        return job.bytes();
    }

    @Override
    public boolean early() {
        return batch.isEarly();
    }

    @Override
    public void run() {
        runner.run(this);
    }
}
