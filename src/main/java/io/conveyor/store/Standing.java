package io.conveyor.store;

import io.conveyor.job.BatchOutcome;
import io.conveyor.job.BatchState;
import io.conveyor.job.OnError;
import io.conveyor.job.Tally;
import org.jspecify.annotations.Nullable;

/**
 * Where a batch stands after a change, within the transaction that makes it.
 *
 * @param tally its counters
 * @param state its state, before it moves on
 * @param broken whether its upload broke off, or was broken off by a stop
 * @param onError what failed jobs mean for the others
 */
record Standing(Tally tally, BatchState state, boolean broken, OnError onError) {

    /** How the batch ends now, or null if it does not. */
    @Nullable
    BatchOutcome end() {
        if (state == BatchState.OPEN || tally.open() > 0) {
            return null;
        }
        boolean stopped = tally.cancelled() > 0 || tally.expired() > 0;
        return broken && !stopped ? BatchOutcome.INCOMPLETE : tally.outcome();
    }

    /** Whether more of its jobs have failed than it tolerates; if it is stopped already, that does not matter any more. */
    boolean failsTooOften() {
        return state.next().contains(BatchState.CANCELLING)
                && onError.isExceededBy(tally.failed(), tally.total(), state != BatchState.OPEN);
    }
}
