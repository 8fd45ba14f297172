package io.conveyor.pool;

import static io.conveyor.pool.PoolTasks.AGES;
import static io.conveyor.pool.PoolTasks.LONG;
import static io.conveyor.pool.PoolTasks.awaitUninterruptibly;
import static io.conveyor.pool.PoolTasks.awaitUntil;
import static io.conveyor.pool.PoolTasks.config;
import static io.conveyor.pool.PoolTasks.task;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.conveyor.pool.PoolTasks.Gate;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

class DrainTest {

    private final ExecutorService producers = Executors.newCachedThreadPool();

    @AfterEach
    void endProducers() {
        producers.shutdownNow();
    }

    @Test
    void queuedTasksAreHandedBackOnceAndRunningOnesFinish() throws Exception {
        Gate running = new Gate();
        PoolTask first = task(100, () -> {});
        PoolTask second = task(100, () -> {});
        WorkerPool pool = new WorkerPool(config(1, 5, 0));
        pool.offer(running, Duration.ZERO);
        running.awaitStarted();
        pool.offer(first, Duration.ZERO);
        pool.offer(second, Duration.ZERO);

        Future<DrainReport> draining = producers.submit(() -> pool.drain(LONG));
        awaitUntil(() -> pool.executor().isShutdown() && pool.snapshot().queued() == 0);
        running.letGo();
        DrainReport report = draining.get();

        assertThat(report.returned()).containsExactly(first, second);
        assertThat(report.finished()).isEqualTo(1);
        assertThat(report.interrupted()).isZero();
        assertThat(report.stuck()).isEmpty();
        assertThat(pool.snapshot().queuedBytes()).isZero();
        assertThat(pool.drain(LONG).returned()).isEmpty();
        pool.close();
    }

    @Test
    void afterTheLimitWorkersAndCallersAreInterruptedInsideTheirGuards() throws Exception {
        CountDownLatch running = new CountDownLatch(2);
        Gate queued = new Gate();
        WorkerPool pool = new WorkerPool(config(1, 1, 1));
        List<Guard.@Nullable Cause> causes = new ArrayList<>();
        PoolTask endless = task(() -> {
            Guard guard = pool.guard(LONG);
            try (guard) {
                running.countDown();
                new CountDownLatch(1).await();
            } catch (InterruptedException e) {
                synchronized (causes) {
                    causes.add(guard.cause());
                }
            }
        });
        pool.offer(endless, Duration.ZERO);
        awaitUntil(() -> running.getCount() == 1);
        pool.offer(queued, Duration.ZERO);
        Future<Handover> caller = producers.submit(() -> pool.offer(endless, Duration.ZERO));
        awaitUninterruptibly(running);

        DrainReport report = pool.drain(Duration.ofMillis(1));

        assertThat(report.returned()).containsExactly(queued);
        assertThat(report.interrupted()).isEqualTo(2);
        assertThat(report.finished()).isZero();
        assertThat(report.stuck()).isEmpty();
        assertThat(causes).containsExactly(Guard.Cause.DRAIN, Guard.Cause.DRAIN);
        assertThat(caller.get()).isEqualTo(Handover.RAN_IN_CALLER);
    }

    @Test
    void aSectionThatOpensAfterTheInterruptsIsInterruptedAtOnce() throws Exception {
        Gate before = new Gate();
        AtomicReference<Guard.@Nullable Cause> cause = new AtomicReference<>();
        WorkerPool pool = new WorkerPool(config(1, 1, 0));
        pool.offer(
                task(() -> {
                    before.run();
                    try (Guard guard = pool.guard(LONG)) {
                        cause.set(guard.cause());
                    }
                }),
                Duration.ZERO);
        before.awaitStarted();

        DrainReport report = pool.drain(Duration.ZERO);
        assertThat(report.stuck()).containsExactly("test-worker-1");
        before.letGo();
        awaitUntil(() -> pool.snapshot().completedTotal() == 1);

        assertThat(cause.get()).isEqualTo(Guard.Cause.DRAIN);
        assertThat(pool.drain(LONG).stuck()).isEmpty();
        assertThat(pool.drain(LONG).interrupted()).isEqualTo(1);
    }

