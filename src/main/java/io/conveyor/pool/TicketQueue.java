package io.conveyor.pool;

import java.io.Serial;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * The queue of the crew. A worker that finds it empty looks again a few times before it goes to sleep, since under load
 * the next ticket is a microsecond away, and waking a thread costs several, most of them the caller's. One worker at a
 * time does so, and lets every other thread go first, so an idle crew costs nothing. Thread-safe.
 */
final class TicketQueue extends ArrayBlockingQueue<Runnable> {

    @Serial
    private static final long serialVersionUID = 1;

    /** About as long as going to sleep and being woken takes: who guesses wrong pays twice, never more. */
    private static final int LOOKS = 16;

    private final AtomicBoolean looking = new AtomicBoolean();

    TicketQueue(int capacity) {
        super(capacity);
    }

    @Override
    @SuppressWarnings("ThreadPriorityCheck") // only speed depends on it
    public Runnable take() throws InterruptedException {
        Runnable next = poll();
        if (next == null && looking.compareAndSet(false, true)) {
            for (int look = 0; next == null && look < LOOKS; look++) {
                Thread.yield();
                next = poll();
            }
            looking.set(false);
        }
        return next == null ? super.take() : next;
    }
}
