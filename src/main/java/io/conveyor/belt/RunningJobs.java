package io.conveyor.belt;

import io.conveyor.pool.Guard;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * Who runs what right now. One place for each job that may run at once; that there are no more of them is law, and a job
 * that finds no place is a broken law. Thread-safe, without a lock.
 */
final class RunningJobs {

    private final AtomicReferenceArray<@Nullable JobTask> places;

    /** The guard under which the job of the same place runs. */
    private final AtomicReferenceArray<@Nullable Guard> guards;

    /** Jobs that have a place or are about to find one; counted down after the place is free. */
    private final AtomicInteger inside = new AtomicInteger();

    RunningJobs(int atOnce) {
        places = new AtomicReferenceArray<>(atOnce);
        guards = new AtomicReferenceArray<>(atOnce);
    }

    /**
     * Takes a place.
     *
     * @return its number, for {@link #leave}
     * @throws IllegalStateException when more jobs run than may
     */
    int enter(JobTask task) {
        if (inside.incrementAndGet() > places.length()) {
            inside.decrementAndGet();
            throw new IllegalStateException("More than " + places.length() + " jobs run at once");
        }
        int place = (int) (Thread.currentThread().getId() % places.length());
        // One round may find every place taken, when one behind is left and one ahead taken; but some place is free.
        while (places.get(place) != null || !places.compareAndSet(place, null, task)) {
            place = (place + 1) % places.length();
        }
        return place;
    }

    /** The job of that place runs under this guard from now on. */
    void guard(int place, Guard guard) {
        guards.set(place, guard);
    }

    void leave(int place) {
        guards.setRelease(place, null);
        places.setRelease(place, null);
        inside.decrementAndGet();
    }

    /**
     * Interrupts the jobs of a batch that run now. A job that enters at the same moment is not found here; it looks after
     * {@link #guard} whether its batch is cancelled.
     */
    void interrupt(ActiveBatch batch) {
        for (int place = 0; place < places.length(); place++) {
            Guard guard = guards.get(place);
            // Looked at after the guard: if another batch has the place by now, the guard may be that of its job; else
            // it
            // is one of this batch, or closed.
            JobTask task = places.get(place);
            if (task != null && guard != null && task.batch() == batch) {
                guard.interrupt();
            }
        }
    }

    /** Whether that job is in its handler now. */
    boolean contains(long batchNo, int index) {
        for (int place = 0; place < places.length(); place++) {
            JobTask task = places.get(place);
            if (task != null
                    && task.batch().ref().batchNo() == batchNo
                    && task.job().index() == index) {
                return true;
            }
        }
        return false;
    }
}