    @Test
    void drainWaitsForCallersToo() throws Exception {
        Gate busy = new Gate();
        Gate inCaller = new Gate();
        WorkerPool pool = new WorkerPool(config(1, 1, 1));
        pool.offer(busy, Duration.ZERO);
        busy.awaitStarted();
        pool.offer(task(() -> {}), Duration.ZERO);
        Future<Handover> caller = producers.submit(() -> pool.offer(inCaller, Duration.ZERO));
        inCaller.awaitStarted();

        Future<DrainReport> draining = producers.submit(() -> pool.drain(AGES));
        awaitUntil(() -> pool.executor().isShutdown() && pool.snapshot().queued() == 0);
        busy.letGo();
        awaitUntil(() -> pool.executor().isTerminated());
        // Whatever the machine does, a drain that waits for the caller is not done yet.
        assertThatThrownBy(() -> draining.get(100, TimeUnit.MILLISECONDS)).isInstanceOf(TimeoutException.class);
        inCaller.letGo();

        assertThat(draining.get(LONG.toSeconds(), TimeUnit.SECONDS).finished()).isEqualTo(2);
        assertThat(caller.get()).isEqualTo(Handover.RAN_IN_CALLER);
    }

    @Test
    void aCallerThatGoesOnIsInterruptedAlthoughTheWorkersAreQuiet() throws Exception {
        Gate busy = new Gate();
        Gate queued = new Gate();
        CountDownLatch running = new CountDownLatch(1);
        AtomicReference<Guard.@Nullable Cause> cause = new AtomicReference<>();
        WorkerPool pool = new WorkerPool(config(1, 1, 1));
        PoolTasks.fill(pool, busy, queued);
        Future<Handover> caller = producers.submit(() -> pool.offer(
                task(() -> {
                    Guard guard = pool.guard(AGES);
                    try (guard) {
                        running.countDown();
                        new CountDownLatch(1).await();
                    } catch (InterruptedException e) {
                        cause.set(guard.cause());
                    }
                }),
                Duration.ZERO));
        awaitUninterruptibly(running);
        PoolTasks.letAllGo(busy, queued);
        awaitUntil(() -> pool.snapshot().completedTotal() == 2);
        // Else the drain may find that the workers have not ended yet, and interrupt for that.
        pool.executor().shutdown();
        awaitUntil(() -> pool.executor().isTerminated());

        DrainReport report = pool.drain(Duration.ofMillis(1));

        assertThat(report).isEqualTo(new DrainReport(List.of(), 0, 1, List.of()));
        assertThat(cause.get()).isEqualTo(Guard.Cause.DRAIN);
        assertThat(caller.get()).isEqualTo(Handover.RAN_IN_CALLER);
    }

    @Test
    void aSecondDrainReturnsAtOnceWithWhatThereIs() throws Exception {
        Gate busy = new Gate();
        WorkerPool pool = new WorkerPool(config(1, 1, 0));
        PoolTasks.occupy(pool, busy);
        Future<DrainReport> first = producers.submit(() -> pool.drain(AGES));
        awaitUntil(() -> pool.executor().isShutdown());

        Future<DrainReport> second = producers.submit(() -> pool.drain(AGES));

        assertThat(second.get(LONG.toSeconds(), TimeUnit.SECONDS).stuck()).containsExactly("test-worker-1");
        busy.letGo();
        assertThat(first.get(LONG.toSeconds(), TimeUnit.SECONDS).finished()).isEqualTo(1);
    }

    @Test
    void whoWaitsIsRefusedAndWhoComesLater() throws Exception {
        Gate busy = new Gate();
        Gate queued = new Gate();
        WorkerPool pool = new WorkerPool(config(1, 1, 1));
        pool.offer(busy, Duration.ZERO);
        busy.awaitStarted();
        pool.offer(queued, Duration.ZERO);
        Future<Boolean> waiting = producers.submit(() -> pool.enqueue(task(() -> {}), AGES));
        awaitUntil(() -> pool.snapshot().producersWaiting() == 1);

        producers.execute(pool::close);

        assertThatThrownBy(() -> waiting.get(LONG.toSeconds(), TimeUnit.SECONDS))
                .hasCauseInstanceOf(RejectedExecutionException.class)
                .hasMessageContaining("'test' is shut down");
        assertThatThrownBy(() -> pool.offer(task(() -> {}), LONG)).isInstanceOf(RejectedExecutionException.class);
        assertThat(pool.snapshot().refusedAfterShutdown()).isEqualTo(2);
        busy.letGo();
    }

    @Test
    void drainBeforeAnyUseAndTwiceIsLegal() {
        WorkerPool pool = new WorkerPool(config(2, 2, 2));
        DrainReport nothing = new DrainReport(List.of(), 0, 0, List.of());
        assertThat(pool.drain(LONG)).isEqualTo(nothing);
        assertThat(pool.drain(LONG)).isEqualTo(nothing);
        assertThat(pool.executor().isTerminated()).isTrue();
    }

