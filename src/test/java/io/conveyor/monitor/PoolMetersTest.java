package io.conveyor.monitor;

import static org.assertj.core.api.Assertions.assertThat;

import io.conveyor.pool.PoolSnapshot;
import io.conveyor.pool.PoolTask;
import io.conveyor.pool.WorkerPool;
import io.conveyor.pool.WorkerPoolConfig;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.beans.factory.support.DefaultListableBeanFactory;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.Status;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;

/** Figures that the clock decides, on a clock of ours, and a crew that is stuck. */
class PoolMetersTest {

    private static final int WORKERS = 4;

    private final AtomicLong nanos = new AtomicLong();
    private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
    private final DefaultListableBeanFactory beans = new DefaultListableBeanFactory();

    @Test
    void utilisationIsTheShareOfTheCrewThatWasBusy() throws Exception {
        PoolMeters meters = new PoolMeters(beans.getBeanProvider(WorkerPool.class), registry);
        try (WorkerPool pool =
                new WorkerPool(new WorkerPoolConfig("test", WORKERS, 8, 1 << 20, 0), meters, nanos::get)) {
            beans.registerSingleton("pool", pool);
            CountDownLatch entered = new CountDownLatch(3);
            CountDownLatch gate = new CountDownLatch(1);
            for (int i = 0; i < 3; i++) {
                pool.offer(task(entered, gate), Duration.ZERO);
            }
            assertThat(entered.await(60, TimeUnit.SECONDS)).isTrue();

            nanos.addAndGet(TimeUnit.SECONDS.toNanos(5));
            // Bound only now, so that no snapshot of before serves.
            meters.bindTo(registry);

            assertThat(utilisation("10s")).isEqualTo(0.75);
            assertThat(utilisation("1m")).isEqualTo(0.75);
            assertThat(registry.get("conveyor.worker.busy").functionCounter().count())
                    .isEqualTo(15);
            assertThat(registry.get("conveyor.worker.longest.job").gauge().value())
                    .isEqualTo(5);
            gate.countDown();
        }
    }

    @Test
    void theWaitInTheQueueIsRecordedAndNeverNegative() {
        PoolMeters meters = new PoolMeters(beans.getBeanProvider(WorkerPool.class), registry);
        PoolTask task = task(new CountDownLatch(1), new CountDownLatch(0));

        meters.started(task, TimeUnit.MILLISECONDS.toNanos(30), false);
        meters.started(task, -1, false);
        meters.started(task, 7, true); // was never in the queue

        assertThat(registry.get("conveyor.queue.wait").timer().count()).isEqualTo(2);
        assertThat(registry.get("conveyor.queue.wait").timer().totalTime(TimeUnit.MILLISECONDS))
                .isEqualTo(30);
    }

    @Test
    @ExtendWith(OutputCaptureExtension.class)
    void theLogNamesAJobThatDoesNotStopItsPlaceAndTheMend(CapturedOutput log) {
        PoolMeters meters = new PoolMeters(beans.getBeanProvider(WorkerPool.class), registry);
        PoolTask task = new PoolTask() {
            @Override
            public long bytes() {
                return 0;
            }

            @Override
            public void run() {}

            @Override
            public String toString() {
                return "Job 5 of nightly-1 (crunch)";
            }
        };

        meters.stuck(task, "conveyor-worker-3", Thread.currentThread());

        assertThat(log.getOut())
                .contains("Job 5 of nightly-1 (crunch) ignores its interrupt", "conveyor-worker-3", "only a restart")
                .contains("at " + PoolMetersTest.class.getName());
    }

    @Test
    void healthNamesTheWorkersThatAreStuck() {
        Health.Builder builder = new Health.Builder();
        List<PoolSnapshot.Worker> crew = List.of(
                new PoolSnapshot.Worker("conveyor-worker-1", true, 9, 1, true),
                new PoolSnapshot.Worker("conveyor-worker-2", true, 9, 1, false));
        PoolHealthIndicator.describe(
                new PoolSnapshot(2, 2, 0, 8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 9, 1, crew), builder);

        assertThat(builder.build().getDetails()).containsEntry("stuck_workers", List.of("conveyor-worker-1"));
    }

    @Test
    void theServiceIsIllOnlyWhenEveryWorkerIsStuck() {
        assertThat(health(0)).isEqualTo(Status.UP);
        assertThat(health(WORKERS - 1)).isEqualTo(Status.UP);
        assertThat(health(WORKERS)).isEqualTo(Status.DOWN);
    }

    private static Status health(int stuck) {
        Health.Builder builder = new Health.Builder();
        PoolHealthIndicator.describe(
                new PoolSnapshot(WORKERS, WORKERS, 0, 8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 9, stuck, List.of()),
                builder);
        return builder.build().getStatus();
    }

    private double utilisation(String window) {
        return registry.get("conveyor.worker.utilisation")
                .tag("window", window)
                .gauge()
                .value();
    }

    private static PoolTask task(CountDownLatch entered, CountDownLatch gate) {
        return new PoolTask() {
            @Override
            public long bytes() {
                return 0;
            }

            @Override
            public void run() {
                entered.countDown();
                try {
                    gate.await();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            }
        };
    }
}
