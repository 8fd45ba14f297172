package io.conveyor.store;

import io.conveyor.job.BatchOutcome;

/**
 * Hears what has reached the disk. Called on the store's writer thread after the commit, with no lock held and no
 * transaction open: return at once, never throw, never call a writing method of the store.
 */
public interface StoreListener {

    /** A batch is sealed: it is accepted for good. Called on the thread that sealed it. */
    default void sealed(BatchRef batch, int jobs) {}

    /** An outcome is final, or was refused as late ({@code kept} false) because its segment has another owner or is gone. */
    default void recorded(OutcomeEntry outcome, boolean kept) {}

    /** A batch has ended; comes after {@link #recorded} of its last outcome. */
    default void ended(BatchRef batch, BatchOutcome outcome) {}

    /** A group has been committed. */
    default void committed(int writes, long nanos) {}

    /** A commit failed; what it held is refused or tried again. */
    default void commitFailed(StoreException failure) {}
}
