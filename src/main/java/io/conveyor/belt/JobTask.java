package io.conveyor.belt;

import io.conveyor.job.Job;
import io.conveyor.limit.Permit;
import io.conveyor.pool.PoolTask;
import io.conveyor.store.SegmentRef;
import io.conveyor.store.WaitingAttempt;
import org.jspecify.annotations.Nullable;

/**
 * One job on its way through the pool: what it is, and where its outcome belongs. Immutable.
 *
 * @param before what came of it so far, or null if it was not tried yet
 * @param permit its places in the limits that hold for it; given back by whoever ends its way
 */
record JobTask(
        JobRunner runner,
        ActiveBatch batch,
        SegmentRef segment,
        Job job,
        @Nullable WaitingAttempt before,
        Permit permit)
        implements PoolTask {

    /** A job that is not on its way yet. */
    JobTask(JobRunner runner, ActiveBatch batch, SegmentRef segment, Job job, @Nullable WaitingAttempt before) {
        this(runner, batch, segment, job, before, Permit.FREE);
    }

    /** A job that was not tried yet. */
    JobTask(JobRunner runner, ActiveBatch batch, SegmentRef segment, Job job) {
        this(runner, batch, segment, job, null);
    }

    JobTask with(Permit its) {
        return its == permit ? this : new JobTask(runner, batch, segment, job, before, its);
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

    /** For the log: the inputs are the clients'. */
    @Override
    public String toString() {
        return "Job " + job.index() + " of " + batch.ref().id() + " (" + job.kind() + ")";
    }

    @Override
    public void run() {
        runner.run(this);
    }
}
