package io.conveyor.pool;

import static io.conveyor.pool.PoolTasks.awaitUntil;
import static io.conveyor.pool.PoolTasks.config;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.conveyor.pool.PoolTasks.Gate;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class UtilisationTest {

    /** Not zero, for the origin of a clock is arbitrary, and negative, for it may be. */
    private final AtomicLong clock = new AtomicLong(-5_000_000_000_000L);

    @Test
    void aLongJobCountsWhileItIsStillRunningAndTheWindowIsNoLongerThanTheLife() throws Exception {
        Gate job = new Gate();
        try (WorkerPool pool = new WorkerPool(config(2, 2, 0), PoolListener.NONE, clock::get)) {
            pass(1);
            pool.offer(job, Duration.ZERO);
            job.awaitStarted();
            pass(3);

            PoolSnapshot snapshot = pool.snapshot();
            assertThat(snapshot.utilisation10s()).isCloseTo(3.0 / 4 / 2, within(1e-9));
            assertThat(snapshot.utilisation1m()).isCloseTo(3.0 / 4 / 2, within(1e-9));
            assertThat(snapshot.busySeconds()).isEqualTo(3);
            assertThat(snapshot.longestRunningSeconds()).isEqualTo(3);
            assertThat(snapshot.activeWorkers()).isEqualTo(1);
            assertThat(snapshot.crew())
                    .hasSize(2)
                    .filteredOn(PoolSnapshot.Worker::busy)
                    .singleElement()
                    .satisfies(worker -> {
                        assertThat(worker.runningSeconds()).isEqualTo(3);
                        assertThat(worker.utilisation10s()).isCloseTo(0.75, within(1e-9));
                        assertThat(worker.name()).isIn("test-worker-1", "test-worker-2");
                    });

            job.letGo();
            awaitUntil(() -> pool.snapshot().completedTotal() == 1);
            pass(2);
            assertThat(pool.snapshot().busySeconds()).isEqualTo(3);
            assertThat(pool.snapshot().utilisation10s()).isCloseTo(3.0 / 6 / 2, within(1e-9));
            assertThat(pool.snapshot().longestRunningSeconds()).isZero();
        }
    }

    @Test
    void theWindowsForgetWhatIsOlder() throws Exception {
        try (WorkerPool pool = new WorkerPool(config(1, 1, 0), PoolListener.NONE, clock::get)) {
            long start = clock.get();
            Slot slot = new Slot(pool, 0, "slot", start);
            UtilisationMeter meter = new UtilisationMeter(List.of(slot), start);
            // 100 idle seconds, 5 busy, 5 idle, then busy for good.
            passSampled(meter, 100);
            slot.begin(PoolTasks.task(() -> {}), Thread.currentThread(), null, clock.get());
            passSampled(meter, 5);
            slot.end(clock.get());
            passSampled(meter, 5);
            assertThat(share(meter, 10)).isCloseTo(0.5, within(1e-9));
            assertThat(share(meter, 60)).isCloseTo(5 / 60.0, within(1e-9));

            slot.begin(PoolTasks.task(() -> {}), Thread.currentThread(), null, clock.get());
            passSampled(meter, 20);
            assertThat(share(meter, 10)).isCloseTo(1, within(1e-9));
            assertThat(share(meter, 60)).isCloseTo(25 / 60.0, within(1e-9));
            passSampled(meter, 1000);
            assertThat(share(meter, 60)).isCloseTo(1, within(1e-9));
        }
    }

    @Test
    void whatWasLongAgoCountsNotEvenInAWindowThatIsLongerThanTheRing() throws Exception {
        try (WorkerPool pool = new WorkerPool(config(1, 1, 0), PoolListener.NONE, clock::get)) {
            long start = clock.get();
            Slot slot = new Slot(pool, 0, "slot", start);
            UtilisationMeter meter = new UtilisationMeter(List.of(slot), start);
            slot.begin(PoolTasks.task(() -> {}), Thread.currentThread(), null, clock.get());
            passSampled(meter, 170);
            slot.end(clock.get());
            passSampled(meter, 30);

            assertThat(share(meter, 10)).isZero();
            assertThat(share(meter, 60)).isCloseTo(30 / 60.0, within(1e-9));
            assertThat(share(meter, 1000)).as("the oldest of 64 samples").isCloseTo(33 / 63.0, within(1e-9));
        }
    }

    private double share(UtilisationMeter meter, long seconds) {
        return UtilisationMeter.mean(meter.shares(TimeUnit.SECONDS.toNanos(seconds), clock.get()));
    }

    private void passSampled(UtilisationMeter meter, int seconds) {
        for (int i = 0; i < seconds; i++) {
            pass(1);
            meter.sample(clock.get());
        }
    }

    private void pass(long seconds) {
        clock.addAndGet(TimeUnit.SECONDS.toNanos(seconds));
    }
}
