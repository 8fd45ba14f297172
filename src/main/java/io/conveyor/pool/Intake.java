package io.conveyor.pool;

import io.conveyor.pool.WaitingLine.Waiter;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import java.util.function.Predicate;

/**
 * The way into the pool: decides whether a ticket gets room in the queue, a permit to run in its caller, or waits for
 * either. An early ticket ({@link PoolTask#early}) has room as long as the queue has any; another only while the queue is
 * shorter than its {@link WorkingLength}. While nobody waits, a hand-over is two compare-and-sets and an offer to the queue,
 * without a lock. Those who wait stand in two lines, each in the order of coming, the early ones first: whoever makes room
 * puts the first waiter's ticket into the queue himself and then wakes it, so nothing polls, one event wakes one thread,
 * and no newcomer overtakes in its own line. Nobody starves: when {@value #PATIENCE} early tickets have passed those who
 * wait in the other line, its head goes next, before any early one and up to the capacity. A ticket of many bytes whose
 * turn it is holds back the others, else it would starve; permits pass it by. Thread-safe.
 *
 * <h2>Threads and state</h2>
 *
 * One lock, {@code lock}; below it only the locks of the crew and its queue are taken, and no task, guard or listener is
 * called under it. No wake-up is lost, because both sides write first and look afterwards: a waiter joins its line, then
 * tries; whoever makes room or frees a permit does so, then reads how many wait. The same holds for {@code
 * closed}: a close sets it, then clears the lines and looks for permits in use; a newcomer joins or takes a permit, then
 * reads it. {@code closed} never goes back. The working length grows only when a worker takes a ticket, who looks for
 * waiters afterwards.
 */
final class Intake {

    /** Early tickets that may pass a line. A round figure: a ninth of the crew at the least is for who has had much. */
    static final int PATIENCE = 8;

    private final Destination crew;
    private final Room room;
    private final WorkingLength length;
    private final LongSupplier clock;
    private final int permits;
    private final ConcurrentLinkedQueue<Slot> idlePermits;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition permitsHome = lock.newCondition();
    private final WaitingLine early = new WaitingLine();
    private final WaitingLine late = new WaitingLine();

    /** Early tickets that got room while others waited, since the last of the others got some. */
    private final AtomicInteger passed = new AtomicInteger();

    // Mutable state

    /** Written under the lock, read by anyone. */
    private volatile boolean closed;

    /** Where tickets go. */
    interface Destination {

        /** Puts the ticket into the queue, unless that is full or nothing is taken any more. Never waits. */
        boolean tryHandOver(Ticket ticket);

        /** The tickets that nobody has begun with. */
        BlockingQueue<Runnable> getQueue();
    }

    Intake(Destination crew, WorkerPoolConfig config, List<Slot> permits, LongSupplier clock) {
        this.crew = crew;
        this.clock = clock;
        this.permits = permits.size();
        room = new Room(config.queueCapacity(), config.queueBytes());
        length = new WorkingLength(config.workers(), config.queueCapacity(), clock.getAsLong());
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
     * Finds a place for the ticket, waiting for it until the deadline, by {@link System#nanoTime}, which is read only if it
     * comes to waiting.
     *
     * @param mayRun whether the calling thread may run it itself
     * @throws InterruptedException if the thread is interrupted while it waits; the ticket then has no place
     */
    Verdict hand(Ticket ticket, boolean mayRun, long deadline) throws InterruptedException {
        if (isFirst(ticket)) {
            if (admit(ticket, limit(ticket))) {
                return Verdict.QUEUED;
            }
            roomFreed(); // Others may have failed on the room that this attempt held for a moment.
            if (mayRun && isFirst(ticket) && takePermit(ticket)) {
                return closed ? refuseWithPermit(ticket) : Verdict.RUN;
            }
        }
        Waiter me = join(ticket, mayRun);
        return await(me, deadline);
    }

    /** Whether nobody waits who goes before it. */
    private boolean isFirst(Ticket ticket) {
        boolean othersWait = late.size() > 0;
        return early.size() == 0 && (!othersWait || (ticket.isEarly() && passed.get() < PATIENCE));
    }

    private int limit(Ticket ticket) {
        return ticket.isEarly() ? room.capacity() : length.at(ticket.admittedAt());
    }

    /** Reserves room and offers to the queue: both or nothing. */
    private boolean admit(Ticket ticket, int limit) {
        if (!room.reserve(ticket, limit)) {
            return false;
        }
        boolean admitted = false;
        try {
            admitted = crew.tryHandOver(ticket);
        } finally {
            if (!admitted) {
                room.giveBack(ticket);
            }
        }
        if (admitted) {
            countPassing(ticket);
        }
        return admitted;
    }

    private void countPassing(Ticket ticket) {
        if (ticket.isEarly()) {
            if (late.size() > 0) {
                passed.incrementAndGet();
            }
        } else if (passed.get() != 0) {
            passed.set(0);
        }
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
                line(ticket).add(me);
                serve();
            }
        } finally {
            lock.unlock();
        }
        return me;
    }

