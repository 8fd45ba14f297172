package io.conveyor.belt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.conveyor.job.Job;
import io.conveyor.store.BatchRef;
import io.conveyor.store.SegmentRef;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Semaphore;
import org.junit.jupiter.api.Test;
import org.mockito.Mockito;

class RunningJobsTest {

    private static final BatchRef BATCH = new BatchRef("t", 1, "b");
    private static final int PLACES = 3;
    private static final JobRunner NO_RUNNER = Mockito.mock(JobRunner.class);

    private final RunningJobs running = new RunningJobs(PLACES);

    private static JobTask task(int index) {
        ActiveBatch batch = new ActiveBatch(BATCH, 0, 100, 0, settled -> {});
        return new JobTask(NO_RUNNER, batch, SegmentRef.fresh(BATCH, 0), new Job(index, "echo", null, 0, null, null));
    }

    @Test
    void whoMayRunFindsAPlaceHoweverOthersComeAndGo() throws Exception {
        List<Throwable> failures = new CopyOnWriteArrayList<>();
        Semaphore mayRun = new Semaphore(PLACES);
        List<Thread> threads = new ArrayList<>();
        for (int number = 0; number < 24; number++) { // they begin to look at different places
            JobTask task = task(number);
            threads.add(new Thread(() -> {
                try {
                    for (int round = 0; round < 20_000; round++) {
                        mayRun.acquireUninterruptibly();
                        running.leave(running.enter(task));
                        mayRun.release();
                    }
                } catch (RuntimeException e) {
                    failures.add(e);
                    mayRun.release();
                }
            }));
        }
        threads.forEach(Thread::start);
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(failures).isEmpty();
        for (int index = 0; index < PLACES; index++) {
            assertThat(running.contains(1, index)).isFalse();
        }
    }

    @Test
    void oneMoreThanMayRunIsRefusedAndTakesNoPlace() {
        List<Integer> places = new ArrayList<>();
        for (int index = 0; index < PLACES; index++) {
            places.add(running.enter(task(index)));
        }
        assertThatThrownBy(() -> running.enter(task(9))).hasMessageContaining("More than 3 jobs run at once");

        running.leave(places.get(1));

        assertThat(running.enter(task(9))).isEqualTo(places.get(1));
        assertThat(running.contains(1, 9)).isTrue();
        assertThat(running.contains(1, 1)).isFalse();
    }
}
