package io.conveyor.belt;

import io.conveyor.store.StoreException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A few threads that feed what no caller feeds: the rest of held batches and what a restart found. Each turn feeds one
 * batch a little, then it is the next one's.
 *
 * <p>Threads and state: {@value #THREADS} threads, started by {@link #start}, ended by {@link #stop} once the waiting
 * batches and the pool are closed. A batch belongs to the thread that took it until it is added back.
 */
final class BackgroundFeeders {

    /** Two, so that one batch whose store reads are slow does not hold up the others; the work is light. */
    private static final int THREADS = 2;

    /** Longest turn of one batch while the queue is full. */
    private static final Duration TURN = Duration.ofMillis(50);

    /** Pause after the store failed, in milliseconds. */
    private static final long PAUSE_MILLIS = 500;

    private final WaitingBatches waiting;
    private final Feeder feeder;
    private final Ends ends;
    private final CountDownLatch stopped = new CountDownLatch(1);
    private final StoreTrouble trouble = new StoreTrouble();
    private final List<Thread> threads;

    /**
     * Who takes a batch after its turn: when all of it is fed, when it is paused, when it has to wait for a limit, and when
     * there is more to feed.
     */
    record Ends(
            Consumer<ActiveBatch> fed,
            Consumer<ActiveBatch> paused,
            Consumer<ActiveBatch> limited,
            Consumer<ActiveBatch> unfed) {}

    BackgroundFeeders(WaitingBatches waiting, Feeder feeder, Ends ends) {
        this.waiting = waiting;
        this.feeder = feeder;
        this.ends = ends;
        threads = IntStream.rangeClosed(1, THREADS)
                .mapToObj(n -> new Thread(this::run, "conveyor-feeder-" + n))
                .toList();
    }

    void start() {
        threads.forEach(Thread::start);
    }

    /** Waits for the threads to end; call it after closing the waiting batches and the pool. */
    void stop() {
        stopped.countDown();
        try {
            for (Thread thread : threads) {
                thread.join();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void run() {
        try {
            for (ActiveBatch batch = next(); batch != null; batch = next()) {
                if (!feed(batch)) {
                    return;
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private @Nullable ActiveBatch next() throws InterruptedException {
        while (true) {
            try {
                return waiting.take();
            } catch (StoreException e) {
                trouble.met("look for waiting batches", e);
                if (stopped.await(PAUSE_MILLIS, TimeUnit.MILLISECONDS)) {
                    return null;
                }
            }
        }
    }

    private boolean feed(ActiveBatch batch) throws InterruptedException {
        try {
            Feeder.Result result = feeder.feed(batch, List.of(), Feeder.Turn.inBackground(TURN));
            switch (result) {
                case FED -> ends.fed().accept(batch);
                case PAUSED -> ends.paused().accept(batch);
                case LIMITED -> ends.limited().accept(batch);
                case TIME_UP -> ends.unfed().accept(batch);
                case CLOSED -> {
                    return false;
                }
            }
        } catch (StoreException e) {
            trouble.met("read the batch " + batch.ref().id() + " to feed it", e);
            ends.unfed().accept(batch);
            return !stopped.await(PAUSE_MILLIS, TimeUnit.MILLISECONDS);
        }
        return true;
    }
}
