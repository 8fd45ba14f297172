package io.conveyor.pool;

import static io.conveyor.pool.PoolTasks.LONG;
import static io.conveyor.pool.PoolTasks.awaitUninterruptibly;
import static io.conveyor.pool.PoolTasks.awaitUntil;
import static io.conveyor.pool.PoolTasks.config;
import static io.conveyor.pool.PoolTasks.task;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.spi.AbstractInterruptibleChannel;
import java.time.Duration;
import java.util.SplittableRandom;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class GuardTest {

    private final CountDownLatch never = new CountDownLatch(1);

    /** What a guarded section saw. */
    private record Seen(boolean thrown, Guard guard, boolean interruptedAfterwards) {}

    @Test
    void theLimitInterruptsTheSectionAndNothingIsLeftAfterwards() throws Exception {
        try (WorkerPool pool = new WorkerPool(config(1, 1, 0))) {
            Seen seen = runGuarded(pool, Duration.ofMillis(20), guard -> {});

            assertThat(seen.thrown).isTrue();
            assertThat(seen.guard.expired()).isTrue();
            assertThat(seen.guard.cause()).isEqualTo(Guard.Cause.LIMIT);
            assertThat(seen.interruptedAfterwards).isFalse();
        }
    }

    @Test
    void aShortLimitIsKeptAlthoughTheWatchdogSleepsForALongOne() throws Exception {
        try (WorkerPool pool = new WorkerPool(config(2, 2, 0))) {
            CompletableFuture<Guard> longOne = new CompletableFuture<>();
            pool.offer(task(() -> runSection(pool, LONG, longOne::complete)), LONG);
            Guard other = longOne.get();

            assertThat(runGuarded(pool, Duration.ofMillis(1), guard -> {}).guard.expired())
                    .isTrue();

            assertThat(other.cause()).isNull();
            assertThat(other.interrupt()).isTrue();
        }
    }

    /** Were the watchdog to look once a second only, this would take a minute, and the test has less patience. */
    @Test
    void shortLimitsWakeTheWatchdogBeforeItsNextTick() throws Exception {
        CompletableFuture<Boolean> allExpired = new CompletableFuture<>();
        try (WorkerPool pool = new WorkerPool(config(1, 1, 0))) {
            PoolTask sections = task(() -> {
                boolean expired = true;
                for (int i = 0; i < 60; i++) {
                    expired &= runSection(pool, Duration.ofMillis(1), guard -> {})
                            .guard
                            .expired();
                }
                allExpired.complete(expired);
            });
            pool.offer(sections, Duration.ZERO);
            assertThat(allExpired.get(LONG.toSeconds(), TimeUnit.SECONDS)).isTrue();
        }
    }

    @Test
    void aLimitOfZeroInterruptsAtOnce() throws Exception {
        AtomicBoolean expiredFromTheStart = new AtomicBoolean();
        try (WorkerPool pool = new WorkerPool(config(1, 1, 0))) {
            Seen seen = runGuarded(pool, Duration.ZERO, guard -> expiredFromTheStart.set(guard.expired()));
            assertThat(seen.thrown).isTrue();
        }
        assertThat(expiredFromTheStart).isTrue();
    }

    @Test
    void anInterruptFromOutsideIsNotAnExpiryAndALateOneDoesNothing() throws Exception {
        try (WorkerPool pool = new WorkerPool(config(1, 1, 0))) {
            Seen seen = runGuarded(pool, LONG, guard -> new Thread(guard::interrupt).start());

            assertThat(seen.thrown).isTrue();
            assertThat(seen.guard.expired()).isFalse();
            assertThat(seen.guard.cause()).isEqualTo(Guard.Cause.REQUEST);
            assertThat(seen.interruptedAfterwards).isFalse();
            assertThat(seen.guard.interrupt()).as("after the close").isFalse();
        }
    }

    @Test
    void closeClearsOurInterruptAndLeavesOthersAlone() throws Exception {
        AtomicReference<@Nullable Boolean> ours = new AtomicReference<>();
        AtomicReference<@Nullable Boolean> foreign = new AtomicReference<>();
        CountDownLatch done = new CountDownLatch(1);
        try (WorkerPool pool = new WorkerPool(config(1, 1, 0))) {
            pool.offer(
                    task(() -> {
                        try (Guard guard = pool.guard(LONG)) {
                            guard.interrupt();
                        }
                        ours.set(Thread.interrupted());
                        Thread.currentThread().interrupt();
                        pool.guard(LONG).close();
                        foreign.set(Thread.interrupted());
                        done.countDown();
                    }),
                    LONG);
            awaitUninterruptibly(done);
        }
        assertThat(ours.get()).isFalse();
        assertThat(foreign.get()).isTrue();
    }

    /** Takes the five seconds after which a job counts as stuck. */
    @Test
    void aTaskThatIgnoresItsInterruptIsToldOnceWithItsPlace() throws Exception {
        BlockingQueue<String> told = new LinkedBlockingQueue<>();
        PoolListener listener = new PoolListener() {
            @Override
            public void stuck(PoolTask task, String place, Thread thread) {
                told.add(place + " " + thread.getName());
            }
        };
        CountDownLatch done = new CountDownLatch(1);
        try (WorkerPool pool = new WorkerPool(config(1, 1, 0), listener)) {
            pool.offer(
                    task(() -> {
                        try (Guard guard = pool.guard(Duration.ofMillis(5))) {
                            awaitUninterruptibly(done);
                        }
                    }),
                    LONG);

            assertThat(told.poll(LONG.toSeconds(), TimeUnit.SECONDS)).isEqualTo("test-worker-1 test-worker-1");
            assertThat(pool.snapshot().crew())
                    .singleElement()
                    .satisfies(worker -> assertThat(worker.stuck()).isTrue());
            assertThat(told.poll(2, TimeUnit.SECONDS)).as("told again").isNull();
            done.countDown();
        }
    }

    @Test
    void aJobThatSwallowsTheFirstInterruptGetsAnother() throws Exception {
        AtomicInteger interrupts = new AtomicInteger();
        CountDownLatch done = new CountDownLatch(1);
        try (WorkerPool pool = new WorkerPool(config(1, 1, 0))) {
            pool.offer(
                    task(() -> {
                        try (Guard guard = pool.guard(Duration.ofMillis(5))) {
                            while (interrupts.get() < 2) {
                                if (waitsInVain()) {
                                    interrupts.incrementAndGet();
                                }
                            }
                            assertThat(guard.expired()).isTrue();
                        }
                        done.countDown();
                    }),
                    LONG);
            awaitUninterruptibly(done);
            assertThat(pool.snapshot().uncaughtTotal()).isZero();
        }
    }

    @Test
    void aSectionCountsAsStuckFiveSecondsAfterItsInterruptAndNotBefore() throws Exception {
        try (WorkerPool pool = new WorkerPool(config(1, 1, 0))) {
            Slot slot = new Slot(pool, 0, "slot", 0);
            Guard guard = slot.open(System.nanoTime() + LONG.toNanos());
            long later = System.nanoTime() + LONG.toNanos();
            assertThat(guard.isStuck(later)).as("never interrupted").isFalse();
            guard.interrupt();
            long interrupted = System.nanoTime();

            assertThat(guard.isStuck(interrupted + TimeUnit.SECONDS.toNanos(4))).isFalse();
            assertThat(guard.isStuck(interrupted + TimeUnit.SECONDS.toNanos(5))).isTrue();
            guard.close();
            assertThat(guard.isStuck(later)).as("closed").isFalse();
        }
    }

    /** Interrupts and closes race on purpose: no interrupt may come through to the code behind the close. */
    @Test
    void noInterruptEverLeaksOutOfTheGuardWhileBothSidesRace() throws Exception {
        long seed = System.nanoTime();
        System.out.println("GuardTest seed " + seed);
        SplittableRandom random = new SplittableRandom(seed);
        AtomicReference<@Nullable Guard> current = new AtomicReference<>();
        AtomicBoolean over = new AtomicBoolean();
        AtomicInteger leaks = new AtomicInteger();
        AtomicInteger hits = new AtomicInteger();
        CountDownLatch done = new CountDownLatch(1);
        Thread interrupter = new Thread(() -> {
            while (!over.get()) {
                Guard guard = current.get();
                if (guard != null && guard.interrupt()) {
                    hits.incrementAndGet();
                }
            }
        });
        try (WorkerPool pool = new WorkerPool(config(1, 1, 0))) {
            interrupter.start();
            pool.offer(
                    task(() -> {
                        while (hits.get() < 1000) {
                            Guard guard = pool.guard(LONG);
                            current.set(guard);
                            spin(random.nextInt(200));
                            guard.close();
                            spin(random.nextInt(200));
                            if (Thread.interrupted()) {
                                leaks.incrementAndGet();
                            }
                        }
                        done.countDown();
                    }),
                    LONG);
            awaitUninterruptibly(done);
        } finally {
            over.set(true);
            interrupter.join();
        }
        assertThat(leaks).hasValue(0);
    }

    /** An interrupt closes the channel that the thread is in, by code of whoever made that. */
    @Test
    void theWatchdogOutlivesAnInterruptThatThrows() throws Exception {
        BlockingQueue<Throwable> told = new LinkedBlockingQueue<>();
        CompletableFuture<Guard> broken = new CompletableFuture<>();
        try (WorkerPool pool = new WorkerPool(new WorkerPoolConfig("channels", 1, 1, 1000, 0))) {
            Thread watchdog = Thread.getAllStackTraces().keySet().stream()
                    .filter(thread -> thread.getName().equals("channels-watchdog"))
                    .findAny()
                    .orElseThrow();
            watchdog.setUncaughtExceptionHandler((thread, thrown) -> told.add(thrown));
            pool.offer(
                    task(() -> {
                        Guard guard = pool.guard(Duration.ofMillis(1));
                        new BrokenChannel().waitInside(never);
                        guard.close();
                        broken.complete(guard);
                    }),
                    LONG);

            assertThat(broken.get(LONG.toSeconds(), TimeUnit.SECONDS).expired()).isTrue();
            assertThat(told.poll(LONG.toSeconds(), TimeUnit.SECONDS)).hasMessage("cannot be closed");
            assertThat(runGuarded(pool, Duration.ofMillis(1), guard -> {}).guard.expired())
                    .isTrue();
        }
    }

    private static final class BrokenChannel extends AbstractInterruptibleChannel {

        @Override
        protected void implCloseChannel() {
            throw new IllegalStateException("cannot be closed");
        }

        void waitInside(CountDownLatch latch) {
            begin();
            try {
                latch.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            } finally {
                try {
                    end(true);
                } catch (IOException e) {
                    assertThat(e).isInstanceOf(ClosedByInterruptException.class);
                }
            }
        }
    }

    @Test
    void aGuardLeftOpenIsClosedBehindTheTask() throws Exception {
        CompletableFuture<Guard> left = new CompletableFuture<>();
        try (WorkerPool pool = new WorkerPool(config(1, 1, 0))) {
            pool.offer(task(() -> left.complete(pool.guard(LONG))), LONG);
            awaitUntil(() -> pool.snapshot().completedTotal() == 1);

            assertThat(left.get().interrupt()).isFalse();
            assertThat(runGuarded(pool, Duration.ZERO, guard -> {}).guard.expired())
                    .isTrue();
        }
    }

    @Test
    void guardIsForTasksOnlyAndOneAtATime() throws Exception {
        AtomicReference<@Nullable Throwable> second = new AtomicReference<>();
        CountDownLatch done = new CountDownLatch(1);
        try (WorkerPool pool = new WorkerPool(config(1, 1, 0))) {
            assertThatThrownBy(() -> pool.guard(LONG)).isInstanceOf(IllegalStateException.class);
            pool.offer(
                    task(() -> {
                        try (Guard guard = pool.guard(LONG)) {
                            guard.interrupt();
                            pool.guard(LONG);
                        } catch (IllegalStateException e) {
                            second.set(e);
                        }
                        done.countDown();
                    }),
                    LONG);
            awaitUninterruptibly(done);
            assertThat(second.get()).hasMessageContaining("still open");
        }
    }

    private interface Inside {
        void act(Guard guard);
    }

    private Seen runGuarded(WorkerPool pool, Duration limit, Inside inside) throws Exception {
        CompletableFuture<Seen> seen = new CompletableFuture<>();
        pool.offer(task(() -> seen.complete(runSection(pool, limit, inside))), LONG);
        return seen.get(LONG.toSeconds(), TimeUnit.SECONDS);
    }

    private Seen runSection(WorkerPool pool, Duration limit, Inside inside) {
        boolean thrown;
        Guard guard = pool.guard(limit);
        try {
            inside.act(guard);
            thrown = waitsInVain();
        } finally {
            guard.close();
        }
        return new Seen(thrown, guard, Thread.interrupted());
    }

    /** Whether the wait ended with an interrupt. */
    private boolean waitsInVain() {
        try {
            return never.await(LONG.toSeconds(), TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            return true;
        }
    }

    private static void spin(int rounds) {
        for (int i = 0; i < rounds; i++) {
            Thread.onSpinWait();
        }
    }
}
