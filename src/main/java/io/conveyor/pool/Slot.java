package io.conveyor.pool;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;

/**
 * The place in which one task runs at a time: there is one for each worker and one for each caller-runs permit, so their
 * number is the bound of the pool. It carries the task's guard and counts the time spent in tasks. Thread-safe as follows.
 *
 * <h2>Threads and state</h2>
 *
 * The thread that runs in the slot writes everything here; a slot is handed from thread to thread through a concurrent
 * queue, which orders the writes. Others (watchdog, drain, snapshot) only read, and interrupt through the guard.
 *
 * <p>The meter is one word, so that a reader always sees time and running flag together: with {@code t} counted from the
 * start of the pool, an idle slot holds {@code busy << 1}, a running one {@code (busy - started) << 1 | 1}. The busy time
 * so far is then {@code busy} or {@code busy - started + now}, exact at every moment.
 */
final class Slot {

    private static final VarHandle METER;
    private static final VarHandle STARTED_AT;
    private static final VarHandle COMPLETED;

    static {
        try {
            MethodHandles.Lookup lookup = MethodHandles.lookup();
            METER = lookup.findVarHandle(Slot.class, "meter", long.class);
            STARTED_AT = lookup.findVarHandle(Slot.class, "startedAt", long.class);
            COMPLETED = lookup.findVarHandle(Slot.class, "completed", long.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final String name;
    private final WorkerPool pool;
    private final int number;
    private final long epoch;

    // Mutable state

    /** See above; written with release by the running thread. */
    private long meter;

    /** Written before the meter that says "running", so a reader of that meter sees this start or a later one. */
    @SuppressWarnings("UnusedVariable") // Accessed through STARTED_AT.
    private long startedAt;

    private long completed;

    /** The last thread that ran here; only for its name, and only while the slot is busy. */
    private volatile @Nullable Thread thread;

    /** What runs here. Written before its guard is published, and read after that by the watchdog. */
    private @Nullable PoolTask task;

    /** The open guard, if any; read by the watchdog and by the drain. */
    private volatile @Nullable Guard guard;

    /** Whether a guard of the present task was interrupted by the drain. Used by the running thread only. */
    private boolean drained;

    /** The slot in which the running thread was already, if it is a job of another pool. Used by that thread only. */
    private @Nullable Slot outer;

    /**
     * @param number its own in the pool, from 0
     * @param epoch the pool's clock when the pool was made, nanoseconds
     */
    Slot(WorkerPool pool, int number, String name, long epoch) {
        this.pool = pool;
        this.number = number;
        this.name = name;
        this.epoch = epoch;
    }

    String name() {
        return name;
    }

    int number() {
        return number;
    }

    /** Whether the thread that is in this slot is, here or further out, inside a task of that pool. */
    boolean isInside(WorkerPool candidate) {
        return pool == candidate || (outer != null && outer.isInside(candidate));
    }

    boolean belongsTo(WorkerPool candidate) {
        return pool == candidate;
    }

    void begin(PoolTask its, Thread runner, @Nullable Slot outerSlot, long now) {
        task = its;
        if (thread != runner) {
            thread = runner;
        }
        outer = outerSlot;
        drained = false;
        STARTED_AT.setOpaque(this, now);
        METER.setRelease(this, (((meter >> 1) - (now - epoch)) << 1) | 1);
    }

    /**
     * The task has ended; its guard must be closed.
     *
     * @return whether the drain interrupted it
     */
    boolean end(long now) {
        task = null;
        METER.setRelease(this, ((meter >> 1) + (now - epoch)) << 1);
        COMPLETED.setOpaque(this, completed + 1);
        return drained;
    }

    /** Publishes a guard; only one may be open. Called by the running thread. */
    Guard open(long deadline) {
        if (guard != null) {
            throw new IllegalStateException("A guard of this task is still open: close it before the next one");
        }
        Guard opened = new Guard(this, Thread.currentThread(), deadline);
        guard = opened;
        return opened;
    }

    void guardClosed(boolean byDrain) {
        drained |= byDrain;
        guard = null;
    }

    /** The task whose guard was just seen here; null if it has ended since. */
    @Nullable
    PoolTask task() {
        return task;
    }

    @Nullable
    Guard guard() {
        return guard;
    }

    boolean isBusy() {
        return ((long) METER.getAcquire(this) & 1) != 0;
    }

    /** Time spent in tasks until {@code now}, the running one included. */
    long busyNanos(long now) {
        long seen = (long) METER.getAcquire(this);
        return (seen >> 1) + ((seen & 1) != 0 ? now - epoch : 0);
    }

    /** Age of the running task, 0 if none. */
    long runningNanos(long now) {
        return isBusy() ? Math.max(0, now - (long) STARTED_AT.getOpaque(this)) : 0;
    }

    long completed() {
        return (long) COMPLETED.getOpaque(this);
    }

    /** The name of the thread that is running here: a worker's or a caller's own. */
    String runnerName() {
        Thread runner = thread;
        return runner == null ? name : runner.getName();
    }

    /** Lets go of a caller's thread, which may end long before the pool does. Called by it, outside of any task. */
    void forgetThread() {
        thread = null;
    }
}
