package io.conveyor.belt;

import static io.conveyor.belt.BeltHarness.PATIENCE_SECONDS;
import static io.conveyor.belt.BeltHarness.handler;
import static io.conveyor.belt.BeltHarness.segments;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.conveyor.handler.HandlerRegistry;
import io.conveyor.handler.JobHandler;
import io.conveyor.handler.JobOutput;
import io.conveyor.limit.Limits;
import io.conveyor.store.OpenSegment;
import io.conveyor.store.PackedSegment;
import io.conveyor.store.SegmentRef;
import io.conveyor.store.StoreException;
import io.conveyor.store.StoreFailures;
import java.time.Duration;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;

/** Who takes a batch after its turn, and how the threads end. */
@Timeout(120)
@ExtendWith(OutputCaptureExtension.class)
class BackgroundFeedersTest extends BareParts {

    private final JobHandler noted = handler("noted", job -> new JobOutput(job.input()));
    private final Limits limits = Limits.of(Map.of());
    private final LinkedBlockingQueue<String> ends = new LinkedBlockingQueue<>();
    private final AtomicReference<Thread> thread = new AtomicReference<>();
    private final CountDownLatch goOn = new CountDownLatch(1);

    /** How often the store fails when it is looked through. */
    private final AtomicInteger failures = new AtomicInteger();

    private final WaitingBatches waiting = new WaitingBatches(
            after -> {
                if (failures.getAndDecrement() > 0) {
                    throw StoreFailures.failure(StoreException.Reason.FULL);
                }
                return new WaitingBatches.Page(List.of(), 0);
            },
            4);

    @SuppressWarnings("NullAway.Init")
    BackgroundFeedersTest() {}

    @AfterEach
    void end() {
        waiting.close();
        limits.close();
        goOn.countDown();
    }

    private BackgroundFeeders feeders(Consumer<ActiveBatch> unfed) {
        Feeder feeder =
                new Feeder(pool, store, runner(noted), new Admission(limits, new HandlerRegistry(List.of(noted))));
        return new BackgroundFeeders(
                waiting,
                feeder,
                new BackgroundFeeders.Ends(
                        end("fed"), end("paused"), end("limited"), end("unfed").andThen(unfed)));
    }

    private Consumer<ActiveBatch> end(String how) {
        return batch -> {
            thread.set(Thread.currentThread());
            ends.add(how);
        };
    }

    private String nextEnd() throws InterruptedException {
        String end = ends.poll(PATIENCE_SECONDS, TimeUnit.SECONDS);
        return end == null ? "nothing came" : end;
    }

    private ActiveBatch stored(int jobs, int atOnce) {
        ActiveBatch batch = batch(jobs, atOnce);
        List<PackedSegment> segments = segments("noted", jobs, 0);
        answers.put(
                "openSegment",
                arguments ->
                        new OpenSegment(SegmentRef.fresh(batch.ref(), 0), segments.get(0), new BitSet(), new BitSet()));
        return batch;
    }

    private void awaitEnd() throws InterruptedException {
        thread.get().join(TimeUnit.SECONDS.toMillis(PATIENCE_SECONDS));
        assertThat(thread.get().isAlive()).isFalse();
    }

    @Test
    void eachBatchGoesWhereItsTurnHasLeftIt() throws Exception {
        BackgroundFeeders feeders = feeders(batch -> {});
        feeders.start();

        waiting.add(stored(1, 0));
        assertThat(nextEnd()).isEqualTo("fed");
        assertThat(thread.get().getName()).startsWith("conveyor-feeder-");

        ActiveBatch paused = stored(1, 0);
        paused.pause();
        waiting.add(paused);
        assertThat(nextEnd()).isEqualTo("paused");

        holdTheWorker();
        waiting.add(stored(3, 1));
        assertThat(nextEnd()).isEqualTo("limited");

        waiting.add(stored(3, 0)); // the queue is full
        assertThat(nextEnd()).isEqualTo("unfed");

        waiting.close();
        feeders.stop();
        awaitEnd();
        assertThat(ends).isEmpty();
    }

