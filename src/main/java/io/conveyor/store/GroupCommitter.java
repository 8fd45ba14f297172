package io.conveyor.store;

import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The one writer: takes whatever is waiting, requests and outcomes alike, and commits it in one transaction. A commit
 * costs one flush of the disk however much travels in it, so the group grows by itself when the disk is slow and a lone
 * request never waits for company. Thread-safe.
 *
 * <p><b>Threads and state.</b> Any thread submits; the thread {@code conveyor-store-writer} alone touches the session,
 * {@link #inHand} and {@link #retryAt}. What waits is bounded: requests by {@link #requestSlots}, outcomes in number
 * and in KiB by {@link #outcomePermits}, which are given back only when an outcome is on the disk; so the queue, with
 * room for both, is never full, and {@code add} never fails.
 *
 * <p>A group that fails is rolled back and taken apart: each request again in a transaction of its own, so that only
 * the guilty one fails; then all outcomes together. A request that fails is told so and forgotten. Outcomes are never
 * given up while the process lives: they stay in hand and are tried again every {@link #RETRY_MILLIS}, and those who
 * bring more wait for permits, up to the crew of workers: the belt stands still, and nothing is lost.
 *
 * <p>Stop: {@link #close} lets the writer commit what is there, refuses what comes later, and joins the thread.
 */
final class GroupCommitter implements AutoCloseable {

    private static final Logger log = LoggerFactory.getLogger(GroupCommitter.class);

    /** Outcomes in hand at the most, and their size in KiB: two or three commits' worth at a million a second. */
    static final int OUTCOME_PERMITS = 16 * 1024;

    /** Requests that wait for a commit at the most; more than there are request threads by default. */
    private static final int REQUEST_SLOTS = 1024;

    /** Pause before outcomes that could not be written are tried again. */
    private static final long RETRY_MILLIS = 250;

    /** Asks the writer to look whether it shall stop. */
    private static final Object WAKE_UP = new Object();

    /** A request's own piece of the transaction. */
    interface Work<T> {
        T apply(WriteSession session) throws SQLException;
    }

    /** Opens the writing connection. */
    interface Sessions {
        WriteSession open() throws SQLException;
    }

    private final Sessions sessions;
    private final SqlDialect dialect;
    private final OutcomeWriter outcomeWriter;
    private final StoreListener listener;
    private final Semaphore outcomePermits = new Semaphore(OUTCOME_PERMITS, true);
    private final Semaphore requestSlots = new Semaphore(REQUEST_SLOTS);
    private final ArrayBlockingQueue<Object> queue = new ArrayBlockingQueue<>(OUTCOME_PERMITS + REQUEST_SLOTS + 16);
    private final Thread thread = new Thread(this::run, "conveyor-store-writer");

    // Mutable state
    /** Outcomes taken from the queue and not on the disk. Writer thread only. */
    private final List<OutcomeEntry> inHand = new ArrayList<>();
    /** Writer thread only; replaced after a connection broke. */
    private @Nullable WriteSession session;
    /** When outcomes in hand are tried again, by the nano clock. Writer thread only. */
    private long retryAt;
    /** Written by the closing thread, read by all. */
    private volatile boolean closing;
    /** The last commit's failure, or null when it succeeded. Written by the writer thread. */
    private volatile @Nullable StoreException trouble;

    GroupCommitter(Sessions sessions, SqlDialect dialect, OutcomeWriter outcomeWriter, StoreListener listener) {
        this.sessions = sessions;
        this.dialect = dialect;
        this.outcomeWriter = outcomeWriter;
        this.listener = listener;
    }

    void start() {
        thread.start();
    }

    /** Runs a piece of work in the next group and waits for its commit. */
    <T> T write(Work<T> work) {
        if (Thread.currentThread() == thread) {
            throw new IllegalStateException("The writer thread cannot wait for itself");
        }
        Request<T> request = new Request<>(work);
        requestSlots.acquireUninterruptibly();
        try {
            submit(request);
            return request.result.join();
        } catch (CompletionException e) {
            throw e.getCause() instanceof StoreException known
                    ? known
                    : new StoreException(StoreException.Reason.UNAVAILABLE, "The store failed", e);
        } finally {
            requestSlots.release();
        }
    }

    /** Takes an outcome; waits, uninterruptibly, while too many are in hand. */
    void record(OutcomeEntry outcome) {
        outcomePermits.acquireUninterruptibly(permits(outcome));
        submit(outcome);
    }

    int outcomesInHand() {
        return Math.min(inFlightEstimate(), OUTCOME_PERMITS);
    }

    @Nullable
    StoreException trouble() {
        return trouble;
    }

    @Override
    public void close() {
        closing = true;
        queue.add(WAKE_UP);
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void submit(Object item) {
        if (closing && !thread.isAlive()) {
            throw new StoreException(StoreException.Reason.UNAVAILABLE, "The store is closed");
        }
        queue.add(item);
        if (closing && !thread.isAlive()) {
            refuseLeftovers();
        }
    }

    private int inFlightEstimate() {
        return OUTCOME_PERMITS - outcomePermits.availablePermits();
    }

    private static int permits(OutcomeEntry outcome) {
        return Math.min(1 + outcome.tail().length / 1024, OUTCOME_PERMITS);
    }

    private void run() {
        List<Request<?>> requests = new ArrayList<>();
        List<Object> taken = new ArrayList<>();
        try {
            while (!closing || !queue.isEmpty() || !inHand.isEmpty()) {
                take(taken);
                sort(taken, requests);
                if (!requests.isEmpty() || (!inHand.isEmpty() && !waitingToRetry())) {
                    commitGroup(requests);
                    requests.clear();
                }
            }
        } finally {
            closeSession();
            if (!inHand.isEmpty()) {
                log.error("{} outcomes could not be written before the stop; their jobs run again", inHand.size());
            }
            refuseLeftovers();
        }
    }

    /** Waits for something to do, or until outcomes in hand are due again, and takes all there is. */
    private void take(List<Object> taken) {
        taken.clear();
        try {
            Object first = inHand.isEmpty()
                    ? queue.take()
                    : queue.poll(Math.max(1, retryAt - System.nanoTime()), TimeUnit.NANOSECONDS);
            if (first != null) {
                taken.add(first);
            }
        } catch (InterruptedException e) {
            log.warn("The store's writer was interrupted; it goes on, since only close() may end it");
        }
        queue.drainTo(taken);
    }

    private void sort(List<Object> taken, List<Request<?>> requests) {
        for (Object item : taken) {
            if (item instanceof OutcomeEntry outcome) {
                inHand.add(outcome);
            } else if (item instanceof Request<?> request) {
                requests.add(request);
            }
        }
    }

    private boolean waitingToRetry() {
        return trouble != null && !closing && System.nanoTime() - retryAt < 0;
    }

    /**
     * 1. Everything in one transaction. 2. When that fails: roll back, each request on its own, then the outcomes.
     * 3. Outcomes that fail on their own stay in hand.
     */
    private void commitGroup(List<Request<?>> requests) {
        boolean withOutcomes = !inHand.isEmpty() && !waitingToRetry();
        if (transact(requests, withOutcomes) == null) {
            return;
        }
        if (requests.size() + (withOutcomes ? 1 : 0) > 1) {
            for (Request<?> request : requests) {
                failIfBroken(request, transact(List.of(request), false));
            }
            if (withOutcomes) {
                transact(List.of(), true);
            }
        } else if (requests.size() == 1) {
            failIfBroken(requests.get(0), trouble);
        }
        if (trouble != null && !inHand.isEmpty()) {
            retryAt = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(RETRY_MILLIS);
            if (closing) {
                log.error("{} outcomes could not be written before the stop; their jobs run again", inHand.size());
                dropInHand();
            }
        }
    }

    private static void failIfBroken(Request<?> request, @Nullable StoreException failure) {
        if (failure != null) {
            request.result.completeExceptionally(failure);
        }
    }

    /** One transaction; null when it was committed, else what went wrong, with nothing of it left behind. */
    private @Nullable StoreException transact(List<Request<?>> requests, boolean withOutcomes) {
        long begin = System.nanoTime();
        OutcomeWriter.Written written = OutcomeWriter.Written.NOTHING;
        try {
            WriteSession open = session();
            for (Request<?> request : requests) {
                request.apply(open);
            }
            if (withOutcomes) {
                written = outcomeWriter.write(open, inHand);
            }
            open.connection().commit();
        } catch (SQLException | RuntimeException e) {
            written.undo();
            return broken(e);
        }
        trouble = null;
        int writes = requests.size() + (withOutcomes ? inHand.size() : 0);
        for (Request<?> request : requests) {
            request.complete();
        }
        if (withOutcomes) {
            dropInHand();
            written.tell(listener);
        }
        listener.committed(writes, System.nanoTime() - begin);
        return null;
    }

    private StoreException broken(Exception e) {
        StoreException failure = e instanceof SQLException sql
                ? dialect.translate(sql)
                : new StoreException(StoreException.Reason.UNAVAILABLE, "The store failed", e);
        if (trouble == null) {
            log.error("A commit failed and was rolled back; requests are refused and outcomes kept in hand", e);
        }
        trouble = failure;
        listener.commitFailed(failure);
        try {
            if (session != null) {
                session.connection().rollback();
            }
        } catch (SQLException rollback) {
            log.warn("The rollback failed as well; the connection is opened anew", rollback);
            closeSession();
        }
        return failure;
    }

    private void dropInHand() {
        int permits = 0;
        for (OutcomeEntry outcome : inHand) {
            permits += permits(outcome);
        }
        inHand.clear();
        outcomePermits.release(permits);
    }

    private WriteSession session() throws SQLException {
        WriteSession open = session;
        if (open == null) {
            open = sessions.open();
            session = open;
        }
        return open;
    }

    private void closeSession() {
        try {
            if (session != null) {
                session.close();
            }
        } catch (SQLException e) {
            log.warn("The writing connection did not close cleanly", e);
        }
        session = null;
    }

    private void refuseLeftovers() {
        for (Object item = queue.poll(); item != null; item = queue.poll()) {
            if (item instanceof Request<?> request) {
                request.result.completeExceptionally(
                        new StoreException(StoreException.Reason.UNAVAILABLE, "The store is closed"));
            }
        }
    }

    /** Work under way; its value is kept until the commit makes it true. */
    private static final class Request<T> {

        private final Work<T> work;
        private final CompletableFuture<T> result = new CompletableFuture<>();
        private @Nullable T value;

        Request(Work<T> work) {
            this.work = work;
        }

        void apply(WriteSession session) throws SQLException {
            value = work.apply(session);
        }

        @SuppressWarnings("NullAway") // value is what apply() brought, which ran before
        void complete() {
            result.complete(value);
        }
    }
}
