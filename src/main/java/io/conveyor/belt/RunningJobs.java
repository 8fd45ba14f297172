package io.conveyor.belt;

import io.conveyor.pool.Guard;
import io.conveyor.store.RunningLog;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * Who runs what right now: at the place of each guard the job that runs under it. The pool gives a place to one task at a
 * time, so nobody has to look for one. What runs is noted for the next process as well. Thread-safe, without a lock.
 */
final class RunningJobs {

    private final AtomicReferenceArray<@Nullable Running> places;
    private final RunningLog log;

    /** A job in its handler. */
    private record Running(JobTask task, Guard guard) {}

    /**
     * @param atOnce jobs that may run at once: places of the pool
     * @param log has room for as many
     */
    RunningJobs(int atOnce, RunningLog log) {
        this.log = log;
        places = new AtomicReferenceArray<>(atOnce);
    }

    /** The job runs under this guard from now on, until {@link #leave}. */
    void enter(JobTask task, Guard guard) {
        places.set(guard.place(), new Running(task, guard));
        log.enter(guard.place(), task.batch().ref().batchNo(), task.job().index());
    }

    void leave(Guard guard) {
        log.leave(guard.place());
        places.setRelease(guard.place(), null);
    }

    /**
     * Interrupts the jobs of a batch that run now. A job that enters at the same moment is not found here; it looks after
     * {@link #enter} whether its batch is cancelled.
     */
    void interrupt(ActiveBatch batch) {
        for (int place = 0; place < places.length(); place++) {
            Running running = places.get(place);
            if (running != null && running.task().batch() == batch) {
                running.guard().interrupt();
            }
        }
    }

    /** What tells the next process of them, if this one dies. */
    RunningLog log() {
        return log;
    }

    /** Whether that job is in its handler now. */
    boolean contains(long batchNo, int index) {
        for (int place = 0; place < places.length(); place++) {
            Running running = places.get(place);
            if (running != null
                    && running.task().batch().ref().batchNo() == batchNo
                    && running.task().job().index() == index) {
                return true;
            }
        }
        return false;
    }
}
