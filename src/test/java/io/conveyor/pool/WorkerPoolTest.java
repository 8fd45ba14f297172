package io.conveyor.pool;

import static io.conveyor.pool.PoolTasks.AGES;
import static io.conveyor.pool.PoolTasks.LONG;
import static io.conveyor.pool.PoolTasks.awaitUninterruptibly;
import static io.conveyor.pool.PoolTasks.awaitUntil;
import static io.conveyor.pool.PoolTasks.config;
import static io.conveyor.pool.PoolTasks.lateTask;
import static io.conveyor.pool.PoolTasks.task;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.conveyor.pool.PoolTasks.Gate;
import java.net.URL;
import java.net.URLClassLoader;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

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
    void whoWaitsGetsTheRoomThatComesFreeInTheOrderOfComing() throws Exception {
        Gate busy = new Gate();
        Gate queued = new Gate();
        LinkedBlockingQueue<Integer> ran = new LinkedBlockingQueue<>();
        try (WorkerPool pool = new WorkerPool(config(1, 1, 0))) {
            fill(pool, busy, queued);
            List<Future<Handover>> waiting = new ArrayList<>();
            for (int i = 0; i < 5; i++) {
                int number = i;
                waiting.add(producers.submit(() -> pool.offer(task(() -> ran.add(number)), AGES)));
                awaitUntil(() -> pool.snapshot().producersWaiting() == number + 1);
            }
            letAllGo(busy, queued);

            for (Future<Handover> one : waiting) {
                assertThat(one.get(LONG.toSeconds(), TimeUnit.SECONDS)).isEqualTo(Handover.QUEUED);
            }
            awaitUntil(() -> ran.size() == 5);
            assertThat(ran).containsExactly(0, 1, 2, 3, 4);
        }
    }

    @Test
    void whoWaitsGetsThePermitThatComesFree() throws Exception {
        Gate busy = new Gate();
        Gate queued = new Gate();
        Gate firstCaller = new Gate();
        try (WorkerPool pool = new WorkerPool(config(1, 1, 1))) {
            fill(pool, busy, queued);
            producers.execute(() -> offerOrFail(pool, firstCaller));
            firstCaller.awaitStarted();
            // A feeder that may not run tasks stands in front and must not hold the permit back.
            Future<Boolean> feeder = producers.submit(() -> pool.enqueue(task(() -> {}), AGES));
            awaitUntil(() -> pool.snapshot().producersWaiting() == 1);
            Future<Handover> second = producers.submit(() -> pool.offer(task(() -> {}), AGES));
            awaitUntil(() -> pool.snapshot().producersWaiting() == 2);

            firstCaller.letGo();

            assertThat(second.get(LONG.toSeconds(), TimeUnit.SECONDS)).isEqualTo(Handover.RAN_IN_CALLER);
            letAllGo(busy, queued);
            assertThat(feeder.get(LONG.toSeconds(), TimeUnit.SECONDS)).isTrue();
        }
    }

    @Test
    void behindTasksThatLastOnlyEarlyOnesHaveTheWholeQueue() throws Exception {
        Gate busy = new Gate();
        Gate busyToo = new Gate();
        try (WorkerPool pool = new WorkerPool(config(2, 4, 1))) {
            occupy(pool, busy, busyToo);
            assertThat(pool.offer(lateTask(() -> {}), Duration.ZERO)).isEqualTo(Handover.QUEUED);
            assertThat(pool.offer(lateTask(() -> {}), Duration.ZERO)).isEqualTo(Handover.QUEUED);
            assertThat(pool.snapshot().saturation()).isEqualTo(1);

            assertThat(pool.enqueue(lateTask(() -> {}), Duration.ZERO)).isFalse();
            assertThat(pool.offer(lateTask(() -> {}), Duration.ZERO)).isEqualTo(Handover.RAN_IN_CALLER);
            assertThat(pool.offer(task(() -> {}), Duration.ZERO)).isEqualTo(Handover.QUEUED);
            assertThat(pool.offer(task(() -> {}), Duration.ZERO)).isEqualTo(Handover.QUEUED);
            assertThat(pool.enqueue(task(() -> {}), Duration.ZERO)).isFalse();
            letAllGo(busy, busyToo);
        }
    }

    @Test
    void earlyTasksPassThoseThatWaitUpToEightTimes() throws Exception {
        Gate busy = new Gate();
        Gate busyToo = new Gate();
        LinkedBlockingQueue<String> ran = new LinkedBlockingQueue<>();
        try (WorkerPool pool = new WorkerPool(config(2, 50, 0))) {
            occupy(pool, busy, busyToo);
            pool.offer(lateTask(() -> ran.add("late")), Duration.ZERO);
            pool.offer(lateTask(() -> ran.add("late")), Duration.ZERO);
            Future<Handover> late = producers.submit(() -> pool.offer(lateTask(() -> ran.add("late")), AGES));
            awaitUntil(() -> pool.snapshot().producersWaiting() == 1);
            for (int i = 0; i < 20; i++) {
                assertThat(pool.offer(task(() -> ran.add("early")), Duration.ZERO))
                        .isEqualTo(Handover.QUEUED);
            }

            assertThat(late.get(LONG.toSeconds(), TimeUnit.SECONDS)).isEqualTo(Handover.QUEUED);
            busy.letGo();
            awaitUntil(() -> ran.size() == 23);
            List<String> order = List.copyOf(ran);
            assertThat(order.subList(0, 2)).containsOnly("late");
            assertThat(order.subList(2, 10)).containsOnly("early");
            assertThat(order.get(10)).isEqualTo("late");
            assertThat(order.subList(11, 23)).containsOnly("early");
            busyToo.letGo();
        }
    }

    @Test
    void anEarlyTaskThatWaitsGetsRoomAndPermitsBeforeTheOthers() throws Exception {
        Gate busy = new Gate();
        Gate queued = new Gate();
        Gate firstCaller = new Gate();
        LinkedBlockingQueue<String> ran = new LinkedBlockingQueue<>();
        try (WorkerPool pool = new WorkerPool(config(1, 1, 1))) {
            fill(pool, busy, queued);
            producers.execute(() -> offerOrFail(pool, firstCaller));
            firstCaller.awaitStarted();
            Future<Handover> late = producers.submit(() -> pool.offer(lateTask(() -> ran.add("late")), AGES));
            awaitUntil(() -> pool.snapshot().producersWaiting() == 1);
            Future<Handover> early = producers.submit(() -> pool.offer(task(() -> ran.add("early")), AGES));
            awaitUntil(() -> pool.snapshot().producersWaiting() == 2);
            producers.execute(() -> offerOrFail(pool, task(() -> ran.add("second early"))));
            awaitUntil(() -> pool.snapshot().producersWaiting() == 3);

            busy.letGo();
            assertThat(early.get(LONG.toSeconds(), TimeUnit.SECONDS)).isEqualTo(Handover.QUEUED);
            firstCaller.letGo();
            assertThat(late.get(LONG.toSeconds(), TimeUnit.SECONDS)).isEqualTo(Handover.RAN_IN_CALLER);
            assertThat(ran).containsExactly("second early", "late");
            letAllGo(queued);
        }
    }

    @Test
    void nobodyIsForgottenInEitherLine() throws Exception {
        AtomicInteger ran = new AtomicInteger();
        try (WorkerPool pool = new WorkerPool(config(2, 8, 1))) {
            List<Future<?>> posts = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
                boolean mayRun = i % 4 == 0;
                boolean early = i % 2 == 0;
                posts.add(producers.submit(() -> {
                    PoolTask counting = early ? task(60, ran::incrementAndGet) : lateTask(ran::incrementAndGet);
                    for (int k = 0; k < 2000; k++) {
                        assertThat(mayRun ? pool.offer(counting, AGES) : pool.enqueue(counting, AGES))
                                .isNotIn(Handover.NO_ROOM, false);
                    }
                    return null;
                }));
            }
            for (Future<?> post : posts) {
                post.get(LONG.toSeconds(), TimeUnit.SECONDS);
            }
            awaitUntil(() -> ran.get() == 40_000);
            assertThat(pool.snapshot().queuedBytes()).isZero();
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
    void aSmallTaskDoesNotOvertakeALargeOneThatWaits() throws Exception {
        Gate busy = new Gate();
        Gate half = new Gate(600);
        try (WorkerPool pool = new WorkerPool(config(1, 10, 0))) {
            pool.offer(busy, Duration.ZERO);
            busy.awaitStarted();
            pool.offer(half, Duration.ZERO);
            Future<Handover> large = producers.submit(() -> pool.offer(task(900, () -> {}), AGES));
            awaitUntil(() -> pool.snapshot().producersWaiting() == 1);

            assertThat(pool.offer(task(1, () -> {}), Duration.ZERO)).isEqualTo(Handover.NO_ROOM);

            letAllGo(busy, half);
            assertThat(large.get(LONG.toSeconds(), TimeUnit.SECONDS)).isEqualTo(Handover.QUEUED);
        }
    }

    @Test
    void whenTheLargeOneGivesUpThoseBehindItGetTheRoom() throws Exception {
        Gate busy = new Gate();
        Gate half = new Gate(600);
        try (WorkerPool pool = new WorkerPool(config(1, 10, 0))) {
            pool.offer(busy, Duration.ZERO);
            busy.awaitStarted();
            pool.offer(half, Duration.ZERO);
            Future<Handover> large = producers.submit(() -> pool.offer(task(900, () -> {}), AGES));
            awaitUntil(() -> pool.snapshot().producersWaiting() == 1);
            Future<Handover> small = producers.submit(() -> pool.offer(task(1, () -> {}), AGES));
            awaitUntil(() -> pool.snapshot().producersWaiting() == 2);

            large.cancel(true);

            assertThat(small.get(LONG.toSeconds(), TimeUnit.SECONDS)).isEqualTo(Handover.QUEUED);
            letAllGo(busy, half);
        }
    }

    @Test
    void anInterruptEndsTheWaitAndTheTaskIsNotKept() throws Exception {
        Gate busy = new Gate();
        Gate queued = new Gate();
        AtomicInteger ran = new AtomicInteger();
        try (WorkerPool pool = new WorkerPool(config(1, 1, 0))) {
            fill(pool, busy, queued);
            Thread.currentThread().interrupt();

            assertThatThrownBy(() -> pool.offer(task(ran::incrementAndGet), LONG))
                    .isInstanceOf(InterruptedException.class);

            assertThat(Thread.interrupted()).isFalse();
            assertThat(pool.snapshot().producersWaiting()).isZero();
            letAllGo(busy, queued);
            queued.awaitDone();
        }
        assertThat(ran).hasValue(0);
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
    void theCallersThreadIsItsOwnAgainAfterATask() throws Exception {
        Gate busy = new Gate();
        Gate queued = new Gate();
        Thread self = Thread.currentThread();
        ClassLoader poolLoader = self.getContextClassLoader();
        String name = self.getName();
        AtomicReference<@Nullable ClassLoader> seenLoader = new AtomicReference<>();
        AtomicReference<@Nullable Boolean> seenInterrupt = new AtomicReference<>();
        try (WorkerPool pool = new WorkerPool(config(1, 1, 1));
                URLClassLoader callers = new URLClassLoader(new URL[0], poolLoader)) {
            fill(pool, busy, queued);
            self.setContextClassLoader(callers);
            try {
                PoolTask meddling = task(() -> {
                    seenLoader.set(Thread.currentThread().getContextClassLoader());
                    seenInterrupt.set(Thread.currentThread().isInterrupted());
                    Thread.currentThread().setName("changed");
                    Thread.currentThread().setContextClassLoader(null);
                    Thread.currentThread().interrupt();
                });
                assertThat(pool.offer(meddling, Duration.ZERO)).isEqualTo(Handover.RAN_IN_CALLER);
                assertThat(Thread.interrupted()).as("the task's interrupt").isFalse();
                assertThat(self.getName()).isEqualTo(name);
                assertThat(self.getContextClassLoader()).isSameAs(callers);
                assertThat(seenLoader.get()).isSameAs(poolLoader);

                self.interrupt();
                pool.offer(meddling, Duration.ZERO);
                assertThat(Thread.interrupted())
                        .as("the caller's own interrupt")
                        .isTrue();
                assertThat(seenInterrupt.get()).isFalse();
            } finally {
                self.setContextClassLoader(poolLoader);
            }
            letAllGo(busy, queued);
        }
    }

    @Test
    void anInterruptLeftByATaskDoesNotReachTheNextOnTheSameWorker() throws Exception {
        CountDownLatch ended = new CountDownLatch(1);
        AtomicReference<@Nullable Boolean> atEnd = new AtomicReference<>();
        PoolListener atFinish = new PoolListener() {
            @Override
            public void finished(PoolTask task, long busyNanos) {
                atEnd.compareAndSet(null, Thread.currentThread().isInterrupted());
                ended.countDown();
            }
        };
        try (WorkerPool pool = new WorkerPool(config(1, 1, 0), atFinish)) {
            pool.offer(task(() -> Thread.currentThread().interrupt()), LONG);
            awaitUninterruptibly(ended);
        }
        assertThat(atEnd.get()).isFalse();
    }

    @Test
    void aTaskThatThrowsIsCountedAndTheWorkerLivesOn() throws Exception {
        LinkedBlockingQueue<Throwable> thrown = new LinkedBlockingQueue<>();
        LinkedBlockingQueue<Thread> threads = new LinkedBlockingQueue<>();
        PoolListener listener = new PoolListener() {
            @Override
            public void started(PoolTask task, long waitedNanos, boolean inCaller) {
                threads.add(Thread.currentThread());
                throw new IllegalArgumentException("listener");
            }

            @Override
            public void uncaught(PoolTask task, Throwable cause) {
                thrown.add(cause);
            }
        };
        try (WorkerPool pool = new WorkerPool(config(1, 1, 0), listener)) {
            pool.offer(
                    task(() -> {
                        throw new AssertionError("task");
                    }),
                    LONG);
            pool.offer(task(() -> {}), LONG);
            awaitUntil(() -> pool.snapshot().completedTotal() == 2);

            assertThat(thrown).extracting(Throwable::getMessage).containsExactly("listener", "task", "listener");
            assertThat(pool.snapshot().uncaughtTotal()).isEqualTo(3);
            assertThat(threads.take()).isSameAs(threads.take());
        }
    }

    @Test
    void aVirtualMachineErrorReachesTheThreadsHandlerAndTheWorkerIsReplacedUnderItsName() throws Exception {
        LinkedBlockingQueue<Throwable> dead = new LinkedBlockingQueue<>();
        LinkedBlockingQueue<Thread> threads = new LinkedBlockingQueue<>();
        try (WorkerPool pool = new WorkerPool(config(1, 1, 0))) {
            pool.offer(
                    task(() -> {
                        threads.add(Thread.currentThread());
                        Thread.currentThread().setUncaughtExceptionHandler((thread, error) -> dead.add(error));
                        throw new StackOverflowError("on purpose");
                    }),
                    LONG);
            assertThat(dead.poll(LONG.toSeconds(), TimeUnit.SECONDS)).hasMessage("on purpose");
            pool.offer(task(() -> threads.add(Thread.currentThread())), LONG);

            awaitUntil(() -> threads.size() == 2);
            Thread first = threads.take();
            Thread second = threads.take();
            assertThat(second).isNotSameAs(first);
            assertThat(second.getName()).isEqualTo("test-worker-1");
            awaitUntil(() -> pool.snapshot().completedTotal() == 2);
            assertThat(pool.snapshot().activeWorkers()).isZero();
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

    private static void fill(WorkerPool pool, Gate busy, Gate queued) throws InterruptedException {
        assertThat(pool.offer(busy, Duration.ZERO)).isEqualTo(Handover.QUEUED);
        busy.awaitStarted();
        assertThat(pool.offer(queued, Duration.ZERO)).isEqualTo(Handover.QUEUED);
    }

    /** One after the other, so that none of them waits behind another. */
    private static void occupy(WorkerPool pool, Gate... gates) throws InterruptedException {
        for (Gate gate : gates) {
            pool.offer(gate, Duration.ZERO);
            gate.awaitStarted();
        }
    }

    private static void letAllGo(Gate... gates) {
        for (Gate gate : gates) {
            gate.letGo();
        }
    }

    private static Handover offerOrFail(WorkerPool pool, PoolTask task) {
        try {
            return pool.offer(task, AGES);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
