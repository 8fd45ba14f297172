package io.conveyor.job;

import org.jspecify.annotations.Nullable;

/**
 * One job as its client sent it. The byte arrays are the client's own bytes, unparsed, and are never changed.
 *
 * @param index place in the batch, from 0
 * @param kind name of the handler that runs it
 * @param customId the client's own name for it, 1 to 64 characters, or null
 * @param timeoutMillis its own limit for one attempt in milliseconds, or 0 for that of the batch
 * @param metadata the client's JSON beside the input, or null
 * @param input the JSON value to work on, or null when there was none
 */
public record Job(
        int index,
        String kind,
        @Nullable String customId,
        long timeoutMillis,
        byte @Nullable [] metadata,
        byte @Nullable [] input) {

    public Job {
        if (index < 0) {
            throw new IllegalArgumentException("A job's index counts from 0 up");
        }
        if (timeoutMillis < 0) {
            throw new IllegalArgumentException("A job's timeout is 0 (none of its own) or more milliseconds");
        }
    }

    /** Bytes that this job holds in memory, roughly: what the bounds in bytes count. */
    public long bytes() {
        return 64L + (input == null ? 0 : input.length) + (metadata == null ? 0 : metadata.length);
    }
}
