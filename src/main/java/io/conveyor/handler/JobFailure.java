package io.conveyor.handler;

import io.conveyor.job.JobError;
import java.time.Duration;

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

    /** The job failed; another attempt may succeed, and is made if the job may have one. */
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

    /** The same failure, which is not to be tried again before that time has passed; whole seconds, rounded up. */
    public JobFailure after(Duration wait) {
        return with(JobError.RETRY_AFTER, wait.plusNanos(999_999_999).toSeconds());
    }

    /** What the client gets to read. */
    public JobError error() {
        return error;
    }
}
