package io.conveyor.pool;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;

/**
 * A section of job code that may be interrupted. Whoever wants to end the job (its time limit, a cancel, a drain)
 * interrupts exactly the thread that opened the guard, and only while it is inside; {@link #close} waits for an interrupt
 * that is just being delivered and takes it away again, so it never reaches what the thread does next. Thread-safe, but
 * only the thread that opened a guard may close it.
 *
 * <h2>Threads and state</h2>
 *
 * <pre>
 *   OPEN ──────► INTERRUPTING ◄──► INTERRUPTED        (any thread; whoever moves it to INTERRUPTING delivers)
 *     │                                 │
 *     └────────────► CLOSED ◄───────────┘             (the owner, in close)
 * </pre>
 *
 * INTERRUPTING lasts only as long as {@link Thread#interrupt} takes; the owner spins through it. A close from OPEN
 * leaves the interrupt status alone (whatever is there is not ours); a close from INTERRUPTED clears it. An interrupt from
 * elsewhere that comes on top of ours cannot be told from it and is cleared with it. Each guard is a fresh object, so a
 * late {@link #interrupt} finds CLOSED and does nothing.
 */
public final class Guard implements AutoCloseable {

    /** Why a section was interrupted; the first reason stands. */
    public enum Cause {
        /** Its time limit had passed. */
        LIMIT,
        /** Somebody called {@link Guard#interrupt}. */
        REQUEST,
        /** The pool is being drained. */
        DRAIN
    }

    /** Nanoseconds; a job that swallowed an interrupt gets the next one after this time. A round figure. */
    static final long REPEAT_NANOS = 1_000_000_000L;

    /** Nanoseconds from the first interrupt until the section counts as stuck. A round figure. */
    static final long STUCK_NANOS = 5_000_000_000L;

    /** The same in seconds. */
    static final int STUCK_SECONDS = 5;

    private static final int OPEN = 0;
    private static final int INTERRUPTING = 1;
    private static final int INTERRUPTED = 2;
    private static final int CLOSED = 3;

    private static final VarHandle STATE;

    static {
        try {
            STATE = MethodHandles.lookup().findVarHandle(Guard.class, "state", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final Slot slot;
    private final Thread thread;
    private final long deadline;

    // Mutable state

    /** See the diagram; volatile through STATE and by declaration. */
    private volatile int state;

    /** Written once, in INTERRUPTING, by the thread that delivers first; volatile publishes the times as well. */
    private volatile @Nullable Cause cause;

    /** Times of {@link System#nanoTime}, written only in INTERRUPTING. */
    private volatile long firstInterrupt;

    private volatile long lastInterrupt;

    /** Read and written by the watchdog. */
    private boolean foundStuck;

    Guard(Slot slot, Thread thread, long deadline) {
        this.slot = slot;
        this.thread = thread;
        this.deadline = deadline;
    }

    /**
     * Number of the place in the pool where the task runs, from 0 and below workers and caller-runs permits together: no
     * other task runs there meanwhile.
     */
    public int place() {
        return slot.number();
    }

    /** Whether the time limit passed and the section was interrupted for it. */
    public boolean expired() {
        return cause == Cause.LIMIT;
    }

    /** Why the section was interrupted, or null if the pool did not interrupt it. Stays after the close. */
    public @Nullable Cause cause() {
        return cause;
    }

    /**
     * Interrupts the section, if it is still open and nobody has interrupted it yet; it is interrupted again every second
     * until it ends. May be called by any thread at any time.
     *
     * @return whether this call did it
     */
    public boolean interrupt() {
        return interrupt(Cause.REQUEST);
    }

    boolean interrupt(Cause why) {
        if (!STATE.compareAndSet(this, OPEN, INTERRUPTING)) {
            return false;
        }
        firstInterrupt = System.nanoTime();
        cause = why;
        deliver();
        return true;
    }

    /**
     * Does what is due at {@code now}: the first interrupt at the deadline, or the next one. Called by the watchdog only.
     *
     * @return when to look again, a time of {@link System#nanoTime}
     */
    long check(long now) {
        int seen = state;
        if (seen == OPEN) {
            if (now - deadline < 0) {
                return deadline;
            }
            interrupt(Cause.LIMIT);
        } else if (seen == INTERRUPTED
                && now - lastInterrupt >= REPEAT_NANOS
                && STATE.compareAndSet(this, INTERRUPTED, INTERRUPTING)) {
            deliver();
        }
        return now + REPEAT_NANOS;
    }

    /** Whether it is stuck and this is the first call to find it so. Watchdog only. */
    boolean hasGotStuck(long now) {
        boolean first = !foundStuck && isStuck(now);
        foundStuck |= first;
        return first;
    }

    Thread thread() {
        return thread;
    }

    boolean isStuck(long now) {
        return state == INTERRUPTED && now - firstInterrupt >= STUCK_NANOS;
    }

    /** Call only after having moved the state to INTERRUPTING. */
    private void deliver() {
        lastInterrupt = System.nanoTime();
        try {
            thread.interrupt(); // May run the close of an interruptible channel, which may throw.
        } finally {
            state = INTERRUPTED;
        }
    }

    /**
     * Ends the section. Afterwards the thread is not interrupted on behalf of this guard any more, and an interrupt that
     * was is cleared. A second close does nothing.
     */
    @Override
    public void close() {
        if (Thread.currentThread() != thread) {
            throw new IllegalStateException("Only " + thread.getName() + ", which opened this guard, may close it");
        }
        int seen = state;
        while (seen != CLOSED) {
            if (seen == INTERRUPTING) {
                Thread.onSpinWait();
            } else if (STATE.compareAndSet(this, seen, CLOSED)) {
                if (seen == INTERRUPTED) {
                    Thread.interrupted();
                }
                slot.guardClosed(cause == Cause.DRAIN);
            }
            seen = state;
        }
    }
}
