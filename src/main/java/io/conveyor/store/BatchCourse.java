package io.conveyor.store;

import io.conveyor.job.BatchOutcome;
import io.conveyor.job.BatchState;
import io.conveyor.job.StopReason;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;

/**
 * How batches move on: whatever changes one asks here, in the same transaction, whether it ends now or has to be stopped.
 * So two failures at once cannot slip past what is tolerated, and a process that dies leaves a batch that is stopped, or one
 * whose failures are not recorded either. Writer thread only.
 */
final class BatchCourse {

    private final Times times;
    private final long retentionMillis;

    BatchCourse(Times times, long retentionMillis) {
        this.times = times;
        this.retentionMillis = retentionMillis;
    }

    /**
     * What a transaction did to the state of a batch: to be told after its commit.
     *
     * @param outcome how it ended, if it did
     * @param stopped why it was stopped, if it was and has not ended with it
     */
    record Move(
            BatchRef batch,
            BatchState from,
            BatchState to,
            @Nullable BatchOutcome outcome,
            @Nullable StopReason stopped) {

        private static Move end(BatchRef batch, BatchState from, BatchOutcome outcome) {
            return new Move(batch, from, BatchState.ENDED, outcome, null);
        }

        /** Moves the figures. */
        void count(StoreFigures figures) {
            figures.count(from, -1);
            figures.count(to, 1);
        }

        void tell(StoreListener listener) {
            if (outcome != null) {
                listener.ended(batch, outcome);
            }
            if (stopped != null) {
                listener.stopped(batch, stopped);
            }
        }
    }

    /**
     * Ends the batch if its last outcome is in, or stops it if too many of its jobs have failed.
     *
     * @param from its state before the change that brought it where it stands
     * @return null if it neither ends nor is stopped
     */
    @Nullable
    Move afterChange(WriteSession session, BatchRef batch, Standing now, BatchState from) throws SQLException {
        BatchOutcome outcome = now.end();
        if (outcome != null) {
            return end(session, batch, from, outcome);
        }
        return now.failsTooOften() ? stop(session, batch, StopReason.ON_ERROR, from) : null;
    }

    /**
     * Stops the batch; an open one that has no jobs left ends with it, since nothing more of it will come.
     *
     * @return null if it is stopped already, has ended, or is gone
     */
    @Nullable
    Move stop(WriteSession session, BatchRef batch, StopReason reason, BatchState from) throws SQLException {
        Long requestedAt = reason == StopReason.DEADLINE ? null : times.wallMillis();
        Standing now = session.stop(batch, reason, requestedAt);
        if (now == null) {
            return null;
        }
        BatchOutcome outcome = now.end();
        return outcome == null
                ? new Move(batch, from, BatchState.CANCELLING, null, reason)
                : end(session, batch, from, outcome);
    }

    private @Nullable Move end(WriteSession session, BatchRef batch, BatchState from, BatchOutcome outcome)
            throws SQLException {
        return session.end(batch, outcome, times.wallMillis(), retentionMillis) ? Move.end(batch, from, outcome) : null;
    }
}
