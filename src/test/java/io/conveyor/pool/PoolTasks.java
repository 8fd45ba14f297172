package io.conveyor.pool;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/** Hand-written tasks and waits for the tests of the pool. Tasks are early, and have the whole queue, unless said otherwise. */
final class PoolTasks {

    /** Far more than anything here takes; only a failing test waits so long. Shorter to see one fail: {@code -Dpatience=8}. */
    static final Duration LONG = Duration.ofSeconds(Long.getLong("patience", 30));

    /** What is to end by its own event must not end by its time limit before a test has lost its patience. */
    static final Duration AGES = Duration.ofHours(1);

    private PoolTasks() {}

    static PoolTask task(Runnable work) {
        return task(0, work);
    }

    static PoolTask task(long bytes, Runnable work) {
        return task(bytes, true, work);
    }

    /** One that is not early, as of the many that a large batch brings. */
    static PoolTask lateTask(Runnable work) {
        return task(0, false, work);
    }

    private static PoolTask task(long bytes, boolean early, Runnable work) {
        return new PoolTask() {
            @Override
            public long bytes() {
                return bytes;
            }

            @Override
            public boolean early() {
                return early;
            }

            @Override
            public void run() {
                work.run();
            }
        };
    }

    static WorkerPoolConfig config(int workers, int capacity, int callerRuns) {
        return new WorkerPoolConfig("test", workers, capacity, 1000, callerRuns);
    }

    /** A task that says when it has started and ends when it is let go. */
    static final class Gate implements PoolTask {

        final CountDownLatch started = new CountDownLatch(1);
        private final CountDownLatch open = new CountDownLatch(1);
        private final CountDownLatch done = new CountDownLatch(1);
        private final long bytes;
        volatile String ranOn = "";

        Gate() {
            this(0);
        }

        Gate(long bytes) {
            this.bytes = bytes;
        }

        @Override
        public long bytes() {
            return bytes;
        }

        @Override
        public boolean early() {
            return true;
        }

        @Override
        public void run() {
            ranOn = Thread.currentThread().getName();
            started.countDown();
            awaitUninterruptibly(open, AGES);
            done.countDown();
        }

        void letGo() {
            open.countDown();
        }

        void awaitStarted() {
            awaitUninterruptibly(started);
        }

        void awaitDone() {
            awaitUninterruptibly(done);
        }
    }

    static void awaitUninterruptibly(CountDownLatch latch) {
        awaitUninterruptibly(latch, LONG);
    }

    private static void awaitUninterruptibly(CountDownLatch latch, Duration patience) {
        long deadline = System.nanoTime() + patience.toNanos();
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    if (!latch.await(deadline - System.nanoTime(), TimeUnit.NANOSECONDS)) {
                        throw new AssertionError("waited in vain for " + patience);
                    }
                    return;
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** Waits for a state that has no signal of its own, such as a thread standing in line. */
    static void awaitUntil(BooleanSupplier state) {
        long deadline = System.nanoTime() + LONG.toNanos();
        while (!state.getAsBoolean()) {
            if (System.nanoTime() - deadline > 0) {
                throw new AssertionError("waited in vain for " + LONG);
            }
            Thread.onSpinWait();
        }
    }

    /** Occupies the one worker and the one place of the queue. */
    static void fill(WorkerPool pool, Gate busy, Gate queued) throws InterruptedException {
        assertThat(pool.offer(busy, Duration.ZERO)).isEqualTo(Handover.QUEUED);
        busy.awaitStarted();
        assertThat(pool.offer(queued, Duration.ZERO)).isEqualTo(Handover.QUEUED);
    }

    /** Occupies as many workers, one after the other, so that none of them waits behind another. */
    static void occupy(WorkerPool pool, Gate... gates) throws InterruptedException {
        for (Gate gate : gates) {
            pool.offer(gate, Duration.ZERO);
            gate.awaitStarted();
        }
    }

    static void letAllGo(Gate... gates) {
        for (Gate gate : gates) {
            gate.letGo();
        }
    }

    static Handover offerOrFail(WorkerPool pool, PoolTask task) {
        try {
            return pool.offer(task, AGES);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
