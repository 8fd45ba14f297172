package io.conveyor.belt;

import io.conveyor.job.Job;
import io.conveyor.pool.PoolTask;
import io.conveyor.pool.WorkerPool;
import io.conveyor.store.BatchRef;
import io.conveyor.store.BatchStore;
import io.conveyor.store.OpenSegment;
import io.conveyor.store.RunningLog;
import io.conveyor.store.SegmentCursor;
import io.conveyor.store.StoreException;
import io.conveyor.store.Suspect;
import io.conveyor.store.WaitingAttempt;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds the jobs that end the process they run in, and gives them up after {@link Suspect#MOST_CRASHES} crashes as failed with the
 * problem {@code job-abandoned}, however many attempts they may have; no other job is given up with them. Thread-safe.
 *
 * <p><b>What is known.</b> Which jobs were in their handlers when the process died ({@link io.conveyor.store.RunningLog}).
 * A stop in good order leaves none. Nobody can tell a job that ended the process from an operator's {@code kill -9}.
 *
 * <p><b>The rule</b> ({@link Suspect#after}). A crash counts for each job that ran; but the third only for a job that ran alone.
 * The end of a run, whichever it is, clears a job. A job with two crashes is run before anything else at the next start,
 * with nothing beside it: if the process ends then, it has its third, and is never run again.
 *
 * <p><b>How long the others wait.</b> At first {@code conveyor.job.alone}, however many such jobs there are; then they begin beside the one that
 * still runs, and those that had no turn run as any other. If the process ends again while the look was too short, the next one lasts twice as
 * long: it has as long as the process was seen to live, and no job is so long that it is never looked at to its end.
 * The time in which the store does not work, as on a full disk, is not of it.
 *
 * <p><b>Why no innocent is given up.</b> The third crash needs that nothing else ran. So if jobs are all that ends the process, it
 * was this one. With kills from outside, a job is given up only if three of them found it in its handler without it ever coming to
 * an end in between, and the last of them found nothing else running: any other number of kills does it no harm.
 *
 * <p><b>Why crashes come to an end.</b> Each crash by a job counts for that job, unless it has two already: then it runs alone, and the crash is its
 * third. So K such jobs end the process at most 3 K times, however they are spread, and once more for each look that was too short, each twice
 * as long as the one before (one of a paused batch, which does not run at the start, may do so once more for each time it is resumed).
 *
 * <p><b>Threads and state.</b> With suspects to be run alone, the thread {@code conveyor-quarantine} hands them to the pool one at
 * a time, which has no other work: feeders and retries begin afterwards, and who feeds a new batch waits ({@link #awaitEnd}). One kill
 * costs nothing of that. Places in limits are not asked for: nothing else runs. A job that was handed over here is {@linkplain ActiveBatch#setApart
 * apart} from then on, so that no feeder runs it a second time while it runs, or while its outcome is on its way.
 */
final class Quarantine {

    private static final Logger log = LoggerFactory.getLogger(Quarantine.class);

    /** As good as for ever: the pool is empty, or closed. */
    private static final Duration NO_LIMIT = Duration.ofDays(1000);

    /** Pause after the store failed, in milliseconds. */
    private static final long PAUSE_MILLIS = 500;

    private final BatchStore store;
    private final WorkerPool pool;
    private final JobRunner runner;
    private final ActiveBatches batches;
    private final RunningLog running;
    private final Duration atFirst;
    private final Runnable others;
    private final StoreTrouble trouble = new StoreTrouble();
    private final CountDownLatch over = new CountDownLatch(1);

    // Mutable state
    /** Written by start, read by stop. */
    private volatile @Nullable Thread thread;

    /** Nanoseconds for which the others still wait; the time in which the store fails is not of it. The thread's own. */
    private long left;

    /** @param others begins with all other work, once, unless the service stops before that; called again if the store fails */
    Quarantine(Belt.Parts parts, ActiveBatches batches, Runnable others) {
        this.store = parts.store();
        this.pool = parts.pool();
        this.runner = parts.runner();
        this.running = parts.running().log();
        this.atFirst = parts.alone();
        this.batches = batches;
        this.others = others;
    }

    /** Begins; with nobody to look at, the others begin before this returns. */
    void start(List<Suspect> suspects) {
        List<Suspect> guilty = suspects.stream().filter(Suspect::isGuilty).toList();
        List<Suspect> alone = suspects.stream().filter(Suspect::runsAlone).toList();
        if (guilty.isEmpty() && alone.isEmpty()) {
            end();
            return;
        }
        Duration longest = longest();
        log.warn(
                "The service has ended abruptly while these ran; they are looked at before anything else, for {} at the most: {}",
                longest,
                Stream.concat(guilty.stream(), alone.stream()).toList());
        Thread started = new Thread(() -> run(guilty, alone, longest), "conveyor-quarantine");
        thread = started;
        started.start();
    }

    /** Twice as long as the look that was too short, if that was the last. */
    private Duration longest() {
        Duration twice = running.formerLook().multipliedBy(2);
        return twice.compareTo(atFirst) > 0 ? twice : atFirst;
    }

    private void run(List<Suspect> guilty, List<Suspect> alone, Duration longest) {
        left = longest.toNanos();
        try {
            for (Suspect suspect : guilty) {
                lookAt(suspect);
            }
            for (Suspect suspect : alone) {
                if (!lookAt(suspect)) {
                    log.warn("{} still runs after {}; the others begin, and it goes on beside them", suspect, longest);
                    running.lookedInVain(longest);
                    break;
                }
            }
            asSoonAsTheStoreWorks("let other jobs begin", reason -> true, () -> {
                end();
                return true;
            });
        } catch (InterruptedException | RejectedExecutionException e) {
            log.debug("The service stops; what was not looked at is at the next start", e);
        }
    }

    /**
     * The disk may be full, or fail for a moment: nobody else would have the others begin later, and what has to run alone does
     * not run beside others for that. If it failed for good, the service stops.
     */
    private <T extends @Nullable Object> T asSoonAsTheStoreWorks(
            String what, Predicate<StoreException.Reason> again, Supplier<T> step) throws InterruptedException {
        while (true) {
            try {
                return step.get();
            } catch (StoreException e) {
                if (!again.test(e.reason())) {
                    throw e;
                }
                trouble.met(what, e);
                Thread.sleep(PAUSE_MILLIS);
            }
        }
    }

    /** What is damaged is damaged the next time too; then the suspect runs as any other. */
    private <T extends @Nullable Object> T found(Suspect suspect, Supplier<T> step) throws InterruptedException {
        return asSoonAsTheStoreWorks("look at " + suspect, reason -> reason != StoreException.Reason.DAMAGED, step);
    }

    /** If the service stops meanwhile, the others find that out by themselves. */
    private void end() {
        others.run();
        over.countDown();
    }

    /** False if it still runs when the time is up. */
    private boolean lookAt(Suspect suspect) throws InterruptedException {
        try {
            ActiveBatch batch =
                    found(suspect, () -> batches.enter(suspect.batch().batchNo()));
            if (batch != null) {
                try {
                    return lookAt(batch, suspect);
                } finally {
                    batches.leave(batch);
                }
            }
        } catch (RejectedExecutionException e) {
            throw e; // the pool is closed
        } catch (RuntimeException e) {
            log.error("{} could not be looked at; it runs as any other", suspect, e);
        }
        return true;
    }

    private boolean lookAt(ActiveBatch batch, Suspect suspect) throws InterruptedException {
        JobTask task = found(suspect, () -> task(batch, suspect.index()));
        if (task == null) {
            return true;
        }
        batch.handOver();
        if (suspect.isGuilty()) {
            log.error("{} is given up: the service ended abruptly {} times while it ran", task, suspect.crashes());
            runner.abandon(task, suspect.crashes());
            batch.setApart(suspect.index());
            return true;
        }
        Alone alone = new Alone(task, new CountDownLatch(1));
        boolean handed = false;
        try {
            handed = pool.enqueue(alone, NO_LIMIT);
        } finally {
            if (!handed) {
                batch.takeBack();
            }
        }
        batch.setApart(suspect.index());
        long begin = System.nanoTime();
        boolean done = alone.done().await(left, TimeUnit.NANOSECONDS);
        left -= System.nanoTime() - begin;
        return done;
    }

    /** The job as it stands in the store, or null if it has its outcome. */
    private @Nullable JobTask task(ActiveBatch batch, int index) {
        BatchRef ref = batch.ref();
        OpenSegment open = store.openSegment(ref, index);
        if (open == null || index < open.segment().firstIndex()) {
            return null;
        }
        int place = index - open.segment().firstIndex();
        if (open.recorded().get(place)) {
            return null;
        }
        SegmentCursor cursor = new SegmentCursor(open.segment());
        while (cursor.nextIndex() < index) {
            cursor.skip();
        }
        Job job = cursor.next();
        return new JobTask(runner, batch, open.ref(), job, open.tried().get(place) ? taken(ref, index) : null);
    }

    private @Nullable WaitingAttempt taken(BatchRef ref, int index) {
        for (WaitingAttempt waiting : store.waitingAttempts(ref, index - 1, 1)) {
            if (waiting.index() == index) {
                store.takeAttempts(ref, List.of(index), Map.of());
                return waiting;
            }
        }
        return null;
    }

    /**
     * Waits, so long at the most, until nothing has to run alone any more.
     *
     * @return false if it still has to
     */
    boolean awaitEnd(Duration longest) {
        try {
            return over.await(longest.toNanos(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /** Ends it; call it after the pool is closed. Who waits goes on, and finds the pool closed. */
    void stop() {
        Thread running = thread;
        try {
            if (running != null) {
                running.interrupt();
                running.join();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        over.countDown();
    }

    /** A job of which is told when it has run. */
    private record Alone(JobTask task, CountDownLatch done) implements PoolTask {

        @Override
        public long bytes() {
            return task.bytes();
        }

        @Override
        public void run() {
            try {
                task.run();
            } finally {
                done.countDown();
            }
        }

        @Override
        public String toString() {
            return task.toString();
        }
    }
}
