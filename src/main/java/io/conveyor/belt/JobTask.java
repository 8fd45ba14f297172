package io.conveyor.belt;

import io.conveyor.job.Job;
import io.conveyor.pool.PoolTask;
import io.conveyor.store.SegmentRef;
import io.conveyor.store.WaitingAttempt;
import org.jspecify.annotations.Nullable;

/**
 * One job on its way through the pool: what it is, and where its outcome belongs. Immutable.
 *
 * @param before what came of it so far, or null if it was not tried yet
 */
record JobTask(
        JobRunner runner,
        ActiveBatch batch,
        SegmentRef segment,
        Job job,
        @Nullable WaitingAttempt before) implements PoolTask {

    /** A job that was not tried yet. */
    JobTask(JobRunner runner, ActiveBatch batch, SegmentRef segment, Job job) {
        this(runner, batch, segment, job, null);
    }

    /** Attempts made so far. */
    int attempts() {
        return before == null ? 0 : before.attempts();
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
