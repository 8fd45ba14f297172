package io.conveyor.pool;

import static io.conveyor.pool.PoolTasks.AGES;
import static io.conveyor.pool.PoolTasks.LONG;
import static io.conveyor.pool.PoolTasks.awaitUninterruptibly;
import static io.conveyor.pool.PoolTasks.awaitUntil;
import static io.conveyor.pool.PoolTasks.config;
import static io.conveyor.pool.PoolTasks.offerOrFail;
import static io.conveyor.pool.PoolTasks.task;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.conveyor.pool.PoolTasks.Gate;
import java.io.IOException;
import java.time.Duration;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class OrderedMapTest {

    private final ExecutorService others = Executors.newCachedThreadPool();
    private final WorkerPool pool = new WorkerPool(config(4, 4, 0));

    @AfterEach
    void end() {
        pool.close();
        others.shutdownNow();
    }

    @Test
    void oneAtATimeIsAMapAsWell() throws Exception {
        assertThat(pool.map(List.of(1, 2, 3), 1, number -> number * 2)).containsExactly(2, 4, 6);
    }

    @Test
    void resultsComeInInputOrderWhateverTheOrderOfEnding() throws Exception {
        CountDownLatch secondDone = new CountDownLatch(1);
        List<String> results = pool.map(List.of(0, 1, 2, 3), 4, number -> {
            if (number == 0) {
                awaitUninterruptibly(secondDone);
            } else {
                secondDone.countDown();
            }
            return "r" + number;
        });
        assertThat(results).containsExactly("r0", "r1", "r2", "r3");
    }

    @Test
    void atMostConcurrencyRunAndArePulledAhead() throws Exception {
        AtomicInteger pulled = new AtomicInteger();
        AtomicInteger ended = new AtomicInteger();
        AtomicInteger mostAhead = new AtomicInteger();
        AtomicInteger now = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        CountDownLatch threeAtOnce = new CountDownLatch(3);
        Iterable<Integer> lazy =
                () -> pulling(500, pulled, () -> mostAhead.accumulateAndGet(pulled.get() - ended.get(), Math::max));

        List<Integer> results = pool.map(lazy, 3, number -> {
            most.accumulateAndGet(now.incrementAndGet(), Math::max);
            threeAtOnce.countDown();
            awaitUninterruptibly(threeAtOnce);
            now.decrementAndGet();
            ended.incrementAndGet();
            return number;
        });

        assertThat(results).hasSize(500).isSorted();
        assertThat(most).hasValue(3);
        assertThat(mostAhead.get()).isEqualTo(3);
    }

    @Test
    void theFirstErrorInterruptsTheRunningAndTheRestNeverStarts() throws Exception {
        CountDownLatch running = new CountDownLatch(1);
        AtomicInteger interrupted = new AtomicInteger();
        AtomicInteger started = new AtomicInteger();
        AtomicInteger pulled = new AtomicInteger();
        IOException broken = new IOException("broken");

        assertThatThrownBy(() -> pool.map(() -> pulling(1000, pulled, () -> {}), 2, number -> {
                    started.incrementAndGet();
                    if (number == 1) {
                        awaitUninterruptibly(running);
                        throw broken;
                    }
                    running.countDown();
                    try {
                        new CountDownLatch(1).await();
                    } catch (InterruptedException e) {
                        interrupted.incrementAndGet();
                        throw e;
                    }
                    return number;
                }))
                .isInstanceOf(ExecutionException.class)
                .hasCause(broken);

        assertThat(interrupted).hasValue(1);
        assertThat(started).hasValue(2);
        assertThat(pulled).hasValue(2);
    }

    @Test
    void anItemThatAWorkerTakesAfterTheErrorDoesNotStart() throws Exception {
        try (WorkerPool small = new WorkerPool(config(2, 1, 0))) {
            Gate other = new Gate();
            small.offer(other, LONG);
            other.awaitStarted();
            CountDownLatch waiting = new CountDownLatch(1);
            AtomicInteger started = new AtomicInteger();
            Future<List<Integer>> map = others.submit(() -> small.map(List.of(0, 1, 2), 3, number -> {
                started.incrementAndGet();
                awaitUninterruptibly(waiting);
                // The free worker takes a second item after this one; it must find the failure.
                throw new IOException("broken");
            }));
            awaitUntil(() -> small.snapshot().producersWaiting() == 1);
            waiting.countDown();

            assertThatThrownBy(() -> map.get(LONG.toSeconds(), TimeUnit.SECONDS))
                    .hasRootCauseInstanceOf(IOException.class);
            assertThat(started).hasValue(1);
            other.letGo();
        }
    }

    @Test
    void anErrorEndsTheWaitForRoomInAJammedPool() throws Exception {
        Gate next = new Gate();
        CountDownLatch jammed = new CountDownLatch(1);
        CountDownLatch fail = new CountDownLatch(1);
        AtomicInteger pulled = new AtomicInteger();
        try (WorkerPool one = new WorkerPool(config(1, 1, 0))) {
            Iterable<Integer> inputs = () -> pulling(2, pulled, () -> {
                if (pulled.get() == 2) {
                    awaitUninterruptibly(jammed);
                }
            });
            Future<List<Integer>> map = others.submit(() -> one.map(inputs, 2, number -> {
                awaitUninterruptibly(fail);
                throw new IOException("broken");
            }));
            awaitUntil(() -> pulled.get() == 2 && one.snapshot().activeWorkers() == 1);
            one.offer(next, Duration.ZERO);
            Future<Boolean> inFront = others.submit(() -> one.enqueue(task(() -> {}), AGES));
            awaitUntil(() -> one.snapshot().producersWaiting() == 1);
            jammed.countDown();
            awaitUntil(() -> one.snapshot().producersWaiting() == 2);
            fail.countDown();

            // The worker is now in the gate and the one in front has taken the room: only the failure can end the wait.
            assertThatThrownBy(() -> map.get(LONG.toSeconds(), TimeUnit.SECONDS))
                    .hasRootCauseInstanceOf(IOException.class);
            assertThat(inFront.get()).isTrue();
            next.letGo();
        }
    }

    @Test
    void anInterruptOfTheCallerCancelsAll() throws Exception {
        CountDownLatch running = new CountDownLatch(2);
        AtomicInteger interrupted = new AtomicInteger();
        CompletableFuture<Throwable> outcome = new CompletableFuture<>();
        Thread caller = new Thread(() -> {
            try {
                pool.map(List.of(0, 1, 2, 3), 2, number -> {
                    running.countDown();
                    try {
                        new CountDownLatch(1).await();
                    } catch (InterruptedException e) {
                        interrupted.incrementAndGet();
                    }
                    return number;
                });
            } catch (Exception e) {
                outcome.complete(e);
            }
        });
        caller.start();
        awaitUninterruptibly(running);
        caller.interrupt();

        assertThat(outcome.get(LONG.toSeconds(), TimeUnit.SECONDS)).isInstanceOf(InterruptedException.class);
        assertThat(interrupted).hasValue(2);
    }

    @Test
    void withinATaskItWorksOnTheSpot() throws Exception {
        try (WorkerPool one = new WorkerPool(config(1, 1, 0))) {
            CompletableFuture<List<String>> result = new CompletableFuture<>();
            one.offer(
                    task(() -> {
                        try {
                            result.complete(one.map(
                                    List.of(1, 2, 3),
                                    2,
                                    number -> number + Thread.currentThread().getName()));
                        } catch (Exception e) {
                            result.completeExceptionally(e);
                        }
                    }),
                    LONG);
            assertThat(result.get(LONG.toSeconds(), TimeUnit.SECONDS))
                    .containsExactly("1test-worker-1", "2test-worker-1", "3test-worker-1");
        }
    }

    @Test
    void withinATaskItEndsWithTheFirstFailureOrInterrupt() throws Exception {
        IOException broken = new IOException("broken");
        StackOverflowError deep = new StackOverflowError("on purpose");
        try (WorkerPool one = new WorkerPool(config(1, 1, 0))) {
            assertThat(mapWithinATask(one, () -> {
                        throw broken;
                    }))
                    .isInstanceOf(ExecutionException.class)
                    .hasCause(broken);
            assertThat(mapWithinATask(one, () -> {
                        throw new InterruptedException("of its own");
                    }))
                    .isInstanceOf(InterruptedException.class)
                    .hasMessage("of its own");
            assertThat(mapWithinATask(one, () -> {
                        throw deep;
                    }))
                    .isSameAs(deep);
            assertThat(mapWithinATask(one, () -> {
                        Thread.currentThread().interrupt();
                        return 1;
                    }))
                    .isInstanceOf(InterruptedException.class)
                    .hasMessageContaining("between two inputs");
        }
    }

    /** What a map of two inputs throws whose mapper does this. */
    private static Throwable mapWithinATask(WorkerPool pool, Callable<Integer> mapper) throws Exception {
        CompletableFuture<Throwable> outcome = new CompletableFuture<>();
        AtomicInteger calls = new AtomicInteger();
        pool.offer(
                task(() -> {
                    try {
                        pool.map(List.of(1, 2), 2, number -> {
                            calls.incrementAndGet();
                            return mapper.call();
                        });
                    } catch (Exception | StackOverflowError e) {
                        outcome.complete(e);
                    }
                }),
                LONG);
        Throwable thrown = outcome.get(LONG.toSeconds(), TimeUnit.SECONDS);
        assertThat(calls).hasValue(1);
        return thrown;
    }

    @Test
    void aVirtualMachineErrorEndsItAndReachesTheThreadsHandlerAsWell() throws Exception {
        StackOverflowError deep = new StackOverflowError("on purpose");
        CompletableFuture<Throwable> handled = new CompletableFuture<>();
        assertThatThrownBy(() -> pool.map(List.of(1), 1, number -> {
                    Thread.currentThread().setUncaughtExceptionHandler((thread, error) -> handled.complete(error));
                    throw deep;
                }))
                .isInstanceOf(ExecutionException.class)
                .hasCause(deep);
        assertThat(handled.get(LONG.toSeconds(), TimeUnit.SECONDS)).isSameAs(deep);
    }

    /** The one that waits for room never has any, and does not count as one that has ended. */
    @Test
    void anInterruptInTheWaitForRoomIsThrownOnlyWhenAllThatRunHaveEnded() throws Exception {
        Gate next = new Gate();
        CountDownLatch full = new CountDownLatch(1);
        CountDownLatch letGo = new CountDownLatch(1);
        AtomicInteger pulled = new AtomicInteger();
        AtomicBoolean ended = new AtomicBoolean();
        CompletableFuture<Boolean> endedBefore = new CompletableFuture<>();
        try (WorkerPool one = new WorkerPool(config(1, 1, 0))) {
            Iterable<Integer> inputs = () -> pulling(2, pulled, () -> {
                if (pulled.get() == 2) {
                    awaitUninterruptibly(full);
                }
            });
            Thread caller = new Thread(() -> {
                try {
                    one.map(inputs, 2, number -> {
                        offerOrFail(one, next);
                        full.countDown();
                        awaitUninterruptibly(letGo);
                        ended.set(true);
                        return number;
                    });
                } catch (InterruptedException e) {
                    endedBefore.complete(ended.get());
                } catch (ExecutionException e) {
                    endedBefore.completeExceptionally(e);
                }
            });
            caller.start();
            awaitUntil(() -> one.snapshot().producersWaiting() == 1);
            caller.interrupt();
            awaitUntil(() -> caller.getState() == Thread.State.WAITING || !caller.isAlive());
            letGo.countDown();

            assertThat(endedBefore.get(LONG.toSeconds(), TimeUnit.SECONDS)).isTrue();
            next.letGo();
        }
    }

    @Test
    void whatIsQueuedWhenTheCallerIsInterruptedNeverStartsAndIsNotWaitedFor() throws Exception {
        CountDownLatch running = new CountDownLatch(1);
        CountDownLatch letGo = new CountDownLatch(1);
        AtomicInteger started = new AtomicInteger();
        CompletableFuture<Throwable> outcome = new CompletableFuture<>();
        try (WorkerPool one = new WorkerPool(config(1, 1, 0))) {
            Thread caller = new Thread(() -> {
                try {
                    one.map(List.of(0, 1), 2, number -> {
                        started.incrementAndGet();
                        running.countDown();
                        awaitUninterruptibly(letGo);
                        return number;
                    });
                } catch (Exception e) {
                    outcome.complete(e);
                }
            });
            caller.start();
            awaitUninterruptibly(running);
            awaitUntil(() -> one.snapshot().queued() == 1);
            caller.interrupt();
            awaitUntil(() -> !caller.isInterrupted() && caller.getState() == Thread.State.WAITING);
            letGo.countDown();

            assertThat(outcome.get(LONG.toSeconds(), TimeUnit.SECONDS)).isInstanceOf(InterruptedException.class);
            awaitUntil(() -> one.snapshot().completedTotal() == 2);
            assertThat(started).hasValue(1);
        }
    }

    /** The calling thread has pulled all, and has waited for the first one already. */
    @Test
    void theLastOneMayFailAsWell() throws Exception {
        CountDownLatch exhausted = new CountDownLatch(1);
        CompletableFuture<Throwable> outcome = new CompletableFuture<>();
        AtomicInteger pulled = new AtomicInteger();
        Iterable<Integer> inputs = () -> new Iterator<>() {
            @Override
            public boolean hasNext() {
                if (pulled.get() == 2) {
                    exhausted.countDown();
                }
                return pulled.get() < 2;
            }

            @Override
            public Integer next() {
                return pulled.getAndIncrement();
            }
        };
        AtomicReference<Thread> caller = new AtomicReference<>();
        caller.set(new Thread(() -> {
            try {
                pool.map(inputs, 2, number -> {
                    if (number == 1) {
                        awaitUninterruptibly(exhausted);
                        awaitUntil(() -> caller.get().getState() == Thread.State.WAITING);
                        throw new IOException("broken");
                    }
                    return number;
                });
            } catch (Exception e) {
                outcome.complete(e);
            }
        }));
        caller.get().start();

        assertThat(outcome.get(LONG.toSeconds(), TimeUnit.SECONDS)).hasCauseInstanceOf(IOException.class);
    }

    @Test
    void aDrainThatInterruptsAMapperEndsItWithARefusalThatSaysWhy() throws Exception {
        CountDownLatch running = new CountDownLatch(1);
        try (WorkerPool one = new WorkerPool(config(1, 1, 0))) {
            Future<List<Integer>> map = others.submit(() -> one.map(List.of(1), 1, number -> {
                running.countDown();
                new CountDownLatch(1).await();
                return number;
            }));
            awaitUninterruptibly(running);

            one.drain(Duration.ZERO);

            assertThatThrownBy(() -> map.get(LONG.toSeconds(), TimeUnit.SECONDS))
                    .hasCauseInstanceOf(RejectedExecutionException.class)
                    .hasRootCauseInstanceOf(InterruptedException.class);
        }
    }

    @Test
    void aDrainEndsItWithARefusalAndKeepsItsItemsForItself() throws Exception {
        try (WorkerPool one = new WorkerPool(config(1, 5, 0))) {
            Gate first = new Gate();
            Future<List<Integer>> map = others.submit(() -> one.map(IntStream.range(0, 3)::iterator, 3, number -> {
                first.run();
                return number;
            }));
            first.awaitStarted();
            // One at the least: how many more may stand in the queue goes by how long they stood there before.
            awaitUntil(() -> one.snapshot().queued() >= 1);

            Future<DrainReport> drain = others.submit(() -> one.drain(LONG));
            awaitUntil(() -> one.snapshot().queued() == 0);
            first.letGo();

            assertThat(drain.get().returned()).isEmpty();
            assertThatThrownBy(() -> map.get(LONG.toSeconds(), TimeUnit.SECONDS))
                    .hasCauseInstanceOf(RejectedExecutionException.class);
        }
    }

    @Test
    void aBrokenIterableCancelsAllAndIsThrownAsItIs() {
        IllegalStateException broken = new IllegalStateException("no more");
        Iterable<Integer> inputs = () -> pulling(5, new AtomicInteger(), () -> {
            throw broken;
        });
        assertThatThrownBy(() -> pool.map(inputs, 2, number -> number)).isSameAs(broken);
        assertThatThrownBy(() -> pool.map(List.of(1), 0, number -> number)).hasMessageContaining("set it to 1 or more");
    }

    private static Iterator<Integer> pulling(int count, AtomicInteger pulled, Runnable afterPull) {
        return new Iterator<>() {
            @Override
            public boolean hasNext() {
                return pulled.get() < count;
            }

            @Override
            public Integer next() {
                int number = pulled.getAndIncrement();
                afterPull.run();
                return number;
            }
        };
    }
}
