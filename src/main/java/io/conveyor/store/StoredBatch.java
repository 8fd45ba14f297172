package io.conveyor.store;

import io.conveyor.job.BatchOutcome;
import io.conveyor.job.BatchRules;
import io.conveyor.job.BatchState;
import io.conveyor.job.StopReason;
import io.conveyor.job.Tally;
import org.jspecify.annotations.Nullable;

/**
 * A batch as it was at one moment in the store. Times are milliseconds since the epoch.
 *
 * @param ref its names
 * @param name what the client calls it, or null
 * @param metadata the client's JSON, unparsed, or null
 * @param fingerprint digest of the request that made it
 * @param rules what holds for its jobs
 * @param origin the batch that it comes from, if any
 * @param state where it stands
 * @param outcome how it ended, or null while it has not
 * @param tally its jobs and outcomes
 * @param indexEnd the index after that of its last job: the number of its jobs, unless it was made of some jobs of another
 * @param createdAt when it was accepted
 * @param startedAt when the first of its recorded jobs started, or null
 * @param stopReason why none of its jobs starts any more, or null
 * @param cancelRequestedAt when it was cancelled, by its client or for its failures, or null
 * @param endedAt when its last outcome was recorded, or null
 * @param expiresAt when it may be deleted, or null while it has not ended
 */
public record StoredBatch(
        BatchRef ref,
        @Nullable String name,
        byte @Nullable [] metadata,
        byte[] fingerprint,
        BatchRules rules,
        Origin origin,
        BatchState state,
        @Nullable BatchOutcome outcome,
        Tally tally,
        int indexEnd,
        long createdAt,
        @Nullable Long startedAt,
        @Nullable StopReason stopReason,
        @Nullable Long cancelRequestedAt,
        @Nullable Long endedAt,
        @Nullable Long expiresAt) {

    /** Whether its last outcome is in. */
    public boolean ended() {
        return state == BatchState.ENDED;
    }

    /** From when on its jobs may not start any more, or null. */
    public @Nullable Long deadlineAt() {
        return rules.deadlineMillis() == 0 ? null : createdAt + rules.deadlineMillis();
    }
}
