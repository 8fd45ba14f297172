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

    /** The lane of the queue goes by the size of the batch. */
    @Override
    public long groupSize() {
        return batch.total();
    }

    @Override
    public void run() {
        runner.run(this);
    }
}
