package io.conveyor.pool;

import static io.conveyor.pool.PoolTasks.LONG;
import static io.conveyor.pool.PoolTasks.config;
import static io.conveyor.pool.PoolTasks.task;
import static org.assertj.core.api.Assertions.assertThat;

import io.conveyor.LeftThreads;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Pools that are made and ended by the hundred, with work in flight, by several at once: no thread and no task is left. */
@Timeout(300)
class PoolLifeTest {

    private static final int LIVES = Integer.getInteger("lives", 120);

    private final ExecutorService others = Executors.newCachedThreadPool();

    @AfterEach
    void endOthers() {
        others.shutdownNow();
    }

    @Test
    void whateverTheMomentOfTheStopNoThreadAndNoTaskIsLeft() throws Exception {
        long seed = Long.getLong("seed", System.nanoTime());
        System.out.println("PoolLifeTest: repeat with -Dseed=" + seed);
        SplittableRandom random = new SplittableRandom(seed);
        LeftThreads threads = LeftThreads.of("test-worker-", "test-watchdog");
        for (int life = 0; life < LIVES; life++) {
            live(random.split(), life % 8 == 0);
        }
        threads.assertNone();
    }

    /** @param unused whether it is ended before anybody has brought anything */
    private void live(SplittableRandom random, boolean unused) throws Exception {
        WorkerPool pool = new WorkerPool(config(1 + random.nextInt(3), 1 + random.nextInt(4), random.nextInt(2)));
        AtomicInteger ran = new AtomicInteger();
        List<Future<Integer>> work = new ArrayList<>();
        for (int producer = 0; producer < 2 && !unused; producer++) {
            work.add(others.submit(() -> produce(pool, ran)));
        }
        if (!unused) {
            work.add(others.submit(() -> map(pool, ran)));
        }
        spin(random.nextInt(100_000));
        List<Callable<DrainReport>> ends = new ArrayList<>();
        for (int times = 0; times < 2; times++) {
            Duration limit = random.nextBoolean() ? LONG : Duration.ZERO;
            ends.add(() -> pool.drain(limit));
        }
        int handedBack = 0;
        for (Future<DrainReport> end : others.invokeAll(ends)) {
            handedBack += end.get(LONG.toSeconds(), TimeUnit.SECONDS).returned().size();
        }
        pool.close();
        int taken = 0;
        for (Future<Integer> each : work) {
            taken += each.get(LONG.toSeconds(), TimeUnit.SECONDS);
        }
        assertThat(ran.get() + handedBack).isEqualTo(taken);
        assertThat(pool.snapshot().queuedBytes()).isZero();
        assertThat(pool.snapshot().producersWaiting()).isZero();
    }

    /** How many were taken before the pool refused. */
    private static int produce(WorkerPool pool, AtomicInteger ran) throws InterruptedException {
        int taken = 0;
        try {
            while (true) {
                taken += pool.offer(task(1, ran::incrementAndGet), LONG) == Handover.NO_ROOM ? 0 : 1;
            }
        } catch (RejectedExecutionException e) {
            return taken;
        }
    }

    /** The same with a map, of which nothing is handed back: what has run, has been taken. */
    private static int map(WorkerPool pool, AtomicInteger ran) throws InterruptedException {
        AtomicInteger mapped = new AtomicInteger();
        try {
            while (true) {
                pool.map(IntStream.range(0, 20).boxed().toList(), 3, number -> {
                    mapped.incrementAndGet();
                    return ran.incrementAndGet();
                });
            }
        } catch (RejectedExecutionException e) {
            return mapped.get();
        } catch (ExecutionException e) {
            throw new AssertionError(e);
        }
    }

    private static void spin(int rounds) {
        for (int i = 0; i < rounds; i++) {
            Thread.onSpinWait();
        }
    }
}
