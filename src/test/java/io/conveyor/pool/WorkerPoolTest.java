package io.conveyor.pool;

import static io.conveyor.pool.PoolTasks.AGES;
import static io.conveyor.pool.PoolTasks.LONG;
import static io.conveyor.pool.PoolTasks.awaitUninterruptibly;
import static io.conveyor.pool.PoolTasks.awaitUntil;
import static io.conveyor.pool.PoolTasks.config;
import static io.conveyor.pool.PoolTasks.fill;
import static io.conveyor.pool.PoolTasks.letAllGo;
import static io.conveyor.pool.PoolTasks.offerOrFail;
import static io.conveyor.pool.PoolTasks.task;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.conveyor.pool.PoolTasks.Gate;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The bounds of the pool, in tasks and in bytes, and what becomes of a task that does not fit. */
class WorkerPoolTest {

    private final ExecutorService producers = Executors.newCachedThreadPool();

    @AfterEach
    void endProducers() {
        producers.shutdownNow();
    }

    @Test
    void neverMoreThanWorkersAndPermitsAtOnceUnderHundredsOfProducers() throws Exception {
        AtomicInteger now = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        AtomicInteger ran = new AtomicInteger();
        CountDownLatch allSixAtOnce = new CountDownLatch(6);
        PoolTask counting = task(10, () -> {
            most.accumulateAndGet(now.incrementAndGet(), Math::max);
            allSixAtOnce.countDown();
            awaitUninterruptibly(allSixAtOnce);
            Thread.onSpinWait();
            ran.incrementAndGet();
            now.decrementAndGet();
        });
        try (WorkerPool pool = new WorkerPool(config(4, 3, 2))) {
            List<Future<?>> posts = new ArrayList<>();
            for (int i = 0; i < 300; i++) {
                posts.add(producers.submit(() -> {
                    for (int k = 0; k < 20; k++) {
                        assertThat(pool.offer(counting, LONG)).isNotEqualTo(Handover.NO_ROOM);
                    }
                    return null;
                }));
            }
            for (Future<?> post : posts) {
                post.get(LONG.toSeconds(), TimeUnit.SECONDS);
            }
            awaitUntil(() -> ran.get() == 6000);
        }
        assertThat(most).hasValue(6);
    }

    @Test
    void aFullQueueMakesTheCallerRunTheTaskWhileAPermitIsFree() throws Exception {
        Gate busy = new Gate();
        Gate queued = new Gate();
        Gate inCaller = new Gate();
        try (WorkerPool pool = new WorkerPool(config(1, 1, 1))) {
            fill(pool, busy, queued);
            Future<Handover> caller = producers.submit(() -> {
                Thread.currentThread().setName("my-own");
                return pool.offer(inCaller, Duration.ZERO);
            });
            inCaller.awaitStarted();

            assertThat(inCaller.ranOn).isEqualTo("my-own");
            assertThat(pool.offer(task(() -> {}), Duration.ZERO)).isEqualTo(Handover.NO_ROOM);
            assertThat(pool.snapshot().callersRunning()).isEqualTo(1);

            inCaller.letGo();
            assertThat(caller.get()).isEqualTo(Handover.RAN_IN_CALLER);
            assertThat(pool.offer(task(() -> {}), Duration.ZERO)).isEqualTo(Handover.RAN_IN_CALLER);
            assertThat(pool.snapshot().callerRunsTotal()).isEqualTo(2);
            letAllGo(busy, queued);
        }
    }

    @Test
    void enqueueNeverRunsInTheCaller() throws Exception {
        Gate busy = new Gate();
        Gate queued = new Gate();
        try (WorkerPool pool = new WorkerPool(config(1, 1, 1))) {
            fill(pool, busy, queued);

            assertThat(pool.enqueue(task(() -> {}), Duration.ofMillis(1))).isFalse();

            assertThat(pool.snapshot().callerRunsTotal()).isZero();
            letAllGo(busy, queued);
        }
    }

