package io.conveyor.store;

import io.conveyor.job.BatchOutcome;
import io.conveyor.job.StopReason;
import java.util.List;

/**
 * Hears what has reached the disk. Called on the store's writer thread after the commit, with no lock held and no
 * transaction open: return at once, never call a writing method of the store. What it throws is logged and ignored.
 */
public interface StoreListener {

    /** A batch is accepted for good, with so many jobs; when it is open, more follow. Called on the thread that brought it, if one did. */
    default void sealed(BatchRef batch, int jobs) {}

    /** More jobs of an opened batch are accepted. Called on the thread that brought them. */
    default void appended(BatchRef batch, int jobs) {}

    /**
     * Outcomes of one batch are final, or were refused as late ({@code kept} false) because their jobs have one, their
     * segments another owner, or they are gone. A call or two a batch and commit; the list is for reading, during the call.
     */
    default void recorded(BatchRef batch, List<OutcomeEntry> outcomes, boolean kept) {}

    /**
     * Attempts of one batch have failed and are not the last: the next ones have their time. {@code kept} is false where
     * the store has not noted it, for the reasons of {@link #recorded}. At most two calls a batch and commit.
     */
    default void retrying(BatchRef batch, List<AttemptEntry> attempts, boolean kept) {}

    /**
     * A batch has ended; comes after {@link #recorded} of its last outcome. Of a batch without jobs: after
     * {@link #sealed}, on the same thread.
     */
    default void ended(BatchRef batch, BatchOutcome outcome) {}

    /**
     * A batch was stopped by the store itself, for {@link StopReason#ON_ERROR}: none of its jobs is to start any more. Comes
     * after {@link #recorded} of the failure, if that was the last straw.
     */
    default void stopped(BatchRef batch, StopReason reason) {}

    /** A batch was made because another has ended; after {@link #sealed} of it. Nobody feeds it yet. */
    default void continued(NewBatch batch) {}

    /** A group has been committed. */
    default void committed(int writes, long nanos) {}

    /** A commit failed; what it held is refused or tried again. */
    default void commitFailed(StoreException failure) {}

    /**
     * The disk of the store failed: nothing is accepted or recorded until the next start. Whoever hears it should end
     * the process, since only opening the store anew shows what the disk has.
     */
    default void broken(StoreException failure) {}
}
