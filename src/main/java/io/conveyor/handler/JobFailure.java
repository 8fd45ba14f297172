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

    /** The job failed; another attempt would fail as well. */
    public static JobFailure of(String detail) {
        return new JobFailure(JobError.failed(detail, false));
    }

    /** The job failed; another attempt may succeed. */
    public static JobFailure retryable(String detail) {
        return new JobFailure(JobError.failed(detail, true));
    }

    /**
     * The input cannot be worked on.
     *
     * @param pointer JSON Pointer (RFC 6901) to what is wrong, from the job: {@code /input/ms}
     * @param detail what is wrong with it, and how to mend it
     */
    public static JobFailure invalid(String pointer, String detail) {
        return new JobFailure(JobError.invalid(detail).with("pointer", pointer));
    }

    /** The same failure with one more member in its problem object: a simple JSON value. */
    public JobFailure with(String name, Object value) {
        return new JobFailure(error.with(name, value));
    }

    /** What the client gets to read. */
    public JobError error() {
        return error;
    }
}
