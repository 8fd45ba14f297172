package io.conveyor.belt;

import io.conveyor.job.SteadyClock;
import io.conveyor.store.DueBatch;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Batches in which jobs wait for another attempt, by when the first of them is due: one entry a batch, whatever waits in
 * it. Bounded: what does not fit are those with the latest times; the store, which has everything, is asked for them
 * when their time comes near. Thread-safe.
 *
 * <p><b>Threads and state.</b> One lock guards everything; the store is asked without it, by the one thread that takes.
 * {@code behind} says that the store may hold batches that are not here, none of them due before {@code horizon}. A batch without rows in the store is nobody's concern
 * for long: it comes out when its time is there, and that is all.
 */
final class DueBatches {

    /** Longest wait before another look at the clock, in milliseconds; signals come earlier. */
    private static final long LOOK_MILLIS = 60_000;

    /** Finds the batches that are due first in the store. */
    interface Source {
        List<DueBatch> first(int limit);
    }

    /** Ties go by number, so that no two entries are equal. */
    private static final Comparator<DueBatch> BY_TIME =
            Comparator.comparingLong(DueBatch::dueAt).thenComparingLong(DueBatch::batchNo);

    private final Source source;
    private final SteadyClock clock;
    private final int capacity;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();

    // Mutable state, all guarded by lock
    private final TreeSet<DueBatch> byTime = new TreeSet<>(BY_TIME);
    private final Map<Long, DueBatch> byNumber = new HashMap<>();
    private boolean behind = true;
    private long horizon = Long.MIN_VALUE;
    private boolean closed;

    DueBatches(Source source, SteadyClock clock, int capacity) {
        this.source = source;
        this.clock = clock;
        this.capacity = capacity;
    }

    /** A job of the batch is due then. */
    void add(long batchNo, long dueAt) {
        lock.lock();
        try {
            enter(new DueBatch(batchNo, dueAt));
            changed.signal();
        } finally {
            lock.unlock();
        }
    }

    /** Call only with the lock held. */
    private void enter(DueBatch batch) {
        DueBatch known = byNumber.get(batch.batchNo());
        if (known != null && known.dueAt() <= batch.dueAt()) {
            return;
        }
        if (known != null) {
            byTime.remove(known);
        }
        byNumber.put(batch.batchNo(), batch);
        byTime.add(batch);
        if (byTime.size() > capacity) {
            DueBatch last = byTime.last();
            remove(last);
            horizon = behind ? Math.min(horizon, last.dueAt()) : last.dueAt();
            behind = true;
        }
    }

    private void remove(DueBatch batch) {
        byTime.remove(batch);
        byNumber.remove(batch.batchNo());
    }

    /**
     * The batch that is due first, once it is; waits for that. It is not here any more then. One thread only.
     *
     * @return null when this has been closed
     */
    @Nullable
    Long take() throws InterruptedException {
        while (true) {
            lock.lockInterruptibly();
            try {
                while (!closed && !mustAsk() && untilDue() > 0) {
                    changed.awaitNanos(TimeUnit.MILLISECONDS.toNanos(Math.min(untilDue(), LOOK_MILLIS)));
                }
                if (closed) {
                    return null;
                }
                if (!mustAsk()) {
                    DueBatch first = byTime.first();
                    remove(first);
                    return first.batchNo();
                }
                behind = false; // what does not fit from here on sets it again
            } finally {
                lock.unlock();
            }
            ask();
        }
    }

    /** Milliseconds until the first is due. Call only with the lock held, as the next. */
    private long untilDue() {
        return byTime.isEmpty() ? LOOK_MILLIS : byTime.first().dueAt() - clock.millis();
    }

    /** Whether somebody who is not here may be due before the first who is. */
    private boolean mustAsk() {
        return behind && (byTime.isEmpty() || byTime.first().dueAt() > horizon);
    }

    private void ask() {
        List<DueBatch> found = List.of();
        boolean all = false;
        try {
            found = source.first(capacity);
            all = found.size() < capacity;
        } finally {
            lock.lock();
            try {
                if (!all) {
                    long known = found.isEmpty()
                            ? Long.MIN_VALUE
                            : found.get(found.size() - 1).dueAt();
                    horizon = behind ? Math.min(horizon, known) : known;
                    behind = true;
                }
                found.forEach(this::enter);
            } finally {
                lock.unlock();
            }
        }
    }

    /** Looks at the clock anew. */
    void look() {
        lock.lock();
        try {
            changed.signal();
        } finally {
            lock.unlock();
        }
    }

    /** Ends the wait of who takes; what waits stays in the store. */
    void close() {
        lock.lock();
        try {
            closed = true;
            changed.signal();
        } finally {
            lock.unlock();
        }
    }

    int size() {
        lock.lock();
        try {
            return byTime.size();
        } finally {
            lock.unlock();
        }
    }
}
