package io.conveyor.pool;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The way into the pool: decides whether a ticket gets room in the queue, a permit to run in its caller, or waits for
 * either. While nobody waits, a hand-over is a compare-and-set on the bytes and an offer to the queue, without a lock.
 * Those who wait are served in the order in which they came: whoever makes room puts the first waiter's ticket into the
 * queue himself and then wakes it, so nothing polls, one event wakes one thread, and no newcomer overtakes. A large ticket
 * at the head holds back the small ones behind it, else it would starve; permits pass it by. Thread-safe.
 *
 * <h2>Threads and state</h2>
 *
 * One lock, {@code lock}; below it only the locks of the crew and its queue are taken, and no task, guard or listener is
 * called under it. No wake-up is lost, because both sides write first and look afterwards: a waiter raises {@code waiting},
 * then tries; whoever makes room or frees a permit does so, then reads {@code waiting}. The same holds for {@code
 * closed}: a close sets it, then clears the line and looks for permits in use; a newcomer joins or takes a permit, then
 * reads it. {@code closed} never goes back.
 */
final class Intake {

    private final Crew crew;
    private final long byteBound;
    private final int permits;
    private final AtomicLong bytes = new AtomicLong();
    private final ConcurrentLinkedQueue<Slot> idlePermits;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition permitsHome = lock.newCondition();

    // Mutable state

    /** Who waits, in the order of coming; only under the lock. */
    private final ArrayDeque<Waiter> line = new ArrayDeque<>();

    /** Length of the line; written under the lock, read by anyone. */
    private volatile int waiting;

    /** Written under the lock, read by anyone. */
    private volatile boolean closed;

    Intake(Crew crew, long byteBound, List<Slot> permits) {
        this.crew = crew;
        this.byteBound = byteBound;
        this.permits = permits.size();
        idlePermits = new ConcurrentLinkedQueue<>(permits);
    }

    /** What {@link #hand} came to. */
    enum Verdict {
        QUEUED,
        /** The calling thread is to run it under {@link Ticket#permit()} and to give that back. */
        RUN,
        NO_ROOM,
        CLOSED
    }

    /**
     * Finds a place for the ticket, waiting up to {@code nanos} for it.
     *
     * @param mayRun whether the calling thread may run it itself
     * @throws InterruptedException if the thread is interrupted while it waits; the ticket then has no place
     */
    Verdict hand(Ticket ticket, boolean mayRun, long nanos) throws InterruptedException {
        if (waiting == 0) {
            if (admit(ticket)) {
                return Verdict.QUEUED;
            }
            roomFreed(); // Others may have failed on the bytes that this attempt held for a moment.
            if (mayRun && waiting == 0 && takePermit(ticket)) {
                return closed ? refuseWithPermit(ticket) : Verdict.RUN;
            }
        }
        Waiter me = join(ticket, mayRun);
        return await(me, nanos);
    }

    /** Reserves the bytes and offers to the queue: both or nothing. */
    private boolean admit(Ticket ticket) {
        if (!reserve(ticket.bytes())) {
            return false;
        }
        boolean admitted = false;
        try {
            admitted = crew.tryHandOver(ticket);
        } finally {
            if (!admitted) {
                bytes.addAndGet(-ticket.bytes());
            }
        }
        return admitted;
    }

    private boolean reserve(long wanted) {
        if (wanted == 0) {
            return true;
        }
        long held = bytes.get();
        while (held <= byteBound - wanted) {
            long seen = bytes.compareAndExchange(held, held + wanted);
            if (seen == held) {
                return true;
            }
            held = seen;
        }
        return false;
    }

    private boolean takePermit(Ticket ticket) {
        Slot slot = idlePermits.poll();
        if (slot == null) {
            return false;
        }
        ticket.grant(slot);
        return true;
    }

    private Verdict refuseWithPermit(Ticket ticket) {
        Slot slot = ticket.permit();
        if (slot != null) {
            givePermitBack(slot);
        }
        return Verdict.CLOSED;
    }

    private Waiter join(Ticket ticket, boolean mayRun) {
        Waiter me = new Waiter(Thread.currentThread(), ticket, mayRun);
        lock.lock();
        try {
            if (closed) {
                me.verdict = Verdict.CLOSED;
            } else if (ticket.isWithdrawn()) {
                me.verdict = Verdict.NO_ROOM;
            } else {
                line.addLast(me);
                waiting = line.size();
                serve();
            }
        } finally {
            lock.unlock();
        }
        return me;
    }

