package io.conveyor.belt;

import static io.conveyor.belt.BeltHarness.PATIENCE_SECONDS;
import static io.conveyor.belt.BeltHarness.segments;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.conveyor.job.BatchOutcome;
import io.conveyor.job.BatchState;
import io.conveyor.job.Tally;
import io.conveyor.pool.PoolListener;
import io.conveyor.pool.PoolTask;
import io.conveyor.store.BatchRef;
import io.conveyor.store.PackedSegment;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Pausing and resuming: nothing starts in between, nothing is lost, nothing runs twice. */
class PauseTest extends GatedJobs {

    private static final int RACES = Integer.getInteger("races", 200);

    private void assertRanOnce(int jobs) {
        assertThat(ran)
                .containsExactlyInAnyOrderElementsOf(
                        IntStream.range(0, jobs).mapToObj(String::valueOf).toList());
    }

    @Test
    void whatRunsEndsAndNothingStartsUntilItGoesOn() throws Exception {
        try (BeltHarness harness = new BeltHarness(file(), 1, 4, 0, gated, noted).started()) {
            BatchRef ref = harness.submit("paused", segments("gated", 600, 0), Duration.ZERO);
            awaitBegun(1);

            harness.belt.pause(ref);
            gate.release(1);

            // Another batch passes all of it: the queue is free, and so is the worker.
            BatchRef other = harness.submit("other", segments("noted", 1, 0), Duration.ZERO);
            harness.awaitEnd(other);
            assertThat(harness.find(ref).state()).isEqualTo(BatchState.PAUSED);
            assertThat(harness.find(ref).tally()).isEqualTo(new Tally(600, 1, 0, 0, 0));
            assertThat(begun.tryAcquire()).isFalse();

            ran.clear();
            gate.release(599);
            harness.belt.resume(ref);
            assertThat(harness.awaitEnd(ref).outcome()).isEqualTo(BatchOutcome.SUCCEEDED);
            assertThat(ran).hasSize(599).doesNotHaveDuplicates();
        }
    }

    @Test
    void aBatchWhoseJobsAllWereInTheQueueGoesOnWithThem() throws Exception {
        try (BeltHarness harness = new BeltHarness(file(), 1, 40, 0, gated).started()) {
            BatchRef ref = harness.submit("small", segments("gated", 10, 0), Duration.ZERO);
            awaitBegun(1);

            harness.belt.pause(ref);
            assertThat(harness.pool.snapshot().queued()).isZero();
            harness.belt.resume(ref);
            gate.release(10);

            harness.awaitEnd(ref);
            assertRanOnce(10);
        }
    }

    @Test
    void aResumedBatchGoesOnWhileAJobFromBeforeThePauseStillRuns() throws Exception {
        try (BeltHarness harness = new BeltHarness(file(), 2, 40, 0, gated).started()) {
            BatchRef ref = harness.submit("running", segments("gated", 10, 0), Duration.ZERO);
            awaitBegun(2);
            harness.belt.pause(ref);
            gate.release(1);
            await().atMost(LONG).until(() -> harness.find(ref).tally().succeeded() == 1);

            harness.belt.resume(ref);

            awaitBegun(1); // in the place of the one that has ended
            gate.release(9);
            harness.awaitEnd(ref);
            assertRanOnce(10);
        }
    }

    @Test
    void aCallerThatFeedsAnswersAndTheRestGoesOnInTheBackground() throws Exception {
        ExecutorService client = Executors.newSingleThreadExecutor();
        try (BeltHarness harness = new BeltHarness(file(), 1, 1, 1, gated).started()) {
            List<PackedSegment> segments = segments("gated", 300, 0);
            BatchRef ref = harness.seal("called", segments);
            Future<?> feeding = client.submit(() -> harness.belt.feed(ref, segments, ENDLESS));
            awaitBegun(2);

            harness.belt.pause(ref);
            gate.release(2);
            feeding.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
            gate.release(298);
            harness.belt.resume(ref);

            harness.awaitEnd(ref);
            assertRanOnce(300);
        } finally {
            client.shutdownNow();
        }
    }

