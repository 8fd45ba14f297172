package io.conveyor.store;

import io.conveyor.job.Job;
import io.conveyor.job.JobState;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The store port. What a writing method returned for is on the disk; what it threw for is not there, except that after a
 * failure of the disk ({@link StoreListener#broken}) only the next start shows it. Writing methods wait for the commit of
 * the group that they travel in. All methods throw {@link StoreException}; the caller's interrupt is left alone.
 * Thread-safe.
 */
public interface BatchStore {

    /**
     * A number for a batch to come, above all that were given before. Given numbers may stay unused, and as a long upload
     * is sealed late, a batch may appear below one that was seen earlier.
     */
    long newBatchNo();

    /**
     * Writes segments of a batch that is not sealed yet: invisible, and swept if the batch never is. Does not wait until
     * they are on the disk; who seals or abandons the batch does.
     */
    Pending spill(BatchRef batch, List<PackedSegment> segments);

    /** Something that is being written. */
    interface Pending {

        /**
         * Waits until it is on the disk; may be called again.
         *
         * @throws StoreException if it was not written
         */
        void await();
    }

    /**
     * Makes a batch visible, with the segments not spilled yet, in one transaction: from here on it is accepted.
     *
     * @return whether it is; false when the tenant has a batch of that id or with that key already: nothing was changed,
     *     and what was spilled is to be abandoned
     * @throws StoreException also when spilled and given segments do not make up the total, as after {@link #abandon}
     */
    boolean seal(NewBatch batch, List<PackedSegment> rest);

    /**
     * Makes a batch visible whose upload is still arriving, with its first segments, in one transaction; {@link #append}
     * brings more, and {@link #complete} or {@link #abandon} ends the upload. Its total is that of the segments so far, and
     * its fingerprint and that of its key stand for nothing yet.
     *
     * @return as {@link #seal}
     */
    boolean open(NewBatch batch, List<PackedSegment> first);

    /**
     * Adds segments to a batch whose upload is arriving; they are accepted when this returns.
     *
     * @return false when the batch has been cancelled and takes no more: nothing was changed
     */
    boolean append(BatchRef batch, List<PackedSegment> segments);

    /**
     * The upload of an open batch is complete: it runs, or it has ended if all its outcomes are in. Does nothing to a
     * batch that was cancelled meanwhile.
     *
     * @param fingerprint digest of the whole request
     * @param keyFingerprint the same for its key, or null without one
     */
    void complete(BatchRef batch, byte[] fingerprint, byte @Nullable [] keyFingerprint);

    /**
     * Gives up an upload: segments that were spilled are swept later; an open batch keeps what it has and ends as
     * incomplete when that is done. Does not wait and does not throw: a store that cannot write just then remembers it.
     */
    void abandon(BatchRef batch);

    /**
     * Takes an outcome, or an attempt that another one follows. Returns once it is in hand, before it is on the disk:
     * listeners hear when it is. Waits, without being interruptible, while too many are in hand. After an attempt its job
     * waits, until it is taken in hand by {@link #takeAttempts}; its outcome, whichever it is, ends that.
     *
     * @throws StoreException once the store is closed
     */
    void record(JobEntry entry);

    /** Jobs of a batch that wait for another attempt which may start now; the first due first. */
    List<WaitingAttempt> dueAttempts(BatchRef batch, long now, int limit);

    /** Jobs of a batch behind that index that wait for another attempt, whenever it is due; by index. */
    List<WaitingAttempt> waitingAttempts(BatchRef batch, int afterIndex, int limit);

    /**
     * Takes waiting jobs in hand to try them again, and puts others off, in one commit. What is in hand does not show in
     * the queries any more; {@link #renewEpoch} lets go what is in hand of a batch.
     *
     * @param indexes jobs to be tried now
     * @param putOff jobs that wait on, with their new time
     * @return those of the first that were still waiting
     */
    Set<Integer> takeAttempts(BatchRef batch, Collection<Integer> indexes, Map<Integer, Long> putOff);

    /** When the first waiting job of a batch may be tried again, if one waits. */
    OptionalLong nextAttempt(BatchRef batch);

    /**
     * Batches of every tenant with jobs that wait for another attempt, unless they are paused; the first due first. Looks
     * at everything that waits.
     */
    List<DueBatch> dueBatches(int limit);

    /** What is due later than that becomes due then: for times that another clock has set. */
    void bringAttemptsForward(long latest);

    /**
     * Marks a batch as {@code cancelling}, for good; who runs it sees to the outcomes of its jobs. An open one takes no more
     * jobs, and ends at once if it has none left.
     *
     * @return whether this call did it; false when it is so already, has ended, or is not there
     */
    boolean cancel(BatchRef batch);

    /**
     * Marks batches whose deadline has passed as {@code cancelling}, for good, at most so many in one transaction; who runs
     * them sees to the outcomes of their jobs.
     *
     * @return those for which this call did it, without their ids; as many as asked for if there may be more
     */
    List<BatchRef> stopOverdue(int limit);

    /**
     * Milliseconds until the next deadline of a batch that has neither been stopped nor ended, or 0; empty if there is none.
     * However the wall clock is set meanwhile, it comes after so long.
     */
    OptionalLong nextDeadline();

    /**
     * Marks a running batch as {@code paused}.
     *
     * @return whether this call did it; false when it is in another state, or not there
     */
    boolean pause(BatchRef batch);

    /**
     * Marks a paused batch as {@code running}.
     *
     * @return whether this call did it; false when it is in another state, or not there
     */
    boolean resume(BatchRef batch);

    /** Deletes an ended batch; its rows are swept later, in small steps. */
    Deletion delete(String tenant, String id);

    /** What came of {@link #delete}. */
    enum Deletion {
        DELETED,
        NOT_FOUND,
        NOT_ENDED
    }

    Optional<StoredBatch> find(String tenant, String id);

    /** The batch that was made with this idempotency key; kept as long as the batch, and a day at the least. */
    Optional<KeptKey> findKey(String tenant, String key);

    List<StoredBatch> list(String tenant, BatchFilter filter);

    /** Batches of every tenant that have not ended and are not paused, by number, from the one after the given number. */
    List<StoredBatch> unfinished(long afterBatchNo, int limit);

    /**
     * The segment of that index or the first after it, whichever has a job without outcome, ready to be run; null if there
     * is none.
     */
    @Nullable
    OpenSegment openSegment(BatchRef batch, int fromIndex);

    /**
     * The results, maybe none yet, that are there now in the segment of that index and maybe in some that follow; null
     * after the last segment there is now.
     *
     * @throws StoreException also when the batch is not there (any more): a stream must not end as if it were complete
     */
    @Nullable
    ResultLines results(BatchRef batch, int fromIndex);

    /**
     * Some of the results behind that seq, in the order of completion and from the next one on without a gap; empty if
     * there are none now.
     *
     * @param afterSeq 0 or more
     * @throws StoreException also when the batch is not there (any more)
     */
    ResultLines resultsBySeq(BatchRef batch, int afterSeq);

    /**
     * The jobs with an outcome in one of those states, from that index on, of the first segment that has any; null if there are
     * none any more.
     *
     * @throws StoreException also when the batch is not there (any more)
     */
    @Nullable
    PickedJobs pick(BatchRef batch, int fromIndex, Set<JobState> states);

    /** The job of that index as it was accepted, or null if the batch has no such job. */
    @Nullable
    Job job(BatchRef batch, int index);

    /**
     * Shuts out what an earlier owner may still try to record for the open jobs of a batch, and lets go the attempts that it
     * had in hand: they are due; called before its segments are opened by another.
     */
    void renewEpoch(BatchRef batch);

    /**
     * Counts the end of a process against the jobs that ran then, once for each process; a job is cleared of it by its
     * outcome, or by the end of an attempt.
     *
     * @param run number of that process
     * @param running the jobs that were in their handlers; may be empty
     * @return all jobs against which something is counted
     */
    List<Suspect> crashed(long run, List<RunningLog.Entry> running);

    /** Accepted jobs without an outcome: one of the figures of {@link #status}, for those who ask at every request. */
    long backlogJobs();

    StoreStatus status();

    /** Adds a listener, for good; before work begins, or it misses what came before. */
    void listen(StoreListener listener);
}
