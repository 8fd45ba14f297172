package io.conveyor.store;

import io.conveyor.job.BatchRules;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A batch about to be sealed: everything of it but its jobs.
 *
 * @param ref its names; the number comes from {@link BatchStore#newBatchNo()}
 * @param name what the client calls it, or null
 * @param metadata the client's JSON, unparsed, or null
 * @param fingerprint digest of the request: equal for a repetition, different for another request
 * @param key the key under which it may be asked for again, or null
 * @param rules what holds for its jobs
 * @param origin the batch that it comes from, if any
 * @param total number of its jobs
 * @param indexEnd the index after that of its last job: the total, unless it is made of some jobs of another
 * @param continuations batches to be made when it ends
 * @param createdAtMillis when it was accepted, milliseconds since the epoch
 */
public record NewBatch(
        BatchRef ref,
        @Nullable String name,
        byte @Nullable [] metadata,
        byte[] fingerprint,
        @Nullable SubmissionKey key,
        BatchRules rules,
        Origin origin,
        int total,
        int indexEnd,
        List<Continuation> continuations,
        long createdAtMillis) {

    /** A batch that nobody asks for again by a key, with a limit for attempts, or 0, as its only rule. */
    public NewBatch(
            BatchRef ref,
            @Nullable String name,
            byte @Nullable [] metadata,
            byte[] fingerprint,
            long timeoutMillis,
            int total,
            long createdAtMillis) {
        this(
                ref,
                name,
                metadata,
                fingerprint,
                null,
                BatchRules.ofTimeout(timeoutMillis),
                Origin.CLIENT,
                total,
                createdAtMillis);
    }

    /** A batch that nothing follows, with the indexes from 0 to its total. */
    public NewBatch(
            BatchRef ref,
            @Nullable String name,
            byte @Nullable [] metadata,
            byte[] fingerprint,
            @Nullable SubmissionKey key,
            BatchRules rules,
            Origin origin,
            int total,
            long createdAtMillis) {
        this(ref, name, metadata, fingerprint, key, rules, origin, total, total, List.of(), createdAtMillis);
    }

    public NewBatch {
        continuations = List.copyOf(continuations);
        if (total < 0 || indexEnd < total) {
            throw new IllegalArgumentException("A batch has 0 or more jobs, and an index for each");
        }
    }

    /** The same under other rules. */
    public NewBatch with(BatchRules others) {
        return new NewBatch(
                ref, name, metadata, fingerprint, key, others, origin, total, indexEnd, continuations, createdAtMillis);
    }

    /** When its jobs may not start any more, milliseconds since the epoch, or null. */
    @Nullable
    Long deadlineAt() {
        return rules.deadlineMillis() == 0 ? null : createdAtMillis + rules.deadlineMillis();
    }
}
