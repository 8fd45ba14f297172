package io.conveyor.belt;

import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * Who runs what right now. One place for each job that may run at once; that there are no more of them is law, and a job
 * that finds no place is a broken law. Thread-safe, without a lock.
 */
final class RunningJobs {

    private final AtomicReferenceArray<@Nullable JobTask> places;

    RunningJobs(int atOnce) {
        places = new AtomicReferenceArray<>(atOnce);
    }

    /**
     * Takes a place.
     *
     * @return its number, for {@link #leave}
     * @throws IllegalStateException when more jobs run than may
     */
    int enter(JobTask task) {
        int start = (int) (Thread.currentThread().getId() % places.length());
        for (int i = 0; i < places.length(); i++) {
            int place = (start + i) % places.length();
            if (places.get(place) == null && places.compareAndSet(place, null, task)) {
                return place;
            }
        }
        throw new IllegalStateException("More than " + places.length() + " jobs run at once");
    }

    void leave(int place) {
        places.setRelease(place, null);
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
