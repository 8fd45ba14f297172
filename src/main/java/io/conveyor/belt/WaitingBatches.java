package io.conveyor.belt;

import io.conveyor.store.PackedSegment;
import java.util.ArrayDeque;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The ring of batches that wait for a background feeder: each turn takes the first and puts it back at the end, so that
 * no batch starves another. Batches that have had little go before the others, three to one, so that one which has just
 * come need not wait for a round. Cancelled ones have every other turn, since somebody waits for them to be gone. The ring is bounded; what does not fit is parked, and the store, which has everything,
 * refills the ring when it runs low. Thread-safe.
 *
 * <p><b>Threads and state.</b> One lock guards the ring and the refill. A refill reads the store without the lock, by one
 * thread at a time. {@code behind} says that the store may hold batches that are not in memory: true at the start, and
 * again whenever a parked batch has been forgotten; false after a pass over the store that began after the last of
 * those.
 */
final class WaitingBatches {

    /** Batches that wait in memory at the most; a few hundred bytes each. */
    static final int CAPACITY = 4096;

    /** With fewer jobs handed over a batch has had little: what one turn can feed, a segment's. */
    private static final int LITTLE = PackedSegment.MAX_JOBS;

    /** Turns that those may have in a row while others wait. A round figure: a turn in four is for who has had much. */
    private static final int PATIENCE = 3;

    /** Longest wait of an idle feeder before it looks again, in seconds; signals come earlier. */
    private static final long IDLE_SECONDS = 5;

    /** Finds batches in the store that are not in memory. */
    interface Source {

        /**
         * Takes up some of the batches accepted after the one of that number.
         *
         * @return what was taken up, and the number to go on after; 0 when the end was reached
         */
        Page next(long afterBatchNo);
    }

    /** Batches taken up from the store, and the number to go on after; 0 at the end. */
    record Page(List<ActiveBatch> batches, long goOnAfter) {}

    private final Source source;
    private final int capacity;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();

    // Mutable state, all guarded by lock
    private final ArrayDeque<ActiveBatch> fresh = new ArrayDeque<>();

    private final ArrayDeque<ActiveBatch> begun = new ArrayDeque<>();
    private final ArrayDeque<ActiveBatch> cancelled = new ArrayDeque<>();
    /** Whether the last turn was that of a cancelled batch. */
    private boolean cancelledWasLast;

    /** Turns of fresh batches since the last of another. */
    private int passedOver;

    private boolean behind = true;
    private boolean forgottenSincePassBegan;
    private boolean refilling;
    private long cursor;
    private boolean closed;

    WaitingBatches(Source source, int capacity) {
        this.source = source;
        this.capacity = capacity;
    }

    /**
     * Puts a batch at the end of the ring, or parks it when the ring is full; its feeder gives it up with this call. Those that
     * are to run leave room to cancelled ones, whose clients wait for them to be gone: of these there may be as many beside.
     */
    void add(ActiveBatch batch) {
        lock.lock();
        try {
            if ((batch.isCancelled() ? cancelled.size() : inRing()) >= capacity) {
                batch.moveTo(ActiveBatch.Stage.PARKED);
            } else {
                batch.moveTo(ActiveBatch.Stage.WAITING);
                enter(batch);
                changed.signal();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Gives a batch that has just been cancelled its better place, if it is in the ring. */
    void hurry(ActiveBatch batch) {
        lock.lock();
        try {
            if (fresh.remove(batch) || begun.remove(batch)) {
                cancelled.addLast(batch);
                changed.signal();
            }
        } finally {
            lock.unlock();
        }
    }

    /** A parked batch is no longer in memory: it must be found in the store. */
    void forgotten() {
        lock.lock();
        try {
            behind = true;
            forgottenSincePassBegan = true;
            changed.signal();
        } finally {
            lock.unlock();
        }
    }

    /**
     * The batch whose turn it is; waits for one. The caller is its feeder until it adds it again.
     *
     * @return null when the ring has been closed
     */
    @Nullable
    ActiveBatch take() throws InterruptedException {
        while (true) {
            boolean refill;
            lock.lockInterruptibly();
            try {
                if (closed) {
                    return null;
                }
                refill = behind && !refilling && inRing() <= capacity / 2;
                if (!refill) {
                    ActiveBatch first = pollFirst();
                    if (first != null) {
                        first.moveTo(ActiveBatch.Stage.FEEDING);
                        return first;
                    }
                    boolean signalled = changed.await(IDLE_SECONDS, TimeUnit.SECONDS);
                    refill = !signalled && behind && !refilling;
                }
                refilling |= refill;
            } finally {
                lock.unlock();
            }
            if (refill) {
                refill();
            }
        }
    }

    /** Call only with the lock held, as the next two. */
    private void enter(ActiveBatch batch) {
        if (batch.isCancelled()) {
            cancelled.addLast(batch);
        } else {
            (batch.handed() < LITTLE ? fresh : begun).addLast(batch);
        }
    }

    private @Nullable ActiveBatch pollFirst() {
        boolean othersFirst = cancelledWasLast && inRing() > cancelled.size();
        cancelledWasLast = !othersFirst && !cancelled.isEmpty();
        return cancelledWasLast ? cancelled.pollFirst() : pollFirstToRun();
    }

    private @Nullable ActiveBatch pollFirstToRun() {
        boolean begunFirst = fresh.isEmpty() || passedOver >= PATIENCE;
        ActiveBatch first = begunFirst ? begun.pollFirst() : null;
        if (first != null) {
            passedOver = 0;
            return first;
        }
        passedOver = begun.isEmpty() ? 0 : passedOver + 1;
        return fresh.pollFirst();
    }

    private int inRing() {
        return fresh.size() + begun.size() + cancelled.size();
    }

    /** Call only after having set {@code refilling}. */
    private void refill() {
        long from;
        lock.lock();
        try {
            from = cursor;
            if (from == 0) {
                forgottenSincePassBegan = false;
            }
        } finally {
            lock.unlock();
        }
        Page page = null;
        try {
            page = source.next(from);
        } finally {
            lock.lock();
            try {
                refilling = false;
                if (page != null) {
                    page.batches().forEach(this::enter);
                    cursor = page.goOnAfter();
                    behind = cursor != 0 || forgottenSincePassBegan;
                }
                changed.signalAll();
            } finally {
                lock.unlock();
            }
        }
    }

    /** Ends the waiting of all feeders; what waits stays in the store. */
    void close() {
        lock.lock();
        try {
            closed = true;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    int size() {
        lock.lock();
        try {
            return inRing();
        } finally {
            lock.unlock();
        }
    }
}
