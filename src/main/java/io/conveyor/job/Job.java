package io.conveyor.job;

import org.jspecify.annotations.Nullable;

/**
 * One job as its client sent it. The byte arrays are the client's own bytes, unparsed, and are never changed.
 *
 * @param index place in the batch, from 0
 * @param kind name of the handler that runs it
 * @param customId the client's own name for it, 1 to 64 characters, or null
 * @param timeoutMillis its own limit for one attempt in milliseconds, or 0 for that of the batch
 * @param maxAttempts its own limit for attempts, 1 to {@value BatchRules#MAX_ATTEMPTS}, or 0 for that of the batch
 * @param metadata the client's JSON beside the input, or null
 * @param input the JSON value to work on, or null when there was none
 * @param problem why it cannot be run, as the JSON of a problem object, or null for a job that can: its outcome is
 *     certain when it is accepted
 */
public record Job(
        int index,
        String kind,
        @Nullable String customId,
        long timeoutMillis,
        int maxAttempts,
        byte @Nullable [] metadata,
        byte @Nullable [] input,
        byte @Nullable [] problem) {

    public Job {
        if (index < 0) {
            throw new IllegalArgumentException("A job's index counts from 0 up");
        }
        if (timeoutMillis < 0) {
            throw new IllegalArgumentException("A job's timeout is 0 (none of its own) or more milliseconds");
        }
        if (maxAttempts < 0 || maxAttempts > BatchRules.MAX_ATTEMPTS) {
            throw new IllegalArgumentException("A job has 0 (none of its own) or more attempts, and not too many");
        }
    }

    /** A job that can be run, as often as its batch allows. */
    public Job(
            int index,
            String kind,
            @Nullable String customId,
            long timeoutMillis,
            byte @Nullable [] metadata,
            byte @Nullable [] input) {
        this(index, kind, customId, timeoutMillis, 0, metadata, input, null);
    }

    /**
     * A job that was sent and cannot be run.
     *
     * @param kind what was sent as its kind, or empty if that could not be read
     */
    public static Job refused(int index, String kind, @Nullable String customId, byte[] problem) {
        return new Job(index, kind, customId, 0, 0, null, null, problem);
    }

    /** The same job with another input. */
    public Job withInput(byte[] other) {
        return new Job(index, kind, customId, timeoutMillis, maxAttempts, metadata, other, problem);
    }

    /** What is left of it for one who will not run it: no more than its names. */
    @SuppressWarnings("NullAway") // as for those who make one without input
    public Job withoutInput() {
        return new Job(index, kind, customId, timeoutMillis, maxAttempts, null, null, problem);
    }

    /** Bytes that this job holds in memory, roughly: what the bounds in bytes count. */
    public long bytes() {
        return 64L + (input == null ? 0 : input.length) + (metadata == null ? 0 : metadata.length);
    }
}
