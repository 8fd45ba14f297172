package io.conveyor.belt;

import io.conveyor.job.Job;
import io.conveyor.pool.PoolTask;
import io.conveyor.store.SegmentRef;

/** One job on its way through the pool: what it is, and where its outcome belongs. Immutable. */
record JobTask(JobRunner runner, ActiveBatch batch, SegmentRef segment, Job job) implements PoolTask {

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
