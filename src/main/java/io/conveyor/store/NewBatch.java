package io.conveyor.store;

import org.jspecify.annotations.Nullable;

/**
 * A batch about to be sealed: everything of it but its jobs.
 *
 * @param ref its names; the number comes from {@link BatchStore#newBatchNo()}
 * @param name what the client calls it, or null
 * @param metadata the client's JSON, unparsed, or null
 * @param fingerprint digest of the request: equal for a repetition, different for another request
 * @param key the key under which it may be asked for again, or null
 * @param timeoutMillis limit for one attempt of jobs without their own, or 0 for the service's default
 * @param total number of its jobs
 * @param indexEnd the index after that of its last job: the total, unless it is made of some jobs of another
 * @param createdAtMillis when it was accepted, milliseconds since the epoch
 */
public record NewBatch(
        BatchRef ref,
        @Nullable String name,
        byte @Nullable [] metadata,
        byte[] fingerprint,
        @Nullable SubmissionKey key,
        long timeoutMillis,
        int total,
        int indexEnd,
        long createdAtMillis) {

    /** A batch that nobody asks for again by a key. */
    public NewBatch(
            BatchRef ref,
            @Nullable String name,
            byte @Nullable [] metadata,
            byte[] fingerprint,
            long timeoutMillis,
            int total,
            long createdAtMillis) {
        this(ref, name, metadata, fingerprint, null, timeoutMillis, total, total, createdAtMillis);
    }

    public NewBatch {
        if (indexEnd < total) {
            throw new IllegalArgumentException("So many jobs do not have so few indexes");
        }
        if (total < 0 || timeoutMillis < 0) {
            throw new IllegalArgumentException("A batch has 0 or more jobs, and a timeout of 0 or more milliseconds");
        }
    }
}
