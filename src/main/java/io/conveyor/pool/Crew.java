package io.conveyor.pool;

import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The fixed crew: a {@link ThreadPoolExecutor} over an {@link ArrayBlockingQueue}, prestarted, that takes tickets only.
 * What does not fit comes back to the thread that handed it over; nothing is dropped. Thread-safe.
 *
 * <h2>Threads and state</h2>
 *
 * The rejection handler only marks the ticket, so {@link #tryHandOver} is an offer with an answer. It goes through {@code
 * execute} and not straight to the queue because {@code execute} looks at the run state again after the offer: a ticket
 * that slips in while the crew shuts down is either taken out again (rejected) or already taken by a worker or by the
 * drain, never left behind.
 *
 * <p>Each worker thread holds one of the slots for its life. It takes it when it starts and gives it back when it ends,
 * so a worker that dies of a {@link VirtualMachineError} leaves name and slot to its successor, which waits for them a
 * moment.
 */
final class Crew extends ThreadPoolExecutor implements Intake.Destination {

    private final BlockingQueue<Slot> vacant;

    Crew(int queueCapacity, List<Slot> slots) {
        super(slots.size(), slots.size(), 0, TimeUnit.NANOSECONDS, new TicketQueue(queueCapacity));
        vacant = new ArrayBlockingQueue<>(slots.size(), false, slots);
        setThreadFactory(WorkerThread::new);
        setRejectedExecutionHandler((runnable, crew) -> ((Ticket) runnable).setRejected(true));
        prestartAllCoreThreads();
    }

    @Override
    public boolean tryHandOver(Ticket ticket) {
        ticket.setRejected(false);
        super.execute(ticket);
        return !ticket.isRejected();
    }

    @Override
    public void execute(Runnable command) {
        throw new RejectedExecutionException("This executor is for metrics only: offer tasks to the WorkerPool");
    }

    /** The slot of the worker thread that calls. */
    static Slot slotOfThisWorker() {
        return ((WorkerThread) Thread.currentThread()).slot();
    }

    private final class WorkerThread extends Thread {

        /** Written and read by this thread only. */
        private @Nullable Slot slot;

        WorkerThread(Runnable work) {
            super(work);
            // A job that ignores its interrupts must not keep the process from ending.
            setDaemon(true);
        }

        @Override
        public void run() {
            Slot mine = takeVacant();
            slot = mine;
            setName(mine.name());
            try {
                super.run();
            } finally {
                vacant.add(mine);
            }
        }

        private Slot takeVacant() {
            while (true) {
                try {
                    return vacant.take();
                } catch (InterruptedException e) {
                    // Nobody has work for this thread yet, so nobody can mean to interrupt any.
                }
            }
        }

        Slot slot() {
            if (slot == null) {
                throw new IllegalStateException("The worker runs a task before it has started");
            }
            return slot;
        }
    }
}