    private Verdict await(Waiter me, long nanos) throws InterruptedException {
        long deadline = System.nanoTime() + Math.min(nanos, Long.MAX_VALUE >> 1);
        while (true) {
            Verdict verdict = me.verdict;
            if (verdict != null) {
                return verdict;
            }
            long left = nanos <= 0 ? 0 : deadline - System.nanoTime();
            if (left <= 0) {
                leave(me);
            } else if (Thread.currentThread().isInterrupted()) {
                if (leave(me)) {
                    Thread.interrupted();
                    throw new InterruptedException("Interrupted while waiting for room in the pool");
                }
            } else {
                LockSupport.parkNanos(this, left);
            }
        }
    }

    /** Steps out of the line, unless a verdict has come first; afterwards there is one. */
    private boolean leave(Waiter me) {
        lock.lock();
        try {
            if (me.verdict != null) {
                return false;
            }
            line.remove(me);
            me.verdict = Verdict.NO_ROOM;
            serve(); // It may have been the large one at the head.
            return true;
        } finally {
            lock.unlock();
        }
    }

    /** Ends the wait of whoever waits with this ticket, now or later, with {@link Verdict#NO_ROOM}. */
    void withdraw(Ticket ticket) {
        lock.lock();
        try {
            ticket.withdraw();
            for (Waiter waiter : line) {
                if (waiter.ticket == ticket) {
                    line.remove(waiter);
                    waiter.settle(Verdict.NO_ROOM);
                    serve();
                    return;
                }
            }
        } finally {
            lock.unlock();
        }
    }

    /**
     * Gives what is free to those who wait: room to the head for as long as its ticket fits, permits to the first who may
     * use them. Call only with the lock held.
     */
    private void serve() {
        if (!closed) {
            Waiter head = line.peekFirst();
            while (head != null && admit(head.ticket)) {
                line.removeFirst();
                head.settle(Verdict.QUEUED);
                head = line.peekFirst();
            }
            Iterator<Waiter> rest = line.iterator();
            while (rest.hasNext() && !idlePermits.isEmpty()) {
                Waiter next = rest.next();
                if (next.mayRun && takePermit(next.ticket)) {
                    rest.remove();
                    next.settle(Verdict.RUN);
                }
            }
        }
        waiting = line.size();
    }

    /** A worker has taken the ticket out of the queue. */
    void taken(Ticket ticket) {
        if (ticket.bytes() != 0) {
            bytes.addAndGet(-ticket.bytes());
        }
        roomFreed();
    }

    private void roomFreed() {
        if (waiting > 0) {
            lock.lock();
            try {
                serve();
            } finally {
                lock.unlock();
            }
        }
    }

    /** The caller that ran under this permit has finished. */
    void givePermitBack(Slot slot) {
        idlePermits.add(slot);
        if (waiting > 0 || closed) {
            lock.lock();
            try {
                serve();
                permitsHome.signalAll();
            } finally {
                lock.unlock();
            }
        }
    }

    /**
     * Takes nothing more, and refuses all who wait.
     *
     * @return whether this call did it
     */
    boolean close() {
        lock.lock();
        try {
            boolean first = !closed;
            closed = true;
            line.forEach(waiter -> waiter.settle(Verdict.CLOSED));
            line.clear();
            waiting = 0;
            return first;
        } finally {
            lock.unlock();
        }
    }

    /** Takes the tickets that have not started out of the queue. Call only when closed and the crew is shut down. */
    List<Ticket> takeBack() {
        List<Runnable> queued = new ArrayList<>();
        crew.getQueue().drainTo(queued);
        List<Ticket> tickets = new ArrayList<>(queued.size());
        for (Runnable runnable : queued) {
            Ticket ticket = (Ticket) runnable;
            bytes.addAndGet(-ticket.bytes());
            tickets.add(ticket);
        }
        return tickets;
    }

    /** Waits until no caller runs a task. Call only when closed. */
    boolean awaitPermitsHome(long nanos) throws InterruptedException {
        long left = nanos;
        lock.lockInterruptibly();
        try {
            while (idlePermits.size() < permits) {
                if (left <= 0) {
                    return false;
                }
                left = permitsHome.awaitNanos(left);
            }
            return true;
        } finally {
            lock.unlock();
        }
    }

    boolean isClosed() {
        return closed;
    }

    int waiting() {
        return waiting;
    }

    long bytes() {
        return bytes.get();
    }

    /** Somebody in the line. The verdict is written once, under the lock, except that a waiter refused at the door has it at once. */
    private static final class Waiter {

        private final Thread thread;
        private final Ticket ticket;
        private final boolean mayRun;

        /** Null while it waits; volatile so that the waiter reads it without the lock. */
        private volatile @Nullable Verdict verdict;

        Waiter(Thread thread, Ticket ticket, boolean mayRun) {
            this.thread = thread;
            this.ticket = ticket;
            this.mayRun = mayRun;
        }

        void settle(Verdict outcome) {
            verdict = outcome;
            LockSupport.unpark(thread);
        }
    }
}