    @Test
    void anInterruptOfTheDrainingThreadCutsTheWaitShortAndIsKept() throws Exception {
        Gate busy = new Gate();
        WorkerPool pool = new WorkerPool(config(1, 1, 0));
        pool.offer(busy, Duration.ZERO);
        busy.awaitStarted();
        Thread.currentThread().interrupt();

        DrainReport report = pool.drain(LONG);

        assertThat(Thread.interrupted()).isTrue();
        assertThat(report.stuck()).containsExactly("test-worker-1");
        busy.letGo();
    }

    @Test
    void aDrainThatIsInterruptedInterruptsTheSectionsAllTheSame() throws Exception {
        CountDownLatch running = new CountDownLatch(1);
        CompletableFuture<Guard.@Nullable Cause> cause = new CompletableFuture<>();
        WorkerPool pool = new WorkerPool(config(1, 1, 0));
        PoolTask endless = task(() -> {
            Guard guard = pool.guard(AGES);
            try (guard) {
                running.countDown();
                new CountDownLatch(1).await();
            } catch (InterruptedException e) {
                cause.complete(guard.cause());
            }
        });
        pool.offer(endless, Duration.ZERO);
        awaitUninterruptibly(running);
        Thread.currentThread().interrupt();

        pool.drain(AGES);

        assertThat(Thread.interrupted()).isTrue();
        assertThat(cause.get(LONG.toSeconds(), TimeUnit.SECONDS)).isEqualTo(Guard.Cause.DRAIN);
    }

    /** Producers and the drain race: each task is run, or handed back, or refused, and exactly one of it. */
    @RepeatedTest(100)
    void everyTaskIsRunOrHandedBackOrRefused() throws Exception {
        long seed = System.nanoTime();
        SplittableRandom random = new SplittableRandom(seed);
        int workers = random.nextInt(1, 4);
        WorkerPool pool = new WorkerPool(config(workers, random.nextInt(1, 8), random.nextInt(0, 3)));
        int count = random.nextInt(2, 8);
        CountDownLatch start = new CountDownLatch(1);
        List<Future<List<Counted>>> posts = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            SplittableRandom own = random.split();
            posts.add(producers.submit(() -> post(pool, own, start)));
        }
        start.countDown();
        spin(random.nextInt(200_000));
        DrainReport report = pool.drain(LONG);

        Map<PoolTask, Integer> returned = new HashMap<>();
        report.returned().forEach(task -> returned.merge(task, 1, Integer::sum));
        for (Future<List<Counted>> post : posts) {
            for (Counted task : post.get(LONG.toSeconds(), TimeUnit.SECONDS)) {
                assertThat(task.ran.get() + returned.getOrDefault(task, 0) + task.notTaken)
                        .as("seed %d, ran %s, returned %s", seed, task.ran, returned.get(task))
                        .isEqualTo(1);
            }
        }
        assertThat(report.stuck()).isEmpty();
        assertThat(pool.snapshot().queuedBytes()).as("seed %d", seed).isZero();
    }

    private static List<Counted> post(WorkerPool pool, SplittableRandom random, CountDownLatch start)
            throws InterruptedException {
        List<Counted> tasks = new ArrayList<>();
        start.await();
        while (true) {
            Counted task = new Counted(random.nextInt(500), random.nextInt(50));
            tasks.add(task);
            try {
                boolean taken = random.nextBoolean()
                        ? pool.offer(task, LONG) != Handover.NO_ROOM
                        : pool.enqueue(task, Duration.ofNanos(random.nextInt(20_000)));
                task.notTaken = taken ? 0 : 1;
            } catch (RejectedExecutionException e) {
                task.notTaken = 1;
                return tasks;
            }
        }
    }

    private static void spin(int rounds) {
        for (int i = 0; i < rounds; i++) {
            Thread.onSpinWait();
        }
    }

    private static final class Counted implements PoolTask {

        private final long bytes;
        private final int rounds;
        private final AtomicInteger ran = new AtomicInteger();

        /** Written by the producer, published by its future. */
        private int notTaken;

        Counted(long bytes, int rounds) {
            this.bytes = bytes;
            this.rounds = rounds;
        }

        @Override
        public long bytes() {
            return bytes;
        }

        @Override
        public void run() {
            spin(rounds);
            ran.incrementAndGet();
        }
    }
}
