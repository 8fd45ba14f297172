package io.conveyor.pool;

import org.jspecify.annotations.Nullable;

/**
 * A task on its way through the pool, with what the pool notes about it. Owned by the offering thread until it is in the
 * queue, by the line of waiters (under its lock) while it waits for room, then by the worker.
 */
final class Ticket implements Runnable {

    private final WorkerPool pool;
    private final PoolTask task;
    private final boolean early;
    private final long bytes;
    private final long offeredAt;

    // Mutable state

    /** When it got its place in the queue, or was offered to get one; written before it is put there. */
    private long admittedAt;

    /** Set by the crew's rejection handler, read by the same thread straight afterwards. */
    private boolean rejected;

    /** The permit under which the offering thread is to run the task. Set by itself, or under the intake's lock. */
    private @Nullable Slot permit;

    /** Whether nobody wants it in the queue any more; guarded by the intake's lock. */
    private boolean withdrawn;

    Ticket(WorkerPool pool, PoolTask task, boolean early, long bytes, long offeredAt) {
        this.pool = pool;
        this.task = task;
        this.early = early;
        this.bytes = bytes;
        this.offeredAt = offeredAt;
        admittedAt = offeredAt;
    }

    /** A worker has taken it from the queue. */
    @Override
    public void run() {
        pool.runQueued(this);
    }

    PoolTask task() {
        return task;
    }

    /** Whether it has the whole queue and goes first ({@link PoolTask#early}). */
    boolean isEarly() {
        return early;
    }

    /** What it counts in the byte bound; never more than the whole bound. */
    long bytes() {
        return bytes;
    }

    /** The pool's clock when it was offered, nanoseconds. */
    long offeredAt() {
        return offeredAt;
    }

    /** The pool's clock when it came into the queue, nanoseconds. */
    long admittedAt() {
        return admittedAt;
    }

    void setAdmittedAt(long now) {
        admittedAt = now;
    }

    boolean isRejected() {
        return rejected;
    }

    void setRejected(boolean rejected) {
        this.rejected = rejected;
    }

    @Nullable
    Slot permit() {
        return permit;
    }

    void grant(Slot slot) {
        permit = slot;
    }

    boolean isWithdrawn() {
        return withdrawn;
    }

    void withdraw() {
        withdrawn = true;
    }
}