    /** The job is out of the queue already, and not in its handler yet: the pause does not find it where it was. */
    @Test
    void aJobThatAWorkerHasJustTakenComesBack() throws Exception {
        AtomicReference<Runnable> beforeTheStart = new AtomicReference<>(() -> {});
        PoolListener listener = new PoolListener() {
            @Override
            public void started(PoolTask task, long waitedNanos, boolean inCaller) {
                beforeTheStart.getAndSet(() -> {}).run();
            }
        };
        BeltHarness.Parts parts = new BeltHarness.Parts(file(), 1, 4, 0, 10).withListener(listener);
        try (BeltHarness harness = new BeltHarness(parts, noted).started()) {
            List<PackedSegment> segments = segments("noted", 1, 0);
            BatchRef ref = harness.seal("starting", segments);
            beforeTheStart.set(() -> harness.belt.pause(ref));

            harness.belt.feed(ref, segments, Duration.ZERO);

            // The one worker has been at the paused batch before it came to this one.
            harness.awaitEnd(harness.submit("other", segments("noted", 1, 0), Duration.ZERO));
            assertThat(ran).hasSize(1);
            assertThat(harness.find(ref).state()).isEqualTo(BatchState.PAUSED);
            harness.belt.resume(ref);
            harness.awaitEnd(ref);
            assertThat(ran).hasSize(2);
        }
    }

    /** The feeder is on its way with jobs that it has just read: none of them waits anywhere for the pause to find it. */
    @Test
    void whoReadsJobsWhileTheBatchIsPausedHandsNoneOver() throws Exception {
        AtomicReference<Runnable> afterTheRead = new AtomicReference<>(() -> {});
        BeltHarness.Parts parts = new BeltHarness.Parts(file(), 1, 4, 0, 10)
                .withStore(real -> WatchedStore.around(real, (method, argument) -> {}, (method, argument) -> {
                    if (method.equals("openSegment")) {
                        afterTheRead.getAndSet(() -> {}).run();
                    }
                }));
        try (BeltHarness harness = new BeltHarness(parts, deaf, noted).started()) {
            BatchRef busy = harness.submit("busy", segments("deaf", 1, 0), Duration.ZERO);
            awaitBegun(1);
            BatchRef ref = harness.seal("read", segments("noted", 3, 0));
            afterTheRead.set(() -> harness.belt.pause(ref));

            harness.belt.feed(ref, List.of(), Duration.ZERO);

            assertThat(harness.find(ref).state()).isEqualTo(BatchState.PAUSED);
            assertThat(harness.pool.snapshot().queued()).isZero();
            gate.release();
            harness.awaitEnd(busy);
            ran.clear();
            harness.belt.resume(ref);
            harness.awaitEnd(ref);
            assertRanOnce(3);
        }
    }

    @Test
    void aPausedBatchStaysSoAfterARestart() throws Exception {
        BatchRef ref;
        try (BeltHarness harness = new BeltHarness(file(), 1, 4, 0, noted)) {
            ref = harness.seal("kept", segments("noted", 300, 0));
            harness.store.pause(ref);
        }
        try (BeltHarness harness = new BeltHarness(file(), 1, 4, 0, noted).started()) {
            BatchRef other = harness.submit("other", segments("noted", 1, 0), Duration.ZERO);
            harness.awaitEnd(other);
            assertThat(harness.find(ref).state()).isEqualTo(BatchState.PAUSED);
            ran.clear();

            harness.belt.resume(ref);

            harness.awaitEnd(ref);
            assertRanOnce(300);
        }
    }

