package io.conveyor.belt;

import io.conveyor.pool.PoolTask;
import io.conveyor.pool.WorkerPool;
import io.conveyor.store.BatchRef;
import io.conveyor.store.BatchStore;
import io.conveyor.store.StoreException;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Consumer;

/**
 * What clients do to a batch that is on its way: cancel, pause, resume. Each is written to the store first, so it holds
 * whatever happens then, and after that done to what is in memory. A batch that is taken up from the store at the same moment
 * is looked up there again after it has been noted as active, so one of the two sees the other. Thread-safe.
 *
 * <p>Threads and state: one thread, {@code conveyor-control}, does all of it, so that what two clients ask for at once
 * comes to memory in the order in which the store has it. Who asks waits for it. Keeps no state of its own.
 */
final class Control {

    private final BatchStore store;
    private final WorkerPool pool;
    private final RunningJobs running;
    private final JobRunner runner;
    private final Active active;
    private final ExecutorService thread =
            Executors.newSingleThreadExecutor(work -> new Thread(work, "conveyor-control"));

    /** What is in memory, as far as it concerns the control. */
    interface Active {

        /**
         * Does something to a batch if it is in memory; if not, the store is to be looked through for it.
         */
        void with(BatchRef batch, Consumer<ActiveBatch> work);

        /** Gives a cancelled batch its better place among those that wait. */
        void hurry(ActiveBatch batch);

        /** Puts a batch where it belongs after it was paused, was resumed, or got jobs back. */
        void settle(ActiveBatch batch);
    }

    Control(BatchStore store, WorkerPool pool, RunningJobs running, JobRunner runner, Active active) {
        this.store = store;
        this.pool = pool;
        this.running = running;
        this.runner = runner;
        this.active = active;
    }

    boolean cancel(BatchRef ref) {
        return inTurn(() -> {
            if (store.cancel(ref)) {
                active.with(ref, this::stopJobs);
            }
        });
    }

    private void stopJobs(ActiveBatch batch) {
        batch.cancel();
        batch.resume();
        takeBack(batch).forEach(runner::passOver);
        running.interrupt(batch);
        active.settle(batch);
        active.hurry(batch);
    }

    boolean pause(BatchRef ref) {
        return inTurn(() -> {
            if (store.pause(ref)) {
                active.with(ref, batch -> {
                    batch.pause();
                    takeBack(batch).forEach(batch::keep);
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

    /** Jobs of the batch that waited in the pool's queue; who waited for room with one is sent away. */
    private List<JobTask> takeBack(ActiveBatch batch) {
        List<PoolTask> taken = pool.withdraw(task -> task instanceof JobTask job && job.batch() == batch);
        return taken.stream().map(JobTask.class::cast).toList();
    }

    /** Waits until the work is done; false if the service stops and it will not be. */
    private boolean inTurn(Runnable work) {
        try {
            thread.submit(work).get();
            return true;
        } catch (RejectedExecutionException e) {
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
