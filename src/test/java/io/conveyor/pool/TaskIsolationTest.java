package io.conveyor.pool;

import static io.conveyor.pool.PoolTasks.LONG;
import static io.conveyor.pool.PoolTasks.awaitUninterruptibly;
import static io.conveyor.pool.PoolTasks.awaitUntil;
import static io.conveyor.pool.PoolTasks.config;
import static io.conveyor.pool.PoolTasks.fill;
import static io.conveyor.pool.PoolTasks.letAllGo;
import static io.conveyor.pool.PoolTasks.offerOrFail;
import static io.conveyor.pool.PoolTasks.task;
import static org.assertj.core.api.Assertions.assertThat;

import io.conveyor.pool.PoolTasks.Gate;
import java.net.URL;
import java.net.URLClassLoader;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What a task does to its thread, or throws, harms nobody who comes after it. */
class TaskIsolationTest {

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
    void aListenerThatThrowsAtTheEndOrWhenItIsToldOfThatIsCountedAndTheWorkerLivesOn() throws Exception {
        LinkedBlockingQueue<Thread> threads = new LinkedBlockingQueue<>();
        PoolListener listener = new PoolListener() {
            @Override
            public void finished(PoolTask task, long busyNanos) {
                throw new IllegalArgumentException("finished");
            }

            @Override
            public void uncaught(PoolTask task, Throwable cause) {
                throw new IllegalStateException("told");
            }
        };
        try (WorkerPool pool = new WorkerPool(config(1, 1, 0), listener)) {
            for (int i = 0; i < 2; i++) {
                pool.offer(task(() -> threads.add(Thread.currentThread())), LONG);
            }
            awaitUntil(() -> pool.snapshot().uncaughtTotal() == 4);
            assertThat(threads.take()).isSameAs(threads.take());
        }
    }

    @Test
    void theListenerHearsHowLongATaskHasWaitedAndRunAndWhere() throws Exception {
        AtomicLong clock = new AtomicLong(-5000);
        LinkedBlockingQueue<String> heard = new LinkedBlockingQueue<>();
        PoolListener listener = new PoolListener() {
            @Override
            public void started(PoolTask task, long waitedNanos, boolean inCaller) {
                heard.add("waited " + waitedNanos + (inCaller ? " in its caller" : ""));
            }

            @Override
            public void finished(PoolTask task, long busyNanos) {
                heard.add("ran " + busyNanos);
            }
        };
        Gate busy = new Gate();
        try (WorkerPool pool = new WorkerPool(config(1, 1, 1), listener, clock::get)) {
            pool.offer(busy, LONG);
            busy.awaitStarted();
            pool.offer(task(() -> clock.addAndGet(7)), LONG);
            clock.addAndGet(100);
            pool.offer(task(() -> clock.addAndGet(20)), LONG);
            busy.letGo();
            awaitUntil(() -> pool.snapshot().completedTotal() == 3);
            awaitUntil(() -> heard.size() == 6);

            assertThat(heard)
                    .containsExactly("waited 0", "waited 0 in its caller", "ran 20", "ran 120", "waited 120", "ran 7");
        }
    }

    /** Whoever makes it: a thread is by default what its maker is. */
    @Test
    void noThreadOfThePoolKeepsTheProcessFromEnding() throws Exception {
        FutureTask<WorkerPool> making =
                new FutureTask<>(() -> new WorkerPool(new WorkerPoolConfig("daemons", 2, 1, 1000, 0)));
        Thread maker = new Thread(making);
        maker.setDaemon(false);
        maker.start();
        try (WorkerPool pool = making.get(LONG.toSeconds(), TimeUnit.SECONDS)) {
            awaitUntil(() -> threadsOf("daemons-").size() == 3);
            assertThat(threadsOf("daemons-")).allMatch(Thread::isDaemon);
            assertThat(pool.snapshot().workers()).isEqualTo(2);
        }
    }

    private static List<Thread> threadsOf(String prefix) {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().startsWith(prefix))
                .toList();
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

    /** A task of one pool brings one to another that is full, and runs it itself. */
    @Test
    void aTaskWithinATaskOfAnotherPoolIsInsideBothAndItsSectionIsOfItsOwn() throws Exception {
        Gate busy = new Gate();
        Gate queued = new Gate();
        CompletableFuture<List<Boolean>> inside = new CompletableFuture<>();
        CompletableFuture<List<Boolean>> behind = new CompletableFuture<>();
        try (WorkerPool outer = new WorkerPool(config(1, 1, 0));
                WorkerPool inner = new WorkerPool(config(1, 1, 1));
                WorkerPool stranger = new WorkerPool(config(1, 1, 0))) {
            fill(inner, busy, queued);
            PoolTask innermost = task(() -> inside.complete(List.of(
                    outer.isInsideTask(),
                    inner.isInsideTask(),
                    stranger.isInsideTask(),
                    opens(outer),
                    opens(inner),
                    opens(stranger))));
            outer.offer(
                    task(() -> {
                        offerOrFail(inner, innermost);
                        behind.complete(
                                List.of(outer.isInsideTask(), inner.isInsideTask(), opens(outer), opens(inner)));
                    }),
                    LONG);

            assertThat(inside.get(LONG.toSeconds(), TimeUnit.SECONDS))
                    .containsExactly(true, true, false, false, true, false);
            assertThat(behind.get(LONG.toSeconds(), TimeUnit.SECONDS)).containsExactly(true, false, true, false);
            letAllGo(busy, queued);
        }
    }

    /** Whether the calling thread may open a section of that pool. */
    private static boolean opens(WorkerPool pool) {
        try {
            pool.guard(LONG).close();
            return true;
        } catch (IllegalStateException e) {
            return false;
        }
    }
}
