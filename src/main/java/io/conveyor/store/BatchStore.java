package io.conveyor.store;

import io.conveyor.job.Job;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The store port. What a writing method returned for is on the disk; what it threw for is not there at all. Thread-safe.
 * Writing methods wait for the commit of the group that they travel in. All methods throw {@link StoreException}.
 */
public interface BatchStore {

    /** A number for a batch to come, above all that were given before. Given numbers may stay unused. */
    long newBatchNo();

    /** Writes a segment of a batch that is not sealed yet: invisible, and swept if the batch never is. */
    void spill(BatchRef batch, PackedSegment segment);

    /**
     * Makes a batch visible, with the segments not spilled yet, in one transaction: from here on it is accepted.
     *
     * @return whether it is; false when the tenant has a batch of that id already, and nothing was changed
     */
    boolean seal(NewBatch batch, List<PackedSegment> rest);

    /** Gives up a batch of which segments were spilled; they are swept later. */
    void abandon(BatchRef batch);

    /**
     * Takes an outcome. Returns once it is in hand, before it is on the disk: listeners hear when it is. Waits, without
     * being interruptible, while too many outcomes are in hand.
     */
    void record(OutcomeEntry outcome);

    /** Deletes an ended batch; its rows are swept later, in small steps. */
    Deletion delete(String tenant, String id);

    /** What came of {@link #delete}. */
    enum Deletion {
        DELETED,
        NOT_FOUND,
        NOT_ENDED
    }

    Optional<StoredBatch> find(String tenant, String id);

    List<StoredBatch> list(String tenant, BatchFilter filter);

    /** Batches of every tenant that have not ended, oldest first, from the one after the given number. */
    List<StoredBatch> unfinished(long afterBatchNo, int limit);

    /** The first segment that has a job without outcome at or after that index, ready to be run; null if there is none. */
    @Nullable
    OpenSegment openSegment(BatchRef batch, int fromIndex);

    /** The results there are now in the segment of that index or, if it has none, the next that has; null at the end. */
    @Nullable
    SegmentResults results(BatchRef batch, int fromIndex);

    /** The job of that index as it was accepted, or null if the batch has no such job. */
    @Nullable
    Job job(BatchRef batch, int index);

    /**
     * Shuts out what an earlier owner may still try to record for the open jobs of a batch; called before its segments
     * are opened by another.
     */
    void renewEpoch(BatchRef batch);

    StoreStatus status();

    /** Adds a listener; before work begins. */
    void listen(StoreListener listener);
}
