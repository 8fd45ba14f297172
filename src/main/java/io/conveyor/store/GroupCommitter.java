package io.conveyor.store;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The one writer: takes whatever is waiting, requests and outcomes alike, and commits it in one transaction. A commit
 * costs one flush of the disk however much travels in it, so the group grows by itself when the disk is slow and a lone
 * request never waits for company. Thread-safe.
 *
 * <p><b>Threads and state.</b> Any thread submits; the thread {@code conveyor-store-writer} alone touches the
 * connection and what is marked so below. What waits is bounded: requests by {@link #requestSlots}, outcomes in number
 * and in KiB by {@link #outcomePermits}, which are given back only when an outcome is on the disk; so the queue, with
 * room for both, is never full, and {@code add} never fails. No lock is held during a commit or a call back.
 *
 * <p>A group that fails is rolled back and taken apart: each request again in a transaction of its own, so that only
 * the guilty one fails; then all outcomes together, and if the fault lies in them, batch by batch. A request that fails
 * is told so and forgotten. Outcomes are not given up while the process lives: when the store cannot take them they
 * stay in hand and are tried again every {@link #RETRY_MILLIS}, and those who bring more wait for permits, up to the
 * crew of workers: the belt stands still, and nothing is lost. With nothing in hand the writer tries by itself whether the store can
 * write again: nobody need send it anything for that. Only what the database refuses for its content, which
 * no trial will change, is let go as late.
 *
 * <p>An attempt that is not a job's last is treated as an outcome is: taken once, never given up, under the same bounds.
 *
 * <p>A failure of the disk itself is final ({@link Failure.Blame#DISK}): after a failed flush a later one may succeed
 * without the data, so nothing is written any more until the next start, which reads what the disk really has.
 *
 * <p>Stop: {@link #close} refuses what comes from then on, lets the writer commit what is there, and joins the thread.
 * The order that makes the end safe: the writer sets {@link #ended} and then empties the queue; who submits adds to the
 * queue and then looks at {@code ended}. One of the two finds every item.
 */
final class GroupCommitter implements AutoCloseable {

    private static final Logger log = LoggerFactory.getLogger(GroupCommitter.class);

    /** Outcomes in hand at the most, and their size in KiB: two or three commits' worth at a million a second. */
    static final int OUTCOME_PERMITS = 16 * 1024;

    /** Requests that wait for a commit at the most; more than there are request threads by default. */
    private static final int REQUEST_SLOTS = 1024;

    /** Pause before outcomes that could not be written are tried again, and the disk without any. */
    private static final long RETRY_MILLIS = 250;

    /** Asks the writer to look whether it shall stop. */
    private static final Object WAKE_UP = new Object();

    /** A request's own piece of the transaction. Is run again when its group is taken apart. */
    interface Work<T> {
        T apply(WriteSession session) throws java.sql.SQLException;
    }

    /** Hears of commits and failures, on the writer thread. Must not throw. */
    interface Observer {

        /** Everything that has a part in this is on the disk. */
        void committed(OutcomeWriter.Written outcomes, int writes, long nanos);

        /** The store could not write; tried again, unless {@code forGood}. */
        void failed(StoreException failure, boolean forGood);

        /** The content of these outcomes and attempts of a batch cannot be stored; they are given up. */
        void refused(BatchRef batch, List<JobEntry> entries);
    }

    private final WriterConnection connection;
    private final OutcomeWriter outcomeWriter;
    private final Observer observer;
    private final Semaphore outcomePermits = new Semaphore(OUTCOME_PERMITS, true);
    private final Semaphore requestSlots = new Semaphore(REQUEST_SLOTS);
    private final ArrayBlockingQueue<Object> queue = new ArrayBlockingQueue<>(OUTCOME_PERMITS + REQUEST_SLOTS + 1);
    private final Thread thread = new Thread(this::run, "conveyor-store-writer");
    /** Outcomes ever taken in, and those of them that left again: the difference is in hand. */
    private final LongAdder outcomesTaken = new LongAdder();

    private final AtomicLong outcomesSettled = new AtomicLong();

    // Mutable state
    /** Outcomes and attempts taken from the queue and not on the disk. Writer thread only. */
    private final List<JobEntry> inHand = new ArrayList<>();
    /** Requests of the group under way. Writer thread only. */
    private final List<Request<?>> requests = new ArrayList<>();
    /** What was just taken from the queue. Writer thread only. */
    private final List<Object> arrived = new ArrayList<>();
    /** When outcomes in hand, or the disk, are tried again, by the nano clock. Writer thread only. */
    private long retryAt = System.nanoTime();
    /** Written by the closing thread, read by all. */
    private volatile boolean closing;
    /** Nobody takes from the queue any more. Written by the writer thread, read by all. */
    private volatile boolean ended;
    /** Why the store did not take the last commit, or null when it did. Written by the writer thread, read by all. */
    private volatile @Nullable StoreException trouble;
    /** Whether the trouble lasts until the next start. Written by the writer thread, after trouble; read by all. */
    private volatile boolean broken;

    GroupCommitter(WriterConnection connection, OutcomeWriter outcomeWriter, Observer observer) {
        this.connection = connection;
        this.outcomeWriter = outcomeWriter;
        this.observer = observer;
    }

    void start() {
        thread.start();
    }

    /** Runs a piece of work in the next group and waits for its commit. */
    <T> T write(Work<T> work) {
        return write(work, value -> {});
    }

    /** As above; {@code committed} hears the value on the writer thread after the commit, before anybody else does. */
    <T> T write(Work<T> work, Consumer<? super T> committed) {
        return begin(work, committed).await();
    }

    /** Hands a piece of work over to the next group, waiting only while too many others do. */
    <T> Request<T> begin(Work<T> work, Consumer<? super T> committed) {
        if (Thread.currentThread() == thread) {
            throw new IllegalStateException("The writer thread cannot wait for itself");
        }
        Request<T> request = new Request<>(work, committed, requestSlots::release);
        requestSlots.acquireUninterruptibly();
        try {
            submit(request);
        } catch (StoreException e) {
            request.fail(e);
        }
        return request;
    }

    /** Takes an outcome, or an attempt that is not the last; waits, uninterruptibly, while too many are in hand. */
    void record(JobEntry entry) {
        int permits = permits(entry);
        outcomePermits.acquireUninterruptibly(permits);
        outcomesTaken.increment();
        try {
            submit(entry);
        } catch (StoreException e) {
            settled(1, permits);
            throw e;
        }
    }

    int outcomesInHand() {
        long settled = outcomesSettled.get(); // first: what is settled was taken before
        return (int) Math.max(0, outcomesTaken.sum() - settled);
    }

    @Nullable
    StoreException trouble() {
        return trouble;
    }

    /** A second call waits for the same end; a call before the start only refuses what would come. */
    @Override
    public void close() {
        closing = true;
        boolean woken = queue.offer(WAKE_UP); // a full queue wakes the writer as well
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
        log.debug("The store's writer has ended (woken: {})", woken);
    }

    private void submit(Object item) {
        if (closing || ended) {
            throw closed();
        }
        queue.add(item);
        if (ended) {
            refuseLeftovers();
        }
    }

    private static StoreException closed() {
        return new StoreException(StoreException.Reason.UNAVAILABLE, "The store is closed");
    }

    private static int permits(JobEntry entry) {
        return Math.min(1 + entry.bytes() / 1024, OUTCOME_PERMITS);
    }

    private void run() {
        try {
            boolean done = false;
            while (!done) {
                take();
                if (isFull() && isDue()) {
                    foldLog();
                }
                boolean withOutcomes = !inHand.isEmpty() && isDue();
                if (withOutcomes || !requests.isEmpty()) {
                    commitGroup(withOutcomes);
                    requests.clear();
                    keepLogShort();
                } else if (!closing && trouble != null && isDue()) {
                    tryTheDisk();
                } else {
                    done = closing && queue.isEmpty();
                }
            }
        } catch (Throwable e) {
            log.error("The store's writer died; nothing is written until the next start", e);
            fail(new StoreException(StoreException.Reason.UNAVAILABLE, "The store's writer died", e), true);
        } finally {
            end();
        }
    }

    private void end() {
        ended = true;
        connection.close();
        requests.forEach(request -> request.fail(
                new StoreException(StoreException.Reason.UNKNOWN, "The store's writer died during a commit")));
        if (!inHand.isEmpty()) {
            log.error("{} outcomes could not be written before the stop; their jobs run again", inHand.size());
            drop(inHand);
        }
        refuseLeftovers();
    }

    /** Waits for something to do, or until outcomes in hand are due again, and takes all there is. */
    private void take() {
        arrived.clear();
        try {
            Object first = next();
            if (first != null) {
                arrived.add(first);
            }
        } catch (InterruptedException e) {
            log.warn("The store's writer was interrupted; it goes on, since only close() may end it");
        }
        queue.drainTo(arrived);
        for (Object item : arrived) {
            if (item instanceof JobEntry entry) {
                inHand.add(entry);
            } else if (item instanceof Request<?> request) {
                requests.add(request);
            }
        }
    }

    private @Nullable Object next() throws InterruptedException {
        if (closing) {
            return queue.poll(); // the wake-up may have come, and gone, with what was taken before
        }
        return broken || (inHand.isEmpty() && trouble == null)
                ? queue.take()
                : queue.poll(retryAt - System.nanoTime(), TimeUnit.NANOSECONDS);
    }

    /** Whether what failed, if anything did, is to be tried again now. */
    private boolean isDue() {
        return !broken && (closing || System.nanoTime() - retryAt >= 0);
    }

    private boolean isFull() {
        StoreException lasting = trouble;
        return lasting != null && lasting.reason() == StoreException.Reason.FULL;
    }

    /** Folds the log into the database as far as nobody reads it. Writer thread only: for what hears of a commit. */
    void foldLog() {
        failIfBroken(connection.makeRoom());
    }

    /** After a commit, when those who waited for it have been told. */
    private void keepLogShort() {
        if (trouble == null) {
            failIfBroken(connection.keepLogShort());
        }
    }

    private void failIfBroken(@Nullable Failure failure) {
        if (failure != null && failure.blame() == Failure.Blame.DISK) {
            fail(failure.exception(), true);
        }
    }

    /** Without it a store that nobody writes to would stay in trouble for ever, and those who ask first would stay away. */
    private void tryTheDisk() {
        transact(
                List.of(new Request<>(
                        session -> {
                            session.tryTheDisk();
                            return true;
                        },
                        done -> {},
                        () -> {})),
                List.of());
    }

    /**
     * 1. Everything in one transaction. 2. When that fails: each request on its own, then the outcomes. 3. Outcomes that
     * the store cannot take stay in hand, unless it is about to stop.
     */
    private void commitGroup(boolean withOutcomes) {
        Failure failure = transact(requests, withOutcomes ? inHand : List.of());
        if (failure == null) {
            return;
        }
        boolean alone = requests.size() == 1 && !withOutcomes;
        for (Request<?> request : requests) {
            // After a failure of the disk none is tried again, and what became of them all is what became of the group.
            Failure own = alone || broken ? failure : transact(List.of(request), List.of());
            if (own != null) {
                request.fail(own.exception());
            }
        }
        if (withOutcomes) {
            writeOutcomes(List.copyOf(inHand));
            if (closing && !inHand.isEmpty()) {
                log.error("{} outcomes could not be written before the stop; their jobs run again", inHand.size());
                drop(inHand);
            }
        }
    }

    /** Writes outcomes without company; those of a batch that the database refuses for their content are given up. */
    private void writeOutcomes(List<JobEntry> outcomes) {
        Failure failure = transact(List.of(), outcomes);
        if (failure != null && failure.blame() == Failure.Blame.CONTENT) {
            Collection<List<JobEntry>> batches = byBatch(outcomes);
            if (batches.size() > 1) {
                batches.forEach(this::writeOutcomes);
            } else {
                BatchRef batch = outcomes.get(0).segment().batch();
                log.error("{} outcomes of the batch {} cannot be stored", outcomes.size(), batch, failure.exception());
                drop(outcomes);
                observer.refused(batch, outcomes);
            }
        }
    }

    private static Collection<List<JobEntry>> byBatch(List<JobEntry> outcomes) {
        Map<Long, List<JobEntry>> batches = new LinkedHashMap<>();
        for (JobEntry entry : outcomes) {
            batches.computeIfAbsent(entry.segment().batch().batchNo(), no -> new ArrayList<>())
                    .add(entry);
        }
        return batches.values();
    }

    /**
     * One transaction; null when it was committed, which takes its outcomes out of the hand, else what went wrong, with
     * nothing of it left behind.
     */
    private @Nullable Failure transact(List<Request<?>> requests, List<JobEntry> outcomes) {
        StoreException lasting = trouble;
        if (broken && lasting != null) {
            return new Failure(lasting, Failure.Blame.DISK);
        }
        long begin = System.nanoTime();
        OutcomeWriter.Written written = new OutcomeWriter.Written();
        Failure failure = connection.transact(session -> {
            for (Request<?> request : requests) {
                request.apply(session);
            }
            outcomeWriter.write(session, outcomes, written);
            written.finish(session);
        });
        if (failure != null) {
            written.undo();
            if (failure.blame() != Failure.Blame.CONTENT) {
                fail(failure.exception(), failure.blame() == Failure.Blame.DISK);
            }
            return failure;
        }
        if (written.changes() && trouble != null) {
            log.warn("The store writes again");
            trouble = null;
        }
        retryAt = System.nanoTime();
        int writes = requests.size() + outcomes.size();
        drop(outcomes); // first, so that whoever hears of the commit finds them gone
        observer.committed(written, writes, retryAt - begin);
        requests.forEach(Request::complete);
        return null;
    }

    private void fail(StoreException failure, boolean forGood) {
        if (forGood) {
            log.error(
                    "The store is broken: nothing is accepted or recorded until the service is started again", failure);
        } else if (trouble == null && failure.reason() == StoreException.Reason.FULL) {
            log.error(
                    "{}: new batches are refused, outcomes are kept and written as soon as there is room",
                    failure.getMessage());
        } else if (trouble == null) {
            log.error("The store cannot write: requests are refused, outcomes are kept and tried again", failure);
        }
        retryAt = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(RETRY_MILLIS);
        trouble = forGood
                ? new StoreException(StoreException.Reason.UNAVAILABLE, "The store is broken", failure)
                : failure;
        broken = forGood;
        observer.failed(failure, forGood);
    }

    /** Takes outcomes out of the hand; may be given the hand itself. */
    private void drop(List<JobEntry> outcomes) {
        int count = outcomes.size();
        int permits = 0;
        for (JobEntry entry : outcomes) {
            permits += permits(entry);
        }
        if (count == inHand.size()) {
            inHand.clear();
        } else if (count > 0) {
            Set<JobEntry> dropped = Collections.newSetFromMap(new IdentityHashMap<>());
            dropped.addAll(outcomes);
            inHand.removeIf(dropped::contains);
        }
        settled(count, permits);
    }

    private void settled(int outcomes, int permits) {
        outcomesSettled.addAndGet(outcomes);
        outcomePermits.release(permits);
    }

    private void refuseLeftovers() {
        for (Object item = queue.poll(); item != null; item = queue.poll()) {
            if (item instanceof Request<?> request) {
                request.fail(closed());
            } else if (item instanceof JobEntry entry) {
                settled(1, permits(entry));
            }
        }
    }
}
