package io.conveyor.pool;

import static io.conveyor.pool.PoolTasks.AGES;
import static io.conveyor.pool.PoolTasks.LONG;
import static io.conveyor.pool.PoolTasks.awaitUntil;
import static io.conveyor.pool.PoolTasks.config;
import static org.assertj.core.api.Assertions.assertThat;

import io.conveyor.pool.PoolTasks.Gate;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The lanes of the queue, alone and at the pool's door. */
class LaneQueueTest {

    private static final long SMALL = 16;
    private static final long MIDDLING = 256;
    private static final long LARGE = 257;

    private final ExecutorService producers = Executors.newCachedThreadPool();

    @AfterEach
    void endProducers() {
        producers.shutdownNow();
    }

    private static PoolTask task(long groupSize, long bytes, Runnable work) {
        return new PoolTask() {
            @Override
            public long bytes() {
                return bytes;
            }

            @Override
            public long groupSize() {
                return groupSize;
            }

            @Override
            public void run() {
                work.run();
            }
        };
    }

    private static String takeAll(LaneQueue queue) {
        StringBuilder order = new StringBuilder();
        for (Runnable next = queue.poll(); next != null; next = queue.poll()) {
            order.append(((Ticket) next).lane());
        }
        return order.toString();
    }

    @Test
    void theSmallestHaveTheFirstTurnAndNoLaneStarves() {
        try (WorkerPool pool = new WorkerPool(config(1, 1, 0))) {
            LaneQueue queue = new LaneQueue(9);
            for (long size : new long[] {LARGE, MIDDLING, SMALL}) {
                for (int n = 0; n < 9; n++) {
                    assertThat(queue.offer(pool.ticket(task(size, 0, () -> {}))))
                            .isTrue();
                }
            }
            assertThat(queue).hasSize(27);
            assertThat(takeAll(queue)).isEqualTo("00012" + "0012" + "0012" + "0012" + "1112112222");
            assertThat(queue).isEmpty();
        }
    }

    @Test
    void eachLaneIsFirstInFirstOutAndBoundedForItself() {
        try (WorkerPool pool = new WorkerPool(config(1, 1, 0))) {
            LaneQueue queue = new LaneQueue(2);
            List<Ticket> offered = new ArrayList<>();
            for (int n = 0; n < 3; n++) {
                Ticket ticket = pool.ticket(task(LARGE, 0, () -> {}));
                offered.add(ticket);
                assertThat(queue.offer(ticket)).isEqualTo(n < 2);
            }
            Ticket small = pool.ticket(task(SMALL, 0, () -> {}));
            assertThat(queue.offer(small)).isTrue();
            assertThat(queue.remainingCapacity()).isZero();

            assertThat(queue.remove(offered.get(2))).isFalse();
            assertThat(queue.peek()).isSameAs(small);
            List<Runnable> drained = new ArrayList<>();
            assertThat(queue.drainTo(drained)).isEqualTo(3);
            assertThat(drained).containsExactly(small, offered.get(0), offered.get(1));
            assertThat(queue.remainingCapacity()).isEqualTo(2);
        }
    }

    @Test
    void whoWaitsForALaneHoldsUpNobodyAtAnother() throws Exception {
        Gate busy = new Gate();
        try (WorkerPool pool = new WorkerPool(config(1, 3, 0))) {
            pool.offer(busy, Duration.ZERO);
            busy.awaitStarted();
            // One by its bytes, which fill the lane for large groups, and so one behind it for want of bytes.
            pool.offer(task(LARGE, 1000, () -> {}), Duration.ZERO);
            Future<Boolean> waiting = producers.submit(() -> pool.enqueue(task(LARGE, 900, () -> {}), AGES));
            awaitUntil(() -> pool.snapshot().producersWaiting() == 1);

            assertThat(pool.offer(task(LARGE, 1, () -> {}), Duration.ZERO)).isEqualTo(Handover.NO_ROOM);
            assertThat(pool.offer(task(SMALL, 1000, () -> {}), Duration.ZERO)).isEqualTo(Handover.QUEUED);
            assertThat(pool.offer(task(MIDDLING, 1000, () -> {}), Duration.ZERO))
                    .isEqualTo(Handover.QUEUED);
            assertThat(pool.snapshot().queuedBytes()).isEqualTo(3000);

            busy.letGo();
            assertThat(waiting.get(LONG.toSeconds(), TimeUnit.SECONDS)).isTrue();
        }
    }

    @Test
    void aPermitThatComesFreeGoesToTheSmallestGroupThatWaits() throws Exception {
        Gate busy = new Gate();
        Gate inCaller = new Gate();
        try (WorkerPool pool = new WorkerPool(config(1, 1, 1))) {
            pool.offer(busy, Duration.ZERO);
            busy.awaitStarted();
            pool.offer(task(LARGE, 0, () -> {}), Duration.ZERO);
            pool.offer(task(SMALL, 0, () -> {}), Duration.ZERO);
            Future<Handover> first = producers.submit(() -> pool.offer(inCaller, AGES));
            inCaller.awaitStarted();
            Future<Handover> large = producers.submit(() -> pool.offer(task(LARGE, 0, () -> {}), AGES));
            awaitUntil(() -> pool.snapshot().producersWaiting() == 1);
            Gate second = new Gate();
            Future<Handover> small = producers.submit(() -> pool.offer(task(SMALL, 0, second), AGES));
            awaitUntil(() -> pool.snapshot().producersWaiting() == 2);

            inCaller.letGo();
            second.awaitStarted();
            assertThat(first.get()).isEqualTo(Handover.RAN_IN_CALLER);
            assertThat(large.isDone()).isFalse();
            assertThat(pool.snapshot().callersRunning()).isEqualTo(1);

            second.letGo();
            busy.letGo();
            assertThat(small.get(LONG.toSeconds(), TimeUnit.SECONDS)).isEqualTo(Handover.RAN_IN_CALLER);
            assertThat(large.get(LONG.toSeconds(), TimeUnit.SECONDS)).isNotEqualTo(Handover.NO_ROOM);
        }
    }
}
