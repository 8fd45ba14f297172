package io.conveyor.pool;

import static io.conveyor.pool.PoolTasks.AGES;
import static io.conveyor.pool.PoolTasks.LONG;
import static io.conveyor.pool.PoolTasks.awaitUntil;
import static io.conveyor.pool.PoolTasks.config;
import static io.conveyor.pool.PoolTasks.fill;
import static io.conveyor.pool.PoolTasks.lateTask;
import static io.conveyor.pool.PoolTasks.letAllGo;
import static io.conveyor.pool.PoolTasks.occupy;
import static io.conveyor.pool.PoolTasks.task;
import static org.assertj.core.api.Assertions.assertThat;

import io.conveyor.pool.PoolTasks.Gate;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Tasks that are taken back before they have started. */
class WithdrawTest {

    private final ExecutorService producers = Executors.newCachedThreadPool();

    @AfterEach
    void endProducers() {
        producers.shutdownNow();
    }

    @Test
    void whatIsMeantComesBackInItsOrderAndItsRoomIsFree() throws Exception {
        Gate busy = new Gate();
        Gate kept = new Gate(100);
        PoolTask first = task(400, () -> {});
        PoolTask second = task(400, () -> {});
        try (WorkerPool pool = new WorkerPool(config(1, 3, 0))) {
            occupy(pool, busy);
            pool.offer(first, Duration.ZERO);
            pool.offer(kept, Duration.ZERO);
            pool.offer(second, Duration.ZERO);

            assertThat(pool.withdraw(task -> task != kept)).containsExactly(first, second);

            Future<List<PoolTask>> byAnother = producers.submit(() -> pool.withdraw(task -> false));
            assertThat(byAnother.get(LONG.toSeconds(), TimeUnit.SECONDS)).isEmpty();
            assertThat(pool.snapshot().queued()).isEqualTo(1);
            assertThat(pool.snapshot().queuedBytes()).isEqualTo(100);
            assertThat(pool.offer(task(900, () -> {}), Duration.ZERO)).isEqualTo(Handover.QUEUED);
            assertThat(pool.offer(task(() -> {}), Duration.ZERO)).isEqualTo(Handover.QUEUED);
            letAllGo(busy, kept);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void whoWaitsWithOneIsSentAwayAndTheOthersGetTheRoom(boolean early) throws Exception {
        Gate busy = new Gate();
        PoolTask queued = task(() -> {});
        PoolTask meant = early ? task(() -> {}) : lateTask(() -> {});
        try (WorkerPool pool = new WorkerPool(config(1, 1, 0))) {
            occupy(pool, busy);
            pool.offer(queued, Duration.ZERO);
            Future<Handover> sentAway = producers.submit(() -> pool.offer(meant, AGES));
            awaitUntil(() -> pool.snapshot().producersWaiting() == 1);
            Future<Handover> served = producers.submit(() -> pool.offer(task(() -> {}), AGES));
            awaitUntil(() -> pool.snapshot().producersWaiting() == 2);

            assertThat(pool.withdraw(task -> task == meant || task == queued)).containsExactly(queued);

            assertThat(sentAway.get(LONG.toSeconds(), TimeUnit.SECONDS)).isEqualTo(Handover.NO_ROOM);
            assertThat(served.get(LONG.toSeconds(), TimeUnit.SECONDS)).isEqualTo(Handover.QUEUED);
            assertThat(pool.snapshot().producersWaiting()).isZero();
            letAllGo(busy);
        }
    }

    @Test
    void whoComesWithOneThatIsTakenBackAlreadyDoesNotWait() throws Exception {
        Gate busy = new Gate();
        Gate queued = new Gate();
        try (WorkerPool pool = new WorkerPool(config(1, 1, 0))) {
            fill(pool, busy, queued);
            Ticket ticket = pool.ticket(task(() -> {}));

            pool.withdraw(ticket);

            Future<Boolean> sentAway =
                    producers.submit(() -> pool.enqueueUntil(ticket, WorkerPool.deadline(AGES.toNanos())));
            assertThat(sentAway.get(LONG.toSeconds(), TimeUnit.SECONDS)).isFalse();
            letAllGo(busy, queued);
        }
    }

    @Test
    void whoWaitsInFrontOfTheOneThatIsTakenBackWaitsOn() throws Exception {
        Gate busy = new Gate();
        Gate queued = new Gate();
        try (WorkerPool pool = new WorkerPool(config(1, 1, 0))) {
            fill(pool, busy, queued);
            Future<Handover> inFront = producers.submit(() -> pool.offer(task(() -> {}), AGES));
            awaitUntil(() -> pool.snapshot().producersWaiting() == 1);
            Ticket ticket = pool.ticket(task(() -> {}));
            Future<Boolean> sentAway =
                    producers.submit(() -> pool.enqueueUntil(ticket, WorkerPool.deadline(AGES.toNanos())));
            awaitUntil(() -> pool.snapshot().producersWaiting() == 2);

            pool.withdraw(ticket);

            assertThat(sentAway.get(LONG.toSeconds(), TimeUnit.SECONDS)).isFalse();
            assertThat(pool.snapshot().producersWaiting()).isEqualTo(1);
            letAllGo(busy, queued);
            assertThat(inFront.get(LONG.toSeconds(), TimeUnit.SECONDS)).isEqualTo(Handover.QUEUED);
        }
    }

    @Test
    void aLargeOneThatIsTakenBackFromTheHeadOfTheLineHoldsNobodyBackAnyMore() throws Exception {
        Gate busy = new Gate();
        Gate half = new Gate(600);
        try (WorkerPool pool = new WorkerPool(config(1, 10, 0))) {
            occupy(pool, busy);
            pool.offer(half, Duration.ZERO);
            Ticket large = pool.ticket(task(900, () -> {}));
            Future<Boolean> sentAway =
                    producers.submit(() -> pool.enqueueUntil(large, WorkerPool.deadline(AGES.toNanos())));
            awaitUntil(() -> pool.snapshot().producersWaiting() == 1);
            Future<Handover> small = producers.submit(() -> pool.offer(task(1, () -> {}), AGES));
            awaitUntil(() -> pool.snapshot().producersWaiting() == 2);

            pool.withdraw(large);

            assertThat(small.get(LONG.toSeconds(), TimeUnit.SECONDS)).isEqualTo(Handover.QUEUED);
            assertThat(sentAway.get(LONG.toSeconds(), TimeUnit.SECONDS)).isFalse();
            assertThat(pool.snapshot().producersWaiting()).isZero();
            assertThat(pool.snapshot().queuedBytes()).isEqualTo(601);
            letAllGo(busy, half);
        }
    }
}
