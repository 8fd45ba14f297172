package io.conveyor.belt;

import io.conveyor.job.BatchRules;
import io.conveyor.job.StopReason;
import io.conveyor.store.BatchRef;
import io.conveyor.store.BatchStore;
import io.conveyor.store.StoreException;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What is done to a batch that is on its way: clients cancel, pause and resume it, its deadline passes, too many of its jobs
 * fail. Each is written to the store first, so it holds
 * whatever happens then, and after that done to what is in memory. A batch that is taken up from the store at the same moment
 * is looked up there again after it has been noted as active, so one of the two sees the other. Thread-safe.
 *
 * <p>Threads and state: one thread, {@code conveyor-control}, does all of it, so that what two clients ask for at once
 * comes to memory in the order in which the store has it. What clients ask for they wait for. What the store has decided by
 * itself is only handed over by its writer thread: batches that are in memory, once each.
 */
final class Control {

    private static final Logger log = LoggerFactory.getLogger(Control.class);

    private final BatchStore store;
    private final RunningJobs running;
    private final JobRunner runner;
    private final Active active;
    private final ScheduledThreadPoolExecutor thread =
            new ScheduledThreadPoolExecutor(1, work -> new Thread(work, "conveyor-control"));
    private final Deadlines deadlines;

    /** What is in memory, as far as it concerns the control. */
    interface Active {

        /**
         * Does something to a batch if it is in memory; if not, the store is to be looked through for it.
         */
        void with(BatchRef batch, Consumer<ActiveBatch> work);

        /** Has a stopped batch that is only in the store taken up, without waiting for room among those that run. */
        void fetch(BatchRef batch);

        /** Gives a cancelled batch its better place among those that wait. */
        void hurry(ActiveBatch batch);

        /** Puts a batch where it belongs after it was paused, was resumed, or got jobs back. */
        void settle(ActiveBatch batch);
    }

    Control(BatchStore store, RunningJobs running, JobRunner runner, Active active) {
        this.store = store;
        this.running = running;
        this.runner = runner;
        this.active = active;
        thread.setRemoveOnCancelPolicy(true);
        thread.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
        deadlines = new Deadlines(store, thread, ref -> stopJobs(ref, StopReason.DEADLINE));
    }

    /** Stops what came too late while nobody looked, before any of it can start, and looks from then on. */
    void start() {
        lookForDeadlines();
    }

    /** Looks now. */
    void lookForDeadlines() {
        inTurn(deadlines::look);
    }

    /** A batch has been accepted; it is stopped when its deadline has passed. */
    void watch(BatchRules rules) {
        if (rules.deadlineMillis() > 0) {
            deadlines.within(rules.deadlineMillis());
        }
    }

    boolean cancel(BatchRef ref) {
        return inTurn(() -> {
            if (store.cancel(ref)) {
                stopJobs(ref, StopReason.CANCEL);
            }
        });
    }

    /** The store has stopped the batch. Returns at once; on whatever thread. */
    void stopped(ActiveBatch batch, StopReason reason) {
        batch.stop(reason);
        try {
            thread.execute(() -> stopJobs(batch.ref(), reason));
        } catch (RejectedExecutionException e) {
            log.debug("The service stops, and the batch {} with it", batch.ref());
        }
    }

    private void stopJobs(BatchRef ref, StopReason reason) {
        active.with(ref, batch -> stopJobs(batch, reason));
        active.fetch(ref);
    }

    private void stopJobs(ActiveBatch batch, StopReason reason) {
        batch.stop(reason);
        batch.resume();
        runner.takeBack(batch).forEach(runner::passOver);
        running.interrupt(batch);
        active.settle(batch);
        active.hurry(batch);
    }

    boolean pause(BatchRef ref) {
        return inTurn(() -> {
            if (store.pause(ref)) {
                active.with(ref, batch -> {
                    batch.pause();
                    runner.takeBack(batch).forEach(batch::keep);
                    active.settle(batch);
                });
            }
        });
    }

    boolean resume(BatchRef ref) {
        return inTurn(() -> {
            if (store.resume(ref)) {
                active.with(ref, batch -> {
                    batch.resume();
                    active.settle(batch);
                });
            }
        });
    }

    /** Waits until the work is done; false if the service stops and it will not be. */
    private boolean inTurn(Runnable work) {
        try {
            thread.submit(work).get();
            return true;
        } catch (RejectedExecutionException | CancellationException e) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        } catch (ExecutionException e) {
            if (e.getCause() instanceof StoreException known) {
                throw known;
            }
            throw new IllegalStateException("A batch could not be controlled", e.getCause());
        }
    }

    /** Takes nothing more; what is under way is done. */
    void stop() {
        thread.shutdown();
    }
}
