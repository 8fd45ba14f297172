package io.conveyor.belt;

import io.conveyor.store.BatchRef;
import io.conveyor.store.BatchStore;
import io.conveyor.store.StoreException;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sees to it that batches are stopped when their deadline has passed, wherever they are: fed, paused, open, or only in the
 * store. The store knows all deadlines and finds the next by an index; here is one look at it to come, however many batches
 * there are. Thread-safe.
 *
 * <p>Threads and state: looks run on the thread of {@link Control}, one at a time. {@code next} is guarded by this object's
 * lock, which is held for no call but that of the scheduler. A look gives up its place before it asks the store, so whoever
 * brings an earlier deadline meanwhile finds none, and takes it.
 */
final class Deadlines {

    private static final Logger log = LoggerFactory.getLogger(Deadlines.class);

    private static final String LOOK = "look for batches whose deadline has passed";

    /** Batches that are stopped in one transaction; a round figure. */
    private static final int PAGE = 256;

    /** Milliseconds until it looks again when there is nothing to look for: an hour, and no more than that is certain. */
    private static final long LONGEST = 3_600_000;

    /** Milliseconds until it looks again after the store failed. */
    private static final long RETRY = 500;

    private final BatchStore store;
    private final ScheduledExecutorService thread;
    private final Consumer<BatchRef> stop;
    private final StoreTrouble trouble = new StoreTrouble();

    // Mutable state, guarded by this
    private @Nullable ScheduledFuture<?> next;

    /** @param stop does to what is in memory what the store has for a batch */
    Deadlines(BatchStore store, ScheduledExecutorService thread, Consumer<BatchRef> stop) {
        this.store = store;
        this.thread = thread;
        this.stop = stop;
    }

    /** A deadline comes in so many milliseconds. */
    synchronized void within(long millis) {
        if (next != null && next.getDelay(TimeUnit.MILLISECONDS) <= millis) {
            return;
        }
        if (next != null) {
            next.cancel(false);
        }
        try {
            next = thread.schedule(this::look, millis, TimeUnit.MILLISECONDS);
        } catch (RejectedExecutionException e) {
            next = null; // the service stops: the next process looks
        }
    }

    private synchronized void begin() {
        next = null;
    }

    /** Stops whatever is late, and comes back for the next. Control's thread only. */
    void look() {
        begin();
        long wait = RETRY;
        try {
            wait = stopOverdue();
            trouble.over(LOOK);
        } catch (StoreException e) {
            trouble.met(LOOK, e);
        } finally {
            within(wait);
        }
    }

    /** Milliseconds until the next look is due. */
    private long stopOverdue() {
        OptionalLong due = store.nextDeadline();
        while (due.isPresent() && due.getAsLong() == 0) {
            List<BatchRef> stopped = store.stopOverdue(PAGE);
            if (stopped.isEmpty()) {
                return 1; // another came first
            }
            stopped.forEach(stop);
            log.info("Stopped {} batches whose deadline has passed", stopped.size());
            due = store.nextDeadline();
        }
        return Math.min(LONGEST, due.orElse(LONGEST));
    }
}
