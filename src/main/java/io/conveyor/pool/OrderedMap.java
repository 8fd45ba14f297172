package io.conveyor.pool;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * One call of {@link WorkerPool#map}: the order-preserving bounded map. Used once, by one thread.
 *
 * <h2>Threads and state</h2>
 *
 * The calling thread pulls inputs and queues items; workers run them. {@code window} has one permit for each input that
 * may be pulled and unfinished; an item gives its permit back when it is done, whichever way, and that publishes its
 * result to the calling thread. Holding all permits therefore means that nothing runs any more.
 *
 * <p>{@code failure} is set once and stops everything. Only the calling thread cancels; the permit that a failed item
 * gives back, or its withdrawal of the ticket that waits for room, brings it there. An item is claimed once, by the worker
 * that runs it or by whoever cancels it, and the claimant gives its permit back. Both sides write first and look
 * afterwards: the calling thread sees the failure and interrupts the guards; an item shows its guard, then looks for a
 * failure.
 */
final class OrderedMap<T extends @Nullable Object, R extends @Nullable Object> {

    private final WorkerPool pool;
    private final int concurrency;
    private final Mapper<? super T, ? extends R> mapper;
    private final Semaphore window;
    private final AtomicReference<@Nullable Failure> failure = new AtomicReference<>();

    // Mutable state

    /** All items so far, in input order; used by the calling thread only. */
    private final List<MapItem> items = new ArrayList<>();

    /** The ticket with which the calling thread may be waiting for room; written by it, read by whoever fails. */
    private volatile @Nullable Ticket feeding;

    OrderedMap(WorkerPool pool, int concurrency, Mapper<? super T, ? extends R> mapper) {
        this.pool = pool;
        this.concurrency = concurrency;
        this.mapper = mapper;
        window = new Semaphore(concurrency);
    }

    /** The map within a task of the pool: on the thread that it has, since a task may not wait for tasks. */
    static <T extends @Nullable Object, R extends @Nullable Object> List<R> onTheSpot(
            Iterable<? extends T> inputs, Mapper<? super T, ? extends R> mapper)
            throws ExecutionException, InterruptedException {
        List<R> results = new ArrayList<>();
        for (T input : inputs) {
            if (Thread.interrupted()) {
                throw new InterruptedException("Interrupted between two inputs");
            }
            try {
                results.add(mapper.map(input));
            } catch (InterruptedException | VirtualMachineError e) {
                throw e;
            } catch (Throwable e) {
                throw new ExecutionException(e);
            }
        }
        return Collections.unmodifiableList(results);
    }

    List<R> run(Iterable<? extends T> inputs) throws ExecutionException, InterruptedException {
        try {
            feed(inputs.iterator());
            awaitAll();
        } catch (InterruptedException | RuntimeException | Error e) {
            fail(new Failure(e, true));
            cancelRest();
            throw e;
        }
        Failure failed = failure.get();
        if (failed != null) {
            cancelRest();
            throw failed.toThrow();
        }
        List<R> results = new ArrayList<>(items.size());
        items.forEach(item -> results.add(item.result));
        return Collections.unmodifiableList(results);
    }

    private void feed(Iterator<? extends T> inputs) throws InterruptedException {
        boolean more = true;
        while (more) {
            window.acquire();
            more = false;
            try {
                if (failure.get() == null && inputs.hasNext()) {
                    MapItem item = new MapItem(inputs.next());
                    items.add(item);
                    more = enqueue(item);
                }
            } finally {
                if (!more) {
                    window.release();
                }
            }
        }
    }

    /** Returns whether the item now has the permit; if not, it will never run. */
    private boolean enqueue(MapItem item) throws InterruptedException {
        Ticket ticket = pool.ticket(item);
        feeding = ticket;
        boolean queued = false;
        try {
            queued = failure.get() == null && pool.enqueueUntil(ticket, WorkerPool.deadline(WorkerPool.FOREVER_NANOS));
        } finally {
            feeding = null;
            if (!queued) {
                item.claimed.set(true);
            }
        }
        return queued;
    }

    /** Waits for all items, one permit at a time so as to see a failure as soon as it happens. */
    private void awaitAll() throws InterruptedException {
        int held = 0;
        try {
            while (held < concurrency && failure.get() == null) {
                window.acquire();
                held++;
            }
        } finally {
            window.release(held);
        }
    }

    /** Sees to it that nothing of this call runs any more. Call only after a failure is set. */
    private void cancelRest() {
        items.forEach(MapItem::cancel);
        window.acquireUninterruptibly(concurrency);
    }

    private void fail(Failure failed) {
        if (failure.compareAndSet(null, failed)) {
            Ticket waiting = feeding;
            if (waiting != null) {
                pool.withdraw(waiting);
            }
        }
    }

    /**
     * Why the map ends without results.
     *
     * @param ofPool whether it did not come from the mapper
     */
    private record Failure(Throwable thrown, boolean ofPool) {

        ExecutionException toThrow() {
            if (ofPool && thrown instanceof RuntimeException unchecked) {
                throw unchecked;
            }
            return new ExecutionException(thrown);
        }
    }

    /** A task that belongs to a map and not to who drains the pool. */
    interface Item extends PoolTask {

        /** The pool is drained and will not run it. */
        void takenBack();
    }

    private final class MapItem implements Item {

        private final T input;

        /** Set by whoever decides what becomes of the item: the worker runs it, anybody else cancels it. */
        private final AtomicBoolean claimed = new AtomicBoolean();

        /** The guard while the mapper runs; written by the worker, read by the calling thread. */
        private volatile @Nullable Guard guard;

        /** Written by the worker, published by the permit. */
        private R result;

        @SuppressWarnings("NullAway.Init") // The result is there before anybody asks for it.
        MapItem(T input) {
            this.input = input;
        }

        @Override
        public long bytes() {
            return 0;
        }

        @Override
        public void run() {
            if (!claimed.compareAndSet(false, true)) {
                return;
            }
            try (Guard opened = pool.guard(Duration.ofNanos(WorkerPool.FOREVER_NANOS))) {
                guard = opened;
                map(opened);
            } finally {
                guard = null;
                window.release();
            }
        }

        private void map(Guard opened) {
            try {
                if (failure.get() == null) {
                    result = mapper.map(input);
                }
            } catch (VirtualMachineError e) {
                fail(new Failure(e, false));
                throw e;
            } catch (Throwable e) {
                fail(opened.cause() == Guard.Cause.DRAIN ? shutDown(e) : new Failure(e, false));
            }
        }

        void cancel() {
            if (claimed.compareAndSet(false, true)) {
                window.release();
            } else {
                Guard open = guard;
                if (open != null) {
                    open.interrupt();
                }
            }
        }

        @Override
        public void takenBack() {
            if (claimed.compareAndSet(false, true)) {
                fail(shutDown(null));
                window.release();
            }
        }

        private Failure shutDown(@Nullable Throwable cause) {
            RejectedExecutionException refusal = pool.refusal();
            if (cause != null) {
                refusal.initCause(cause);
            }
            return new Failure(refusal, true);
        }
    }
}
