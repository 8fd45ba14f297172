package io.conveyor.pool;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/**
 * The one thread of a pool that watches the time limits of all its guards and takes a sample of the meter once a second.
 * It sleeps until the next deadline or the next second, whichever comes first; a guard that ends sooner wakes it. Late by
 * {@link #PACE_NANOS} and scheduling at most. Thread-safe.
 *
 * <h2>Threads and state</h2>
 *
 * {@code wakeAt} is when the thread will look again. A guard is published in its slot first and lowers {@code wakeAt}
 * afterwards; the watchdog raises {@code wakeAt} first and looks at the slots afterwards: one of the two sees the other.
 * Only the guard that lowers {@code wakeAt} wakes the thread, so a stream of short jobs with equal limits costs a wake-up
 * a limit, not a wake-up a job.
 *
 * <p>States: running, then asked to stop, then ended once no slot is busy (what is stuck goes on being interrupted).
 */
final class Watchdog {

    /** Nanoseconds between two samples, and the longest sleep. */
    private static final long TICK_NANOS = 1_000_000_000L;

    /** Nanoseconds between two looks at least: what bounds the cost of many staggered deadlines. A round figure. */
    private static final long PACE_NANOS = 5_000_000L;

    private static final VarHandle WAKE_AT;

    static {
        try {
            WAKE_AT = MethodHandles.lookup().findVarHandle(Watchdog.class, "wakeAt", long.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final List<Slot> slots;
    private final Runnable everySecond;
    private final PoolListener listener;
    private final Thread thread;

    // Mutable state

    /** A time of {@link System#nanoTime}; raised by the watchdog, lowered by anyone. */
    private volatile long wakeAt;

    private volatile boolean stopping;

    Watchdog(String name, List<Slot> slots, Runnable everySecond, PoolListener listener) {
        this.slots = slots;
        this.everySecond = everySecond;
        this.listener = listener;
        wakeAt = System.nanoTime() + TICK_NANOS;
        thread = new Thread(this::watch, name);
        thread.setDaemon(true);
    }

    void start() {
        thread.start();
    }

    /** Ends the thread as soon as no task runs. */
    void stopWhenQuiet() {
        stopping = true;
        LockSupport.unpark(thread);
    }

    /** Makes sure that the watchdog looks at that time, or soon afterwards. Call only after the guard is in its slot. */
    void lookAt(long time) {
        if (lowerWakeAt(time)) {
            LockSupport.unpark(thread);
        }
    }

    private boolean lowerWakeAt(long time) {
        long planned = wakeAt;
        while (time - planned < 0) {
            long seen = (long) WAKE_AT.compareAndExchange(this, planned, time);
            if (seen == planned) {
                return true;
            }
            planned = seen;
        }
        return false;
    }

    private void watch() {
        long nextTick = wakeAt;
        while (!stopping || slots.stream().anyMatch(Slot::isBusy)) {
            long now = System.nanoTime();
            if (now - nextTick >= 0) {
                everySecond.run();
                nextTick = now + TICK_NANOS;
            }
            wakeAt = nextTick;
            lookAtGuards(now);
            LockSupport.parkNanos(this, PACE_NANOS);
            sleepUntilWakeAt();
        }
    }

    private void lookAtGuards(long now) {
        for (Slot slot : slots) {
            Guard guard = slot.guard();
            if (guard != null) {
                lowerWakeAt(check(guard, now));
                if (guard.hasGotStuck(now)) {
                    tellStuck(slot, guard);
                }
            }
        }
    }

    private void tellStuck(Slot slot, Guard guard) {
        PoolTask task = slot.task();
        if (task != null) {
            outlive(() -> listener.stuck(task, slot.name(), guard.thread()));
        }
    }

    /** The interrupt of a channel may run its owner's code, and the watchdog must outlive what that throws. */
    private static long check(Guard guard, long now) {
        try {
            return guard.check(now);
        } catch (RuntimeException e) {
            tell(e);
            return now + Guard.REPEAT_NANOS;
        }
    }

    private static void outlive(Runnable call) {
        try {
            call.run();
        } catch (RuntimeException e) {
            tell(e);
        }
    }

    private static void tell(RuntimeException e) {
        Thread thread = Thread.currentThread();
        thread.getUncaughtExceptionHandler().uncaughtException(thread, e);
    }

    private void sleepUntilWakeAt() {
        while (!stopping) {
            long left = wakeAt - System.nanoTime();
            if (left <= 0) {
                return;
            }
            LockSupport.parkNanos(this, left);
        }
    }
}
