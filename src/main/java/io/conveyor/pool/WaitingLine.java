package io.conveyor.pool;

import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Those who wait for room in the pool, in the order of coming. How many they are is read by anyone; everything else is done
 * under the lock of the {@link Intake} that the line belongs to.
 */
final class WaitingLine {

    private final ArrayDeque<Waiter> waiters = new ArrayDeque<>();

    // Mutable state

    /** Length of the line; written under the lock, read by anyone. */
    private volatile int size;

    int size() {
        return size;
    }

    void add(Waiter waiter) {
        waiters.addLast(waiter);
        count();
    }

    void remove(Waiter waiter) {
        waiters.remove(waiter);
        count();
    }

    @Nullable
    Waiter peekFirst() {
        return waiters.peekFirst();
    }

    @Nullable
    Waiter find(Ticket ticket) {
        return waiters.stream()
                .filter(waiter -> waiter.ticket() == ticket)
                .findFirst()
                .orElse(null);
    }

    /** Call {@link #count} after having removed with it. */
    Iterator<Waiter> iterator() {
        return waiters.iterator();
    }

    void count() {
        size = waiters.size();
    }

    /** Sends those away who wait with a task that is meant. */
    void refuse(Predicate<PoolTask> meant) {
        waiters.removeIf(waiter -> {
            boolean refused = meant.test(waiter.ticket().task());
            if (refused) {
                waiter.settle(Intake.Verdict.NO_ROOM);
            }
            return refused;
        });
        count();
    }

    /** Sends everybody away. */
    void refuse() {
        waiters.forEach(waiter -> waiter.settle(Intake.Verdict.CLOSED));
        waiters.clear();
        count();
    }

    /** Somebody in the line. The verdict is written once, under the lock, except that a waiter refused at the door has it at once. */
    static final class Waiter {

        private final Thread thread;
        private final Ticket ticket;
        private final boolean mayRun;

        /** Null while it waits; volatile so that the waiter reads it without the lock. */
        volatile Intake.@Nullable Verdict verdict;

        /** @param mayRun whether the thread may run the ticket itself */
        Waiter(Thread thread, Ticket ticket, boolean mayRun) {
            this.thread = thread;
            this.ticket = ticket;
            this.mayRun = mayRun;
        }

        Ticket ticket() {
            return ticket;
        }

        boolean mayRun() {
            return mayRun;
        }

        /** Gives it its verdict and wakes its thread. */
        void settle(Intake.Verdict outcome) {
            verdict = outcome;
            LockSupport.unpark(thread);
        }
    }
}
