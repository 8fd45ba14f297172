package io.conveyor.pool;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Runs tasks in slots, the same way for workers and for callers: interrupt status, name and context class loader of a thread
 * are after a task what they were before, whatever the task did; within, the loader is the one that was current when the pool
 * was made. Thread-safe.
 */
final class TaskRunner {

    /**
     * The slot in which this thread runs a task, of whatever pool. Null again after the task, and not removed: the empty
     * entry holds nothing, and a remove with the next look-up, which makes the entry anew, costs more than the hand-over.
     */
    private static final ThreadLocal<@Nullable Slot> CURRENT = new ThreadLocal<>();

    private final PoolListener listener;
    private final LongSupplier clock;
    private final BooleanSupplier draining;
    private final @Nullable ClassLoader loader = Thread.currentThread().getContextClassLoader();
    private final LongAdder uncaught = new LongAdder();

    /** Tasks that ended after the intake had closed; counted by the threads that ran them. */
    private final AtomicInteger finishedInDrain = new AtomicInteger();

    private final AtomicInteger interruptedInDrain = new AtomicInteger();

    /** @param draining whether the intake has closed */
    TaskRunner(PoolListener listener, LongSupplier clock, BooleanSupplier draining) {
        this.listener = listener;
        this.clock = clock;
        this.draining = draining;
    }

    /** The slot in which the calling thread runs a task, of whatever pool. */
    static @Nullable Slot currentSlot() {
        return CURRENT.get();
    }

    /** How often a task or the listener threw. */
    long uncaught() {
        return uncaught.sum();
    }

    int finishedInDrain() {
        return finishedInDrain.get();
    }

    int interruptedInDrain() {
        return interruptedInDrain.get();
    }

    /**
     * Runs it:
     *
     * <ol>
     *   <li>put the thread's interrupt status, name and loader aside, and enter the slot;
     *   <li>run; whatever is thrown is counted and handed on, and only a {@link VirtualMachineError} goes further;
     *   <li>close a guard that the task has left open, so that no interrupt of ours can come any more;
     *   <li>only then clear the interrupt status, which now can only be a leftover of the task;
     *   <li>leave the slot, tell the listener, give the thread its own back.
     * </ol>
     */
    void run(Slot slot, Ticket ticket, boolean inCaller, long start) {
        Thread thread = Thread.currentThread();
        boolean interrupted = Thread.interrupted();
        String name = thread.getName();
        ClassLoader ownLoader = thread.getContextClassLoader();
        Slot outer = CURRENT.get();
        try {
            CURRENT.set(slot);
            thread.setContextClassLoader(loader);
            runMetered(slot, ticket, inCaller, outer, start);
        } finally {
            CURRENT.set(outer);
            thread.setContextClassLoader(ownLoader);
            useName(thread, name);
            if (interrupted) {
                thread.interrupt();
            }
        }
    }

    private void runMetered(Slot slot, Ticket ticket, boolean inCaller, @Nullable Slot outer, long start) {
        PoolTask task = ticket.task();
        slot.begin(task, Thread.currentThread(), outer, start);
        try {
            tellStarted(task, start - ticket.offeredAt(), inCaller);
            runGuarded(task);
        } finally {
            closeLeftover(slot);
            Thread.interrupted();
            long end = clock.getAsLong();
            countInDrain(slot.end(end));
            tellFinished(task, end - start);
        }
    }

    private void tellStarted(PoolTask task, long waited, boolean inCaller) {
        try {
            listener.started(task, waited, inCaller);
        } catch (Throwable e) {
            survive(task, e);
        }
    }

    private void runGuarded(PoolTask task) {
        try {
            task.run();
        } catch (Throwable e) {
            survive(task, e);
        }
    }

    private void tellFinished(PoolTask task, long ran) {
        try {
            listener.finished(task, ran);
        } catch (Throwable e) {
            survive(task, e);
        }
    }

    private void survive(PoolTask task, Throwable thrown) {
        uncaught.increment();
        if (thrown instanceof VirtualMachineError error) {
            throw error;
        }
        tellUncaught(task, thrown);
    }

    private void tellUncaught(PoolTask task, Throwable thrown) {
        try {
            listener.uncaught(task, thrown);
        } catch (RuntimeException e) {
            // There is nobody left to tell, and the worker must live.
            uncaught.increment();
        }
    }

    private static void closeLeftover(Slot slot) {
        Guard guard = slot.guard();
        if (guard != null) {
            guard.close();
        }
    }

    private void countInDrain(boolean drained) {
        if (draining.getAsBoolean()) {
            (drained ? interruptedInDrain : finishedInDrain).incrementAndGet();
        }
    }

    private static void useName(Thread thread, String wanted) {
        if (!thread.getName().equals(wanted)) {
            thread.setName(wanted);
        }
    }
}
