package io.conveyor.pool;

import static io.conveyor.pool.PoolTasks.AGES;
import static io.conveyor.pool.PoolTasks.LONG;
import static io.conveyor.pool.PoolTasks.awaitUntil;
import static io.conveyor.pool.PoolTasks.config;
import static io.conveyor.pool.PoolTasks.fill;
import static io.conveyor.pool.PoolTasks.lateTask;
import static io.conveyor.pool.PoolTasks.letAllGo;
import static io.conveyor.pool.PoolTasks.occupy;
import static io.conveyor.pool.PoolTasks.offerOrFail;
import static io.conveyor.pool.PoolTasks.task;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.conveyor.pool.PoolTasks.Gate;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Who waits for room or a permit gets it in turn, early tasks before the others. */
class WaitingProducersTest {

    private final ExecutorService producers = Executors.newCachedThreadPool();

    @AfterEach
    void endProducers() {
        producers.shutdownNow();
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
    void whoHasLeftWithAPermitIsNotCountedAsWaiting() throws Exception {
        Gate busy = new Gate();
        Gate queued = new Gate();
        Gate firstCaller = new Gate();
        Gate secondCaller = new Gate();
        try (WorkerPool pool = new WorkerPool(config(1, 1, 1))) {
            fill(pool, busy, queued);
            Future<Handover> first = producers.submit(() -> pool.offer(firstCaller, AGES));
            firstCaller.awaitStarted();
            producers.execute(() -> offerOrFail(pool, secondCaller));
            awaitUntil(() -> pool.snapshot().producersWaiting() == 1);

            firstCaller.letGo();
            assertThat(first.get(LONG.toSeconds(), TimeUnit.SECONDS)).isEqualTo(Handover.RAN_IN_CALLER);
            secondCaller.awaitStarted();

            assertThat(pool.snapshot().producersWaiting()).isZero();
            assertThat(pool.snapshot().callersRunning()).isEqualTo(1);
            letAllGo(secondCaller, busy, queued);
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
    void eachTurnOfTheOthersBeginsTheCountAnew() throws Exception {
        Gate busy = new Gate();
        Gate busyToo = new Gate();
        LinkedBlockingQueue<String> ran = new LinkedBlockingQueue<>();
        try (WorkerPool pool = new WorkerPool(config(2, 50, 0))) {
            occupy(pool, busy, busyToo);
            List<Future<Handover>> late = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                int inLine = Math.max(0, i - 1); // two are in the queue at once
                late.add(producers.submit(() -> pool.offer(lateTask(() -> ran.add("late")), AGES)));
                awaitUntil(() -> pool.snapshot().queued() + pool.snapshot().producersWaiting() == late.size());
                assertThat(pool.snapshot().producersWaiting()).isEqualTo(inLine);
            }
            for (int i = 0; i < 20; i++) {
                pool.offer(task(() -> ran.add("early")), Duration.ZERO);
            }
            busy.letGo();
            awaitUntil(() -> ran.size() == 24);

            assertThat(placesOf("late", ran)).containsExactly(0, 1, 10, 19);
            busyToo.letGo();
        }
    }

    @Test
    void earlyTasksThatPassNobodyAreNotCounted() throws Exception {
        Gate busy = new Gate();
        Gate busyToo = new Gate();
        LinkedBlockingQueue<String> ran = new LinkedBlockingQueue<>();
        try (WorkerPool pool = new WorkerPool(config(2, 50, 0))) {
            occupy(pool, busy, busyToo);
            for (int i = 0; i < 10; i++) {
                pool.offer(task(() -> ran.add("early")), Duration.ZERO);
            }
            producers.execute(() -> offerOrFail(pool, lateTask(() -> ran.add("late"))));
            awaitUntil(() -> pool.snapshot().producersWaiting() == 1);
            for (int i = 0; i < 10; i++) {
                pool.offer(task(() -> ran.add("early")), Duration.ZERO);
            }
            busy.letGo();
            awaitUntil(() -> ran.size() == 21);

            assertThat(placesOf("late", ran)).containsExactly(18);
            busyToo.letGo();
        }
    }

    @Test
    void anEarlyTaskThatWaitsGetsRoomAlthoughTheOneThatWasPassedEightTimesHasGivenUp() throws Exception {
        Gate busy = new Gate();
        Gate busyToo = new Gate();
        try (WorkerPool pool = new WorkerPool(config(2, 10, 0))) {
            occupy(pool, busy, busyToo);
            pool.offer(lateTask(() -> {}), Duration.ZERO);
            pool.offer(lateTask(() -> {}), Duration.ZERO);
            Future<Handover> late = producers.submit(() -> pool.offer(lateTask(() -> {}), AGES));
            awaitUntil(() -> pool.snapshot().producersWaiting() == 1);
            for (int i = 0; i < 8; i++) {
                assertThat(pool.offer(task(() -> {}), Duration.ZERO)).isEqualTo(Handover.QUEUED);
            }
            late.cancel(true);
            awaitUntil(() -> pool.snapshot().producersWaiting() == 0);
            Future<Handover> early = producers.submit(() -> pool.offer(task(() -> {}), AGES));
            awaitUntil(() -> pool.snapshot().producersWaiting() == 1);

            busy.letGo();

            assertThat(early.get(LONG.toSeconds(), TimeUnit.SECONDS)).isEqualTo(Handover.QUEUED);
            busyToo.letGo();
        }
    }

    private static List<Integer> placesOf(String name, Collection<String> ran) {
        List<String> order = List.copyOf(ran);
        return IntStream.range(0, order.size())
                .filter(place -> order.get(place).equals(name))
                .boxed()
                .toList();
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

    /** It has its place already when the interrupt is looked at: the lock is held until then, as a withdrawal holds it. */
    @Test
    void anInterruptThatComesTogetherWithTheRoomIsKeptAndSoIsTheTask() throws Exception {
        Gate busy = new Gate();
        Gate queued = new Gate();
        Gate mine = new Gate();
        AtomicReference<@Nullable Thread> waiting = new AtomicReference<>();
        try (WorkerPool pool = new WorkerPool(config(1, 1, 0))) {
            fill(pool, busy, queued);
            Future<String> offered = producers.submit(() -> {
                waiting.set(Thread.currentThread());
                return pool.offer(mine, AGES) + (Thread.interrupted() ? " and interrupted" : "");
            });
            awaitUntil(() -> pool.snapshot().producersWaiting() == 1);
            Thread producer = Objects.requireNonNull(waiting.get());
            awaitUntil(() -> producer.getState() == Thread.State.TIMED_WAITING);

            pool.withdraw(task -> {
                if (task == queued) {
                    producer.interrupt();
                    awaitUntil(() -> producer.getState() == Thread.State.WAITING); // for the lock
                }
                return task == queued;
            });

            assertThat(offered.get(LONG.toSeconds(), TimeUnit.SECONDS)).isEqualTo("QUEUED and interrupted");
            busy.letGo();
            mine.awaitStarted();
            mine.letGo();
        }
    }
}