    /** The pause comes after the batch was found in the backlog, and before it is there for a pause to find. */
    @Test
    void aBatchThatIsPausedWhileItIsTakenUpStaysSo() throws Exception {
        BatchRef ref;
        try (BeltHarness harness = new BeltHarness(file(), 1, 4, 0, noted)) {
            ref = harness.seal("left", segments("noted", 300, 0));
        }
        CountDownLatch looked = new CountDownLatch(1);
        BeltHarness.Parts parts = new BeltHarness.Parts(file(), 1, 4, 0, 10)
                .withStore(real -> WatchedStore.around(real, (method, argument) -> {}, (method, argument) -> {
                    if (method.equals("unfinished") && looked.getCount() > 0) {
                        real.pause(ref);
                        looked.countDown();
                    }
                }));
        try (BeltHarness harness = new BeltHarness(parts, noted).started()) {
            assertThat(looked.await(PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
            for (int other = 0; other < 20; other++) {
                harness.awaitEnd(harness.submit("other-" + other, segments("noted", 1, 0), Duration.ZERO));
            }
            assertThat(ran).hasSize(20);
            ran.clear();

            harness.belt.resume(ref);

            harness.awaitEnd(ref);
            assertRanOnce(300);
        }
    }

    /** Who takes the batch up has read that it is paused; before it lets go of it, it is resumed, or cancelled. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aBatchThatGoesOnWhileItIsPutBackIsNotForgotten(boolean cancelled) throws Exception {
        BatchRef ref;
        try (BeltHarness harness = new BeltHarness(file(), 1, 4, 0, noted)) {
            ref = harness.seal("left", segments("noted", 300, 0));
        }
        AtomicReference<@Nullable Belt> belt = new AtomicReference<>();
        AtomicInteger finds = new AtomicInteger();
        WatchedStore.Step pause = (method, argument) -> {
            if (isTakenUp(method) && finds.incrementAndGet() == 1) {
                Objects.requireNonNull(belt.get()).pause(ref);
            }
        };
        WatchedStore.Step goOn = (method, argument) -> {
            if (isTakenUp(method) && finds.get() == 1) {
                Belt its = Objects.requireNonNull(belt.get());
                assertThat(cancelled ? its.cancel(ref) : its.resume(ref)).isTrue();
            }
        };
        BeltHarness.Parts parts =
                new BeltHarness.Parts(file(), 1, 4, 0, 10).withStore(real -> WatchedStore.around(real, pause, goOn));
        try (BeltHarness harness = new BeltHarness(parts, noted)) {
            belt.set(harness.belt);
            harness.started();

            assertThat(harness.awaitEnd(ref).tally().recorded()).isEqualTo(300);

            assertThat(finds.get()).isPositive();
            assertThat(ran).hasSize(cancelled ? 0 : 300).doesNotHaveDuplicates();
        }
    }

    private static boolean isTakenUp(String method) {
        return method.equals("find") && Thread.currentThread().getName().startsWith("conveyor-feeder");
    }

    @Test
    void aPausedBatchCanBeCancelled() throws Exception {
        try (BeltHarness harness = new BeltHarness(file(), 1, 4, 0, gated).started()) {
            BatchRef ref = harness.submit("paused", segments("gated", 600, 0), Duration.ZERO);
            awaitBegun(1);
            harness.belt.pause(ref);

            harness.belt.cancel(ref);

            assertThat(harness.awaitEnd(ref).tally()).isEqualTo(new Tally(600, 0, 0, 600, 0));
            harness.belt.resume(ref);
            assertThat(harness.find(ref).state()).isEqualTo(BatchState.ENDED);
        }
    }

    /** Pauses and resumes at any moment, of batches that fit into the queue and of such that do not. */
    @Test
    void whateverTheMomentsEveryJobRunsOnce() throws Exception {
        long seed = System.nanoTime();
        System.out.println("PauseTest seed " + seed);
        SplittableRandom random = new SplittableRandom(seed);
        AtomicInteger paused = new AtomicInteger();
        try (BeltHarness harness = new BeltHarness(file(), 2, 8, 1, 2, noted).started();
                Race race = new Race()) {
            for (int round = 0; round < RACES; round++) {
                int jobs = 1 + random.nextInt(400);
                ran.clear();
                List<PackedSegment> segments = segments("noted", jobs, 0);
                BatchRef ref = harness.seal("round-" + round, segments);
                Duration hold = random.nextBoolean() ? LONG : Duration.ZERO;
                int times = 1 + random.nextInt(4);
                int spins = random.nextInt(2000);
                race.run(() -> harness.belt.feed(ref, segments, hold), () -> {
                    for (int time = 0; time < times; time++) {
                        Race.spin(spins);
                        harness.belt.pause(ref);
                        paused.addAndGet(harness.find(ref).state() == BatchState.PAUSED ? 1 : 0);
                        harness.belt.resume(ref);
                    }
                });
                assertThat(harness.awaitEnd(ref).tally().succeeded()).isEqualTo(jobs);
                assertRanOnce(jobs);
            }
        }
        System.out.println("PauseTest: " + paused + " pauses in " + RACES + " batches");
        assertThat(paused.get()).isPositive();
    }
}
