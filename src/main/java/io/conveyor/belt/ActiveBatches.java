package io.conveyor.belt;

import io.conveyor.job.BatchRules;
import io.conveyor.job.BatchState;
import io.conveyor.job.StopReason;
import io.conveyor.store.BatchRef;
import io.conveyor.store.BatchStore;
import io.conveyor.store.NewBatch;
import io.conveyor.store.StoreException;
import io.conveyor.store.StoredBatch;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The batches that this process holds in memory, and where each of them stands: who is done with a batch for now says so
 * here. Thread-safe.
 *
 * <p><b>Threads and state.</b> A batch is in {@link #active} from before it is visible in the store until it has ended, or
 * until it is parked and none of its jobs is on the way. A batch of the store that is not here has nothing on the way in this
 * process, so it may be taken up anew; its epoch is renewed first, which shuts out outcomes of an earlier owner.
 */
final class ActiveBatches implements Retries.Active {

    private static final Logger log = LoggerFactory.getLogger(ActiveBatches.class);

    /** Batches taken up from the store at once. */
    private static final int PAGE = 256;

    /** Batches that wait for a limit outside of the ring, at the most; a few hundred bytes each. */
    private static final int MOST_LIMITED = 16_384;

    /** Hears of batches that were taken up from the store of which jobs wait for another attempt. */
    interface Listener {
        void takenUp(ActiveBatch batch, long nextAttemptAt);
    }

    private final BatchStore store;
    private final int ring;
    private final Listener listener;
    private final WaitingBatches waiting;
    private final ConcurrentMap<Long, ActiveBatch> active = new ConcurrentHashMap<>();

    // Mutable state
    /** Batches that stand at LIMITED. Written by those who move them there and away. */
    private final AtomicInteger limited = new AtomicInteger();

    /** @param ring batches that wait in memory at the most, for a feeder, and for another attempt */
    ActiveBatches(BatchStore store, int ring, Listener listener) {
        this.store = store;
        this.ring = ring;
        this.listener = listener;
        this.waiting = new WaitingBatches(this::takeUp, ring);
    }

    /** Those that wait for a background feeder. */
    WaitingBatches waiting() {
        return waiting;
    }

    /** Notes a batch that is about to be in the store, so that nobody takes it up from there; its caller feeds it. */
    void add(NewBatch batch) {
        active.put(batch.ref().batchNo(), of(batch));
    }

    /** The same of a batch whose upload goes on; its reader feeds it. */
    void addArriving(NewBatch batch) {
        ActiveBatch added = of(batch);
        added.arrives(true);
        active.put(batch.ref().batchNo(), added);
    }

    /** The store has made a batch of which nobody knows yet: it goes to the ring at once. */
    void addWaiting(NewBatch batch) {
        ActiveBatch added = of(batch);
        if (active.putIfAbsent(batch.ref().batchNo(), added) == null) {
            waitForTurn(added);
        }
    }

    private ActiveBatch of(NewBatch batch) {
        return of(batch.ref(), batch.rules(), batch.indexEnd(), batch.createdAtMillis());
    }

    private ActiveBatch of(BatchRef ref, BatchRules rules, int indexEnd, long acceptedAt) {
        return new ActiveBatch(ref, rules, indexEnd, acceptedAt, this::settle);
    }

    /** It has ended, or was not accepted after all. */
    void remove(BatchRef batch) {
        active.remove(batch.batchNo());
    }

    /** The batch, or null if it is not in memory. */
    @Nullable
    ActiveBatch find(long batchNo) {
        return active.get(batchNo);
    }

    /** The same, by its names. */
    @Nullable
    ActiveBatch find(BatchRef batch) {
        return active.get(batch.batchNo());
    }

    /** Does something to a batch if it is in memory; if not, the store is to be looked through for it. */
    void with(BatchRef ref, Consumer<ActiveBatch> work) {
        ActiveBatch batch = find(ref);
        if (batch != null) {
            work.accept(batch);
        }
        if (batch == null || batch.stage() == ActiveBatch.Stage.FORGOTTEN) {
            waiting.forgotten();
        }
    }

    int size() {
        return active.size();
    }

    /** It waits for a background feeder, or is parked when there is no room for it to wait. */
    void waitForTurn(ActiveBatch batch) {
        waiting.add(batch);
        forgetIfIdle(batch);
    }

    /** Every job of it has been handed over; some may come back. */
    void fed(ActiveBatch batch) {
        batch.moveTo(ActiveBatch.Stage.FED);
        settle(batch);
        forgetIfIdle(batch);
    }

    /** Its feeder gives it up because it is paused. */
    void hold(ActiveBatch batch) {
        batch.moveTo(ActiveBatch.Stage.HELD);
        settle(batch);
    }

    /**
     * Its feeder gives it up because its next job has no place in a limit. If very many wait for that, it stays in the ring
     * and asks when it is its turn.
     */
    void waitForPlace(ActiveBatch batch) {
        if (limited.incrementAndGet() > MOST_LIMITED) {
            limited.decrementAndGet();
            waitForTurn(batch);
        } else {
            batch.moveTo(ActiveBatch.Stage.LIMITED);
            settle(batch);
        }
    }

    /**
     * Holds a paused batch that nobody feeds, and lets go on what is held and not paused any more, or has been called by a
     * limit. Whoever pauses, resumes, gives back, calls or stops feeding calls it afterwards; whichever comes last finds
     * everything in its place.
     */
    void settle(ActiveBatch batch) {
        if (batch.isPaused()) {
            if (batch.hasTakenBack()) {
                batch.move(ActiveBatch.Stage.FED, ActiveBatch.Stage.HELD);
            }
            forgetIfIdle(batch);
        }
        if (!batch.isPaused()
                && (batch.move(ActiveBatch.Stage.HELD, ActiveBatch.Stage.WAITING)
                        || (batch.hasTakenBack() && batch.move(ActiveBatch.Stage.FED, ActiveBatch.Stage.WAITING)))) {
            waitForTurn(batch);
        }
        if ((batch.isCalled() || batch.isCancelled())
                && batch.move(ActiveBatch.Stage.LIMITED, ActiveBatch.Stage.WAITING)) {
            limited.decrementAndGet();
            waitForTurn(batch);
        }
    }

    /**
     * A parked or held batch with nothing on its way is the store's alone; whoever sees that first says so, and has the
     * store looked through, where it may have been resumed or cancelled meanwhile. One that only waits for other attempts
     * of its jobs is forgotten when many others are here; it comes back with the first that is due.
     */
    void forgetIfIdle(ActiveBatch batch) {
        ActiveBatch.Stage stage = batch.stage();
        boolean kept = stage == ActiveBatch.Stage.PARKED || stage == ActiveBatch.Stage.HELD;
        boolean waits = stage == ActiveBatch.Stage.FED && !batch.hasTakenBack() && active.size() > ring;
        if ((kept || waits) && !batch.hasJobsOnTheWay() && batch.forget(stage)) {
            active.remove(batch.ref().batchNo(), batch);
            if (kept) {
                waiting.forgotten();
            }
        }
    }

    @Override
    public @Nullable ActiveBatch enter(long batchNo) {
        while (true) {
            ActiveBatch batch = active.get(batchNo);
            if (batch != null && batch.enter()) {
                return batch;
            }
            if (batch != null && batch.stage() != ActiveBatch.Stage.FORGOTTEN) {
                return null; // somebody takes it up just now, and tells of it then
            }
            StoredBatch stored = batch == null ? unfinished(batchNo) : null;
            if (batch == null && stored == null) {
                return null;
            }
            ActiveBatch taken = stored == null ? null : takeUp(stored);
            if (taken != null && taken.enter()) {
                waitForTurn(taken);
                return taken;
            }
            Thread.onSpinWait(); // who has forgotten it takes it away in a moment
        }
    }

    private @Nullable StoredBatch unfinished(long batchNo) {
        return store.unfinished(batchNo - 1, 1).stream()
                .filter(found -> found.ref().batchNo() == batchNo)
                .findAny()
                .orElse(null);
    }

    @Override
    public void leave(ActiveBatch batch) {
        batch.takeBack();
        forgetIfIdle(batch);
    }

    /**
     * A batch that was read as unfinished may have ended or been paused in this process before it was noted here as taken up.
     * What is paused is put back; whoever has it go on meanwhile finds it here still, so the store is looked through again.
     */
    private boolean stillOpen(ActiveBatch batch) {
        BatchRef ref = batch.ref();
        StoredBatch now = store.find(ref.tenant(), ref.id())
                .filter(found -> found.ref().batchNo() == ref.batchNo() && !found.ended())
                .orElse(null);
        if (now == null || now.state() == BatchState.PAUSED) {
            active.remove(ref.batchNo(), batch);
            if (now != null) {
                waiting.forgotten();
            }
            return false;
        }
        StopReason reason = now.stopReason();
        if (reason != null) {
            batch.stop(reason);
        }
        return true;
    }

    /** Takes up a batch that is only in the store; null if it is not, or is not to go on. */
    private @Nullable ActiveBatch takeUp(StoredBatch stored) {
        BatchRef ref = stored.ref();
        ActiveBatch batch = of(ref, stored.rules(), stored.indexEnd(), stored.createdAt());
        batch.moveTo(ActiveBatch.Stage.COMING);
        if (active.putIfAbsent(ref.batchNo(), batch) != null) {
            return null;
        }
        OptionalLong next;
        boolean taken = false;
        try {
            if (!stillOpen(batch)) {
                return null;
            }
            store.renewEpoch(ref);
            next = store.nextAttempt(ref);
            taken = true;
        } finally {
            if (!taken) {
                active.remove(ref.batchNo(), batch);
            }
        }
        batch.moveTo(ActiveBatch.Stage.WAITING);
        next.ifPresent(at -> listener.takenUp(batch, at));
        return batch;
    }

    private WaitingBatches.Page takeUp(long afterBatchNo) {
        List<StoredBatch> found = store.unfinished(afterBatchNo, PAGE);
        List<ActiveBatch> taken = new ArrayList<>();
        long last = found.size() < PAGE ? 0 : found.get(found.size() - 1).ref().batchNo();
        for (StoredBatch stored : found) {
            try {
                ActiveBatch batch = takeUp(stored);
                if (batch != null) {
                    taken.add(batch);
                }
            } catch (StoreException e) {
                if (taken.isEmpty()) {
                    throw e;
                }
                last = stored.ref().batchNo() - 1; // those before it are here, and nobody else would have them go on
                break;
            }
        }
        if (!taken.isEmpty()) {
            log.info("Took up {} unfinished batches from the store", taken.size());
        }
        return new WaitingBatches.Page(taken, last);
    }
}
