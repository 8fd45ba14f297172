package io.conveyor.belt;

import io.conveyor.job.Job;
import io.conveyor.job.SteadyClock;
import io.conveyor.limit.Permit;
import io.conveyor.pool.WorkerPool;
import io.conveyor.store.BatchRef;
import io.conveyor.store.BatchStore;
import io.conveyor.store.OpenSegment;
import io.conveyor.store.SegmentCursor;
import io.conveyor.store.StoreException;
import io.conveyor.store.WaitingAttempt;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Hands jobs to the pool again whose attempt has failed, when the time of the next one has come, and ends those that wait for it
 * in a batch that is over. What waits is in the store, whatever its number; in memory is which batch is due when, up to a bound
 * ({@link DueBatches}). Thread-safe.
 *
 * <p><b>Threads and state.</b> The thread {@code conveyor-retries} takes the batch that is due first, takes up to
 * {@value #TURN} jobs of it in hand, and gives them to the pool, where it stands among those who wait for room as any
 * feeder does: one job, one place. Then it is the next batch's turn, so neither many attempts of one batch nor attempts as
 * such hold up others. Before that it asks for each job whether its target may be called ({@link Targets}); what may not is put off
 * in the store. The thread {@code conveyor-retries-end} ends what waits in batches that are over, and never waits for room.
 *
 * <p>Neither owns the batch ({@link ActiveBatch}): while they are at it they count as a job on the way, so that it is not
 * forgotten meanwhile. Feeders leave alone what was tried, and these two what was not, so they never meet at a job.
 */
final class Retries {

    private static final Logger log = LoggerFactory.getLogger(Retries.class);

    /** Jobs of one batch in one turn: some waits for room, and a commit that costs little beside them. */
    private static final int TURN = 64;

    /** Bytes of jobs in one turn, of one job at the least: they wait in memory for room. A round figure. */
    private static final long TURN_BYTES = 4L * 1024 * 1024;

    /** The same where a limit holds: what finds no place in it stays in memory until it does. */
    private static final int LIMITED_TURN = 8;

    /** When a batch is looked at again of which jobs wait for a limit, in milliseconds. */
    private static final long LIMITED_MILLIS = 100;

    /** Jobs that are ended at once, before others have their turn. */
    private static final int ENDED_AT_ONCE = 4096;

    /** Batches that wait to be taken up and ended, at the most; a round figure. */
    private static final int MOST_FETCHED = 4096;

    /** Pause after the store failed, in milliseconds. */
    private static final long PAUSE_MILLIS = 500;

    /** Longest wait for the end of a step at the stop, which takes a fraction of a second. */
    private static final long END_SECONDS = 10;

    /** For a job that has its outcome already: its row goes with its batch. */
    private static final long NEVER = Long.MAX_VALUE;

    /** As good as for ever: the end of the wait is room, a cancel, a pause, or the stop. */
    private static final Duration NO_LIMIT = Duration.ofDays(1000);

    /** What is in memory, as far as it concerns those who come again. */
    interface Active {

        /**
         * The batch, taken up from the store if need be, which counts as having a job on the way until {@link #leave}.
         *
         * @return null if it has ended, is paused in the store, or is gone: whoever brings it back tells of it again
         */
        @Nullable
        ActiveBatch enter(long batchNo);

        void leave(ActiveBatch batch);
    }

    private final BatchStore store;
    private final WorkerPool pool;
    private final JobRunner runner;
    private final Targets targets;
    private final Admission admission;
    private final SteadyClock clock;
    private final Active active;
    private final DueBatches due;
    private final StoreTrouble trouble = new StoreTrouble();
    private final Thread thread = new Thread(this::run, "conveyor-retries");
    private final ThreadPoolExecutor ending = new ThreadPoolExecutor(
            1, 1, 0, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), work -> new Thread(work, "conveyor-retries-end"));

    /** @param capacity batches that are held in memory at the most */
    Retries(Belt.Parts parts, Admission admission, Active active, int capacity) {
        this.store = parts.store();
        this.pool = parts.pool();
        this.runner = parts.runner();
        this.targets = parts.retries().targets();
        this.admission = admission;
        this.clock = parts.retries().clock();
        this.active = active;
        this.due = new DueBatches(store::dueBatches, clock, capacity);
    }

    void start() {
        thread.start();
    }

    /** Lets nothing more come; call it before the pool is closed. */
    void close() {
        due.close();
        ending.shutdown();
    }

    /** Waits for both to end; call it after the pool is closed. */
    void join() {
        try {
            thread.join();
            if (!ending.awaitTermination(END_SECONDS, TimeUnit.SECONDS)) {
                log.warn("What waits in batches that are over could not be ended in time; it is at the next start");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** A job of the batch is due then. */
    void add(long batchNo, long dueAt) {
        due.add(batchNo, dueAt);
    }

    /** Jobs of the batch may be due, or not. */
    void look(ActiveBatch batch) {
        due.add(batch.ref().batchNo(), clock.millis());
    }

    /** Looks at the clock. */
    void look() {
        due.look();
    }

    /** Batches that are held in memory because jobs of them wait. */
    int batchesInMemory() {
        return due.size();
    }

    private void run() {
        try {
            Long batchNo = next();
            while (batchNo != null) {
                turn(batchNo);
                batchNo = next();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (RejectedExecutionException e) {
            log.debug("The pool is closed: jobs in hand stay the store's", e);
        }
    }

    private @Nullable Long next() throws InterruptedException {
        while (true) {
            try {
                return due.take();
            } catch (StoreException e) {
                trouble.met("look for jobs that are to be tried again", e);
                Thread.sleep(PAUSE_MILLIS);
            }
        }
    }

    private void turn(long batchNo) throws InterruptedException {
        try {
            ActiveBatch batch = active.enter(batchNo);
            if (batch != null) {
                try {
                    turn(batch);
                } finally {
                    active.leave(batch);
                }
            }
        } catch (RejectedExecutionException e) {
            throw e; // the pool is closed, and with it this
        } catch (RuntimeException e) {
            trouble.met("try jobs of the batch number " + batchNo + " again", e);
            due.add(batchNo, clock.millis() + PAUSE_MILLIS);
        }
    }

    private void turn(ActiveBatch batch) throws InterruptedException {
        if (batch.isArriving()) {
            handAgain(batch);
        }
        if (batch.isCancelled()) {
            end(batch);
        } else if (batch.hasTakenBack() && !batch.isPaused()) {
            lookAgain(batch); // else all that is due would come to memory
        } else if (!batch.isPaused()) {
            for (JobTask task : takeInHand(batch)) {
                hand(batch, task);
            }
        }
    }

    /** What found no place in a limit is its feeder's, but who reads an upload may wait for its client, and feed nothing. */
    private void handAgain(ActiveBatch batch) throws InterruptedException {
        JobTask task = batch.pollTakenBack();
        while (task != null && batch.isCancelled()) {
            batch.handOver();
            runner.passOver(task);
            task = batch.pollTakenBack();
        }
        if (task != null) {
            hand(batch, task);
        }
    }

    private void lookAgain(ActiveBatch batch) {
        due.add(batch.ref().batchNo(), clock.millis() + LIMITED_MILLIS);
    }

    /**
     * 1. Look what is due. 2. Read its jobs, as many as there is room for; which may fail and then has changed nothing. 3. Ask
     * for their targets. 4. Take them in hand and put off the others, in one commit. 5. Come again for the rest.
     */
    private List<JobTask> takeInHand(ActiveBatch batch) {
        BatchRef ref = batch.ref();
        List<WaitingAttempt> waiting =
                byIndex(store.dueAttempts(ref, clock.millis(), admission.mayHold(batch) ? LIMITED_TURN : TURN));
        if (waiting.isEmpty()) {
            store.nextAttempt(ref).ifPresent(dueAt -> due.add(ref.batchNo(), dueAt));
            return List.of();
        }
        List<JobTask> tasks = new ArrayList<>();
        int read = read(batch, waiting, TURN_BYTES, job -> job, tasks);
        Map<Integer, Long> putOff = new HashMap<>();
        waiting.subList(0, read).forEach(each -> putOff.put(each.index(), NEVER));
        List<JobTask> now = new ArrayList<>();
        for (JobTask task : tasks) {
            WaitingAttempt before = task.before();
            long at = targets.ask(before == null ? null : before.target());
            if (at == Targets.NOW) {
                putOff.remove(task.job().index());
                now.add(task);
            } else {
                putOff.put(task.job().index(), at);
            }
        }
        Set<Integer> taken = store.takeAttempts(ref, indexes(now), putOff);
        store.nextAttempt(ref).ifPresent(dueAt -> due.add(ref.batchNo(), Math.max(dueAt, clock.millis())));
        return now.stream().filter(task -> taken.contains(task.job().index())).toList();
    }

    private static List<WaitingAttempt> byIndex(List<WaitingAttempt> waiting) {
        return waiting.stream()
                .sorted(Comparator.comparingInt(WaitingAttempt::index))
                .toList();
    }

    /**
     * Reads the jobs of those that have no outcome yet again.
     *
     * @param waiting by index
     * @param most bytes of jobs at the most, or one job
     * @param kept what is kept of a job
     * @param tasks takes them
     * @return how many were looked at, whether they have an outcome or not
     */
    private int read(
            ActiveBatch batch,
            List<WaitingAttempt> waiting,
            long most,
            UnaryOperator<Job> kept,
            List<? super JobTask> tasks) {
        OpenSegment open = null;
        SegmentCursor cursor = null;
        long bytes = 0;
        int looked = 0;
        while (looked < waiting.size() && bytes < most) {
            WaitingAttempt each = waiting.get(looked);
            if (open == null || cursor == null || each.index() >= end(open)) {
                open = store.openSegment(batch.ref(), each.index());
                cursor = open == null ? null : new SegmentCursor(open.segment());
            }
            if (open == null || cursor == null) {
                return waiting.size();
            }
            if (each.index() >= cursor.nextIndex() && !isRecorded(open, each.index())) {
                Job job = kept.apply(job(cursor, each.index()));
                bytes += job.bytes();
                tasks.add(new JobTask(runner, batch, open.ref(), job, each));
            }
            looked++;
        }
        return looked;
    }

    private static List<Integer> indexes(List<JobTask> tasks) {
        return tasks.stream().map(task -> task.job().index()).toList();
    }

    private static int end(OpenSegment open) {
        return open.segment().endIndex();
    }

    private static boolean isRecorded(OpenSegment open, int index) {
        return open.recorded().get(index - open.segment().firstIndex());
    }

    private static Job job(SegmentCursor cursor, int index) {
        while (cursor.nextIndex() < index) {
            cursor.skip();
        }
        return cursor.next();
    }

    /**
     * Waits for room; who cancels or pauses the batch meanwhile sends it away. What has no place in a limit is left to the
     * feeders, who wait for one.
     */
    private void hand(ActiveBatch batch, JobTask task) throws InterruptedException {
        batch.handOver();
        Permit permit = admission.admit(batch, task.job());
        boolean handed = false;
        try {
            handed = permit != null && pool.enqueue(task.with(permit), NO_LIMIT);
        } catch (RejectedExecutionException e) {
            batch.takeBack();
            throw e;
        } finally {
            if (!handed && permit != null) {
                permit.release();
            }
        }
        if (handed && batch.isCancelled()) {
            // It may have come into the queue after the stop had looked there.
            runner.takeBack(batch).forEach(runner::passOver);
        } else if (batch.isCancelled()) {
            runner.passOver(task);
        } else if (!handed) {
            batch.keep(task);
            if (batch.isArriving()) {
                lookAgain(batch);
            }
        }
    }

    /** Gives what waits in a batch that is over its outcome; what is in hand gets it where it is. */
    void end(ActiveBatch batch) {
        end(batch.ref().batchNo(), -1);
    }

    /**
     * The same for a batch that is over and only in the store, from where it is taken up; unless very many are, which are
     * found there in their turn.
     */
    void endInStore(BatchRef ref) {
        if (ending.getQueue().size() < MOST_FETCHED) {
            end(ref.batchNo(), -1);
        }
    }

    private void end(long batchNo, int after) {
        try {
            ending.execute(() -> endSome(batchNo, after));
        } catch (RejectedExecutionException e) {
            log.debug("The service stops: what waits in the batch number {} is ended at the next start", batchNo, e);
        }
    }

    private void endSome(long batchNo, int after) {
        try {
            ActiveBatch batch = active.enter(batchNo);
            if (batch == null) {
                return;
            }
            try {
                List<WaitingAttempt> waiting = store.waitingAttempts(batch.ref(), after, ENDED_AT_ONCE);
                List<JobTask> tasks = new ArrayList<>();
                read(batch, waiting, Long.MAX_VALUE, Job::withoutInput, tasks);
                Set<Integer> taken = store.takeAttempts(batch.ref(), indexes(tasks), Map.of());
                for (JobTask task : tasks) {
                    if (taken.contains(task.job().index())) {
                        batch.handOver();
                        runner.passOver(task);
                    }
                }
                if (waiting.size() == ENDED_AT_ONCE) {
                    end(batchNo, waiting.get(ENDED_AT_ONCE - 1).index());
                }
            } finally {
                active.leave(batch);
            }
        } catch (RuntimeException e) {
            trouble.met("end what waits in the batch number " + batchNo, e);
            due.add(batchNo, clock.millis() + PAUSE_MILLIS);
        }
    }
}
