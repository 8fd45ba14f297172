package io.conveyor.handler;

import io.conveyor.job.JobError;

/**
 * Thrown by a handler when the job failed in a way that its client should read about. Carries no stack: it is an
 * answer, not a fault.
 */
public final class JobFailure extends Exception {

    private static final long serialVersionUID = 1L;

    private final transient JobError error;

    public JobFailure(JobError error) {
        super(error.detail(), null, false, false);
        this.error = error;
    }

    /** What the client gets to read. */
    public JobError error() {
        return error;
    }
}
