package io.conveyor.belt;

import io.conveyor.job.JobState;

/** Hears of every job that was run; on the thread that ran it, outside of job code. Must be quick and not throw. */
public interface JobListener {

    /**
     * A job has run.
     *
     * @param kind its kind, one of the registered ones
     * @param state what came of it, a terminal state
     * @param nanos how long its handler took
     */
    void ran(String kind, JobState state, long nanos);
}
