package io.conveyor.belt;

import io.conveyor.belt.Belt.Registration;
import io.conveyor.store.OutcomeEntry;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Those who wait for the end of a batch, for any of its outcomes, or for a certain one. Each is called once: by the event, by {@link #releaseAll}, or
 * never, if it goes away first. Costs nothing to those for whom nobody waits. Thread-safe; callbacks run on the thread
 * that tells of the event, with no lock held.
 */
final class Waiters {

    private static final Logger log = LoggerFactory.getLogger(Waiters.class);

    /** Stands for the end of the batch where others name a job. */
    private static final int END = -1;

    /** Stands for any outcome, or the end. */
    private static final int PROGRESS = -2;

    private record Event(long batchNo, int index) {}

    private final Map<Event, Map<Waiter, Boolean>> waiting = new ConcurrentHashMap<>();
    /** How many wait for outcomes of a batch: those for whose outcomes nobody does are told in one look. */
    private final Map<Long, Integer> watched = new ConcurrentHashMap<>();

    private volatile boolean released;

    Registration onEnd(long batchNo, Runnable callback) {
        return add(new Event(batchNo, END), callback);
    }

    Registration onOutcome(long batchNo, int index, Runnable callback) {
        return add(new Event(batchNo, index), callback);
    }

    Registration onProgress(long batchNo, Runnable callback) {
        return add(new Event(batchNo, PROGRESS), callback);
    }

    void ended(long batchNo) {
        fire(new Event(batchNo, END));
        fire(new Event(batchNo, PROGRESS));
    }

    void recorded(long batchNo, List<OutcomeEntry> outcomes) {
        if (watched.containsKey(batchNo)) {
            outcomes.forEach(outcome -> fire(new Event(batchNo, outcome.index())));
            fire(new Event(batchNo, PROGRESS));
        }
    }

    boolean released() {
        return released;
    }

    /** Calls everybody, and from now on everybody who comes. */
    void releaseAll() {
        released = true;
        waiting.keySet().forEach(this::fire);
    }

    private Registration add(Event event, Runnable callback) {
        Waiter waiter = new Waiter(event, callback);
        waiter.watch();
        waiting.compute(event, (e, waiters) -> {
            Map<Waiter, Boolean> all = waiters == null ? new ConcurrentHashMap<>() : waiters;
            all.put(waiter, true);
            return all;
        });
        if (released) {
            fire(event);
        }
        return waiter;
    }

    private void fire(Event event) {
        Map<Waiter, Boolean> waiters = waiting.remove(event);
        if (waiters != null) {
            waiters.keySet().forEach(Waiter::call);
        }
    }

    private final class Waiter implements Registration {

        private final Event event;
        private final Runnable callback;
        private final AtomicBoolean called = new AtomicBoolean();

        Waiter(Event event, Runnable callback) {
            this.event = event;
            this.callback = callback;
        }

        void watch() {
            if (event.index() != END) {
                watched.merge(event.batchNo(), 1, Integer::sum);
            }
        }

        private void unwatch() {
            if (event.index() != END) {
                watched.computeIfPresent(event.batchNo(), (batch, others) -> others == 1 ? null : others - 1);
            }
        }

        void call() {
            if (called.compareAndSet(false, true)) {
                unwatch();
                try {
                    callback.run();
                } catch (RuntimeException e) {
                    log.warn("Somebody who waited could not be told; the others are", e);
                }
            }
        }

        @Override
        public void close() {
            if (called.compareAndSet(false, true)) {
                unwatch();
            }
            waiting.computeIfPresent(event, (e, waiters) -> {
                waiters.remove(this);
                return waiters.isEmpty() ? null : waiters;
            });
        }
    }
}