    @Test
    void aFeederEndsWhereThePoolIsClosed() throws Exception {
        BackgroundFeeders feeders = feeders(batch -> {});
        pool.close();
        waiting.add(stored(1, 0));
        waiting.add(stored(1, 0));
        feeders.start();

        feeders.stop(); // one batch each, though the ring is open

        assertThat(ends).isEmpty();
        assertThat(waiting.size()).isZero();
    }

    @Test
    void aStoreThatFailsIsAskedAgainAndToldOfOnce(CapturedOutput output) throws Exception {
        failures.set(2);
        BackgroundFeeders feeders = feeders(batch -> {});
        waiting.add(stored(1, 0));
        feeders.start();
        assertThat(nextEnd()).isEqualTo("fed");
        assertThat(output.getAll()).containsOnlyOnce("Could not look for waiting batches");
        waiting.close();
        feeders.stop();
    }

    @Test
    void aBatchThatCannotBeReadHasItsTurnAgain(CapturedOutput output) throws Exception {
        ActiveBatch batch = stored(1, 0);
        Answer works = answers.get("openSegment");
        AtomicInteger reads = new AtomicInteger();
        answers.put("openSegment", arguments -> {
            if (reads.incrementAndGet() > 2) { // once for each feeder, if none goes on
                return works.to(arguments);
            }
            throw StoreFailures.failure(StoreException.Reason.DAMAGED);
        });
        BackgroundFeeders feeders = feeders(waiting::add);
        waiting.add(batch);
        feeders.start();

        assertThat(nextEnd()).isEqualTo("unfed");
        assertThat(nextEnd()).isEqualTo("unfed");
        assertThat(nextEnd()).isEqualTo("fed");

        assertThat(output.getAll()).containsOnlyOnce("Could not read the batch b to feed it");
        waiting.close();
        feeders.stop();
    }

    /** The ring is open, so that it is the stop alone that ends them. */
    @Test
    void whoWaitsForTheStoreIsToldOfTheStop() throws Exception {
        failures.set(Integer.MAX_VALUE);
        BackgroundFeeders looking = feeders(batch -> {});
        looking.start();
        await().atMost(Duration.ofSeconds(PATIENCE_SECONDS)).until(() -> failures.get() < Integer.MAX_VALUE - 1);
        looking.stop();
        failures.set(0);

        ActiveBatch batch = stored(1, 0);
        answers.put("openSegment", arguments -> {
            throw StoreFailures.failure(StoreException.Reason.UNAVAILABLE);
        });
        BackgroundFeeders reading = feeders(waiting::add); // so that none waits for the ring
        waiting.add(batch);
        waiting.add(batch);
        reading.start();
        assertThat(nextEnd()).isEqualTo("unfed");
        assertThat(nextEnd()).isEqualTo("unfed");
        reading.stop();
    }

    @Test
    void theStopWaitsForTheTurnThatGoesOnUnlessItIsInterrupted() throws Exception {
        BackgroundFeeders feeders = feeders(batch -> {});
        ActiveBatch batch = stored(1, 0);
        CountDownLatch inTurn = new CountDownLatch(1);
        Answer works = answers.get("openSegment");
        answers.put("openSegment", arguments -> {
            inTurn.countDown();
            try {
                assertThat(goOn.await(PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
            return works.to(arguments);
        });
        waiting.add(batch);
        feeders.start();
        assertThat(inTurn.await(PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
        waiting.close();

        Thread.currentThread().interrupt();
        feeders.stop();
        assertThat(Thread.interrupted()).isTrue();
        assertThat(ends).isEmpty();

        CountDownLatch stopped = new CountDownLatch(1);
        Thread stopping = new Thread(() -> {
            feeders.stop();
            stopped.countDown();
        });
        stopping.start();
        await().atMost(Duration.ofSeconds(PATIENCE_SECONDS))
                .until(() -> stopping.getState() == Thread.State.WAITING || stopped.getCount() == 0);
        assertThat(stopped.getCount()).isEqualTo(1);
        goOn.countDown();
        assertThat(stopped.await(PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
        assertThat(nextEnd()).isEqualTo("fed");
    }
}