    private Verdict await(Waiter me, long deadline) throws InterruptedException {
        while (true) {
            Verdict verdict = me.verdict;
            if (verdict != null) {
                return verdict;
            }
            long left = deadline - System.nanoTime();
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
            line(me.ticket()).remove(me);
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
            Waiter waiter = line(ticket).find(ticket);
            if (waiter != null) {
                line(ticket).remove(waiter);
                waiter.settle(Verdict.NO_ROOM);
                serve();
            }
        } finally {
            lock.unlock();
        }
    }

    /**
     * Gives what is free to those who wait: room to whose turn it is for as long as the ticket fits, permits to the first
     * who may use them. Call only with the lock held.
     */
    private void serve() {
        if (closed) {
            return;
        }
        boolean given = waiting() > 0;
        while (given) {
            given = giveRoom();
        }
        givePermits(early);
        givePermits(late);
    }

    /** Call only with the lock held, as the next. */
    private boolean giveRoom() {
        boolean lateHasTurn = late.size() > 0 && passed.get() >= PATIENCE;
        WaitingLine line = early.size() == 0 || lateHasTurn ? late : early;
        Waiter head = line.peekFirst();
        if (head == null) {
            return false;
        }
        head.ticket().setAdmittedAt(clock.getAsLong());
        if (!admit(head.ticket(), lateHasTurn ? room.capacity() : limit(head.ticket()))) {
            return false;
        }
        line.remove(head);
        head.settle(Verdict.QUEUED);
        return true;
    }

    private void givePermits(WaitingLine line) {
        Iterator<Waiter> rest = line.iterator();
        while (rest.hasNext() && !idlePermits.isEmpty()) {
            Waiter next = rest.next();
            if (next.mayRun() && takePermit(next.ticket())) {
                rest.remove();
                next.settle(Verdict.RUN);
            }
        }
        line.count();
    }

    /** A worker has taken the ticket out of the queue. */
    void taken(Ticket ticket, long now) {
        length.taken(now - ticket.admittedAt(), room.places(), now);
        room.giveBack(ticket);
        roomFreed();
    }

    private void roomFreed() {
        if (waiting() > 0) {
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
        if (waiting() > 0 || closed) {
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
            early.refuse();
            late.refuse();
            return first;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Takes the tickets whose task is meant out of the queue, and ends the wait of those who wait with one, with
     * {@link Verdict#NO_ROOM}.
     *
     * @return the tasks that were in the queue
     */
    List<PoolTask> withdraw(Predicate<PoolTask> meant) {
        List<PoolTask> queued = new ArrayList<>();
        lock.lock();
        try {
            crew.getQueue().removeIf(runnable -> {
                Ticket ticket = (Ticket) runnable;
                boolean taken = meant.test(ticket.task());
                if (taken) {
                    room.giveBack(ticket);
                    queued.add(ticket.task());
                }
                return taken;
            });
            early.refuse(meant);
            late.refuse(meant);
            serve();
        } finally {
            lock.unlock();
        }
        return queued;
    }

    /** Takes the tickets that have not started out of the queue. Call only when closed and the crew is shut down. */
    List<Ticket> takeBack() {
        List<Runnable> queued = new ArrayList<>();
        crew.getQueue().drainTo(queued);
        List<Ticket> tickets = new ArrayList<>(queued.size());
        for (Runnable runnable : queued) {
            Ticket ticket = (Ticket) runnable;
            room.giveBack(ticket);
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
        return early.size() + late.size();
    }

    long bytes() {
        return room.bytes();
    }

    /** How many may wait in the queue now if they are not early. */
    int length() {
        return length.at(clock.getAsLong());
    }

    private WaitingLine line(Ticket ticket) {
        return ticket.isEarly() ? early : late;
    }
}