    @Test
    void theQueueIsBoundedInBytesAndALargerTaskWaitsAlone() throws Exception {
        Gate busy = new Gate();
        Gate half = new Gate(600);
        try (WorkerPool pool = new WorkerPool(config(1, 10, 0))) {
            pool.offer(busy, Duration.ZERO);
            busy.awaitStarted();
            pool.offer(half, Duration.ZERO);

            assertThat(pool.offer(task(401, () -> {}), Duration.ZERO)).isEqualTo(Handover.NO_ROOM);
            assertThat(pool.offer(task(400, () -> {}), Duration.ZERO)).isEqualTo(Handover.QUEUED);
            assertThat(pool.snapshot().queuedBytes()).isEqualTo(1000);

            CountDownLatch hugeRan = new CountDownLatch(1);
            Future<Handover> huge = producers.submit(() -> pool.offer(task(1_000_000, hugeRan::countDown), AGES));
            awaitUntil(() -> pool.snapshot().producersWaiting() == 1);
            letAllGo(busy, half);

            assertThat(huge.get(LONG.toSeconds(), TimeUnit.SECONDS)).isEqualTo(Handover.QUEUED);
            awaitUninterruptibly(hugeRan);
            assertThat(pool.snapshot().queuedBytes()).isZero();
        }
    }

    @Test
    void anOfferWithinATaskNeitherRunsInPlaceNorWaits() throws Exception {
        Gate queued = new Gate();
        CountDownLatch inside = new CountDownLatch(1);
        CountDownLatch full = new CountDownLatch(1);
        AtomicReference<@Nullable Handover> nested = new AtomicReference<>();
        CountDownLatch done = new CountDownLatch(1);
        try (WorkerPool pool = new WorkerPool(config(1, 1, 5))) {
            PoolTask outer = task(() -> {
                inside.countDown();
                awaitUninterruptibly(full);
                nested.set(offerOrFail(pool, task(() -> {})));
                done.countDown();
            });
            pool.offer(outer, Duration.ZERO);
            awaitUninterruptibly(inside);
            pool.offer(queued, Duration.ZERO);
            full.countDown();
            awaitUninterruptibly(done);
            assertThat(nested.get()).isEqualTo(Handover.NO_ROOM);

            // The same from a task that a caller runs, the queue being full again.
            Gate queuedAgain = new Gate();
            queued.awaitStarted();
            pool.offer(queuedAgain, Duration.ZERO);
            assertThat(pool.offer(task(() -> nested.set(offerOrFail(pool, task(() -> {})))), Duration.ZERO))
                    .isEqualTo(Handover.RAN_IN_CALLER);
            assertThat(nested.get()).isEqualTo(Handover.NO_ROOM);
            assertThat(pool.snapshot().callerRunsTotal()).isEqualTo(1);
            letAllGo(queued, queuedAgain);
        }
    }

    @Test
    void theExecutorUnderneathIsForReadingOnly() {
        try (WorkerPool pool = new WorkerPool(config(3, 7, 0))) {
            assertThat(pool.executor().getMaximumPoolSize()).isEqualTo(3);
            assertThat(pool.executor().getPoolSize()).isEqualTo(3);
            assertThat(pool.executor().getQueue().remainingCapacity()).isEqualTo(7);
            assertThatThrownBy(() -> pool.executor().execute(() -> {}))
                    .isInstanceOf(RejectedExecutionException.class)
                    .hasMessageContaining("WorkerPool");
        }
    }

    @Test
    void badConfigurationSaysHowToMendIt() {
        assertThatThrownBy(() -> new WorkerPoolConfig(" ", 1, 1, 1, 0)).hasMessageContaining("give it one");
        assertThatThrownBy(() -> new WorkerPoolConfig("p", 0, 1, 1, 0)).hasMessageContaining("workers is 0: set it");
        assertThatThrownBy(() -> new WorkerPoolConfig("p", 1, 0, 1, 0)).hasMessageContaining("queueCapacity is 0");
        assertThatThrownBy(() -> new WorkerPoolConfig("p", 1, 1, 0, 0)).hasMessageContaining("queueBytes is 0");
        assertThatThrownBy(() -> new WorkerPoolConfig("p", 1, 1, 1, -1)).hasMessageContaining("callerRuns is -1");
        WorkerPoolConfig defaults = WorkerPoolConfig.defaults("p");
        int workers = Math.max(4, 2 * Runtime.getRuntime().availableProcessors());
        assertThat(defaults).isEqualTo(new WorkerPoolConfig("p", workers, 256, 67_108_864, workers));
    }
}
