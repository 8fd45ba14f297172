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
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The way into the pool: decides whether a ticket gets room in the queue, a permit to run in its caller, or waits for
 * either. While nobody waits, a hand-over is a compare-and-set on the bytes and an offer to the queue, without a lock.
 * Those who wait for room in one lane of the queue are served in the order in which they came: whoever makes room puts the
 * first waiter's ticket into the queue himself and then wakes it, so nothing polls, one event wakes one thread, and no
 * newcomer overtakes. A ticket of many bytes at the head holds back the others behind it, else it would starve; permits
 * pass it by, and go to who waits for the lane of the smallest groups first. The lanes have nothing else in common, so
 * nobody waits at the door for what waits in another lane. Thread-safe.
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
    private final List<Door> doors =
            IntStream.range(0, LaneQueue.LANES).mapToObj(lane -> new Door()).toList();
    private final ConcurrentLinkedQueue<Slot> idlePermits;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition permitsHome = lock.newCondition();

    // Mutable state

    /** Who waits, at all doors; written under the lock, read by anyone. */
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
        Door door = door(ticket);
        if (door.waiting == 0) {
            if (admit(ticket)) {
                return Verdict.QUEUED;
            }
            roomFreed(door); // Others may have failed on the bytes that this attempt held for a moment.
            if (mayRun && waiting == 0 && takePermit(ticket)) {
                return closed ? refuseWithPermit(ticket) : Verdict.RUN;
            }
        }
        Waiter me = join(ticket, mayRun);
        return await(me, nanos);
    }

    /** Reserves the bytes and offers to the queue: both or nothing. */
    private boolean admit(Ticket ticket) {
        Door door = door(ticket);
        if (!reserve(door, ticket.bytes())) {
            return false;
        }
        boolean admitted = false;
        try {
            admitted = crew.tryHandOver(ticket);
        } finally {
            if (!admitted) {
                door.bytes.addAndGet(-ticket.bytes());
            }
        }
        return admitted;
    }

    private boolean reserve(Door door, long wanted) {
        if (wanted == 0) {
            return true;
        }
        long held = door.bytes.get();
        while (held <= byteBound - wanted) {
            long seen = door.bytes.compareAndExchange(held, held + wanted);
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
                door(ticket).line.addLast(me);
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
            door(me.ticket).line.remove(me);
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
            Door door = door(ticket);
            for (Waiter waiter : door.line) {
                if (waiter.ticket == ticket) {
                    door.line.remove(waiter);
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
     * Gives what is free to those who wait: room to the head of each line for as long as its ticket fits, permits to the
     * first who may use them. Call only with the lock held, and whenever a line has changed.
     */
    private void serve() {
        if (!closed) {
            doors.forEach(this::giveRoom);
            doors.forEach(this::givePermits);
        }
        int all = 0;
        for (Door door : doors) {
            door.waiting = door.line.size();
            all += door.waiting;
        }
        waiting = all;
    }

    private void giveRoom(Door door) {
        Waiter head = door.line.peekFirst();
        while (head != null && admit(head.ticket)) {
            door.line.removeFirst();
            head.settle(Verdict.QUEUED);
            head = door.line.peekFirst();
        }
    }

    private void givePermits(Door door) {
        Iterator<Waiter> line = door.line.iterator();
        while (line.hasNext() && !idlePermits.isEmpty()) {
            Waiter next = line.next();
            if (next.mayRun && takePermit(next.ticket)) {
                line.remove();
                next.settle(Verdict.RUN);
            }
        }
    }

    /** A worker has taken the ticket out of the queue. */
    void taken(Ticket ticket) {
        Door door = door(ticket);
        if (ticket.bytes() != 0) {
            door.bytes.addAndGet(-ticket.bytes());
        }
        roomFreed(door);
    }

    private void roomFreed(Door door) {
        if (door.waiting > 0) {
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
            for (Door door : doors) {
                door.line.forEach(waiter -> waiter.settle(Verdict.CLOSED));
                door.line.clear();
            }
            serve();
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
            door(ticket).bytes.addAndGet(-ticket.bytes());
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
        return doors.stream().mapToLong(door -> door.bytes.get()).sum();
    }

    private Door door(Ticket ticket) {
        return doors.get(ticket.lane());
    }

    /** The way into one lane: the bytes that wait in it, and who waits for room there. */
    private static final class Door {

        private final AtomicLong bytes = new AtomicLong();

        /** Who waits, in the order of coming; only under the lock. */
        private final ArrayDeque<Waiter> line = new ArrayDeque<>();

        /** Length of the line; written under the lock, read by anyone. */
        private volatile int waiting;
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
