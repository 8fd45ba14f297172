package io.conveyor.belt;

import static io.conveyor.belt.BeltHarness.handler;
import static io.conveyor.belt.BeltHarness.segments;
import static org.assertj.core.api.Assertions.assertThat;

import io.conveyor.handler.JobHandler;
import io.conveyor.handler.JobOutput;
import io.conveyor.job.BatchOutcome;
import io.conveyor.job.BatchRules;
import io.conveyor.job.BatchState;
import io.conveyor.job.StopReason;
import io.conveyor.job.Tally;
import io.conveyor.store.BatchRef;
import io.conveyor.store.NewBatch;
import io.conveyor.store.PackedSegment;
import io.conveyor.store.StoreException;
import io.conveyor.store.StoreFailures;
import io.conveyor.store.StoreListener;
import io.conveyor.store.StoredBatch;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;

/** Deadlines, on clocks that the test moves: what has not started expires, whatever else happens to the batch. */
@ExtendWith(OutputCaptureExtension.class)
class DeadlineTest extends GatedJobs {

    /** Rounds of the race; ten thousand take a minute: {@code mvn test -Dtest=DeadlineTest -Draces=10000}. */
    private static final int RACES = Integer.getInteger("races", 500);

    private static final long HOUR = Duration.ofHours(1).toMillis();
    private static final BatchRules IN_AN_HOUR = deadline(HOUR);
    private static final JobHandler ECHO = handler("echo", job -> new JobOutput(job.input()));

    private final AtomicLong nanos = new AtomicLong();
    private final AtomicLong jumped = new AtomicLong();
    /** The clock of this machine, set forward or back. */
    private final Clock wall = ((InstantSource) () -> Instant.now().plusMillis(jumped.get())).withZone(ZoneOffset.UTC);

    private static BatchRules deadline(long millis) {
        return new BatchRules(0, 0, 0, millis, null);
    }

    private BeltHarness belt(int workers, int queue, int callers, int ring, JobHandler... handlers) {
        return new BeltHarness(
                new BeltHarness.Parts(file(), workers, queue, callers, ring).withTime(wall, nanos::get), handlers);
    }

    private void pass(BeltHarness harness, long millis) {
        nanos.addAndGet(TimeUnit.MILLISECONDS.toNanos(millis));
        harness.belt.lookForDeadlines();
    }

    @Test
    void whatHasNotStartedExpiresAndWhatRunsIsInterrupted() throws Exception {
        try (BeltHarness harness = belt(2, 4, 1, 10, gated).started()) {
            int jobs = 3000;
            BatchRef ref = harness.submit("late", segments("gated", jobs, 0), IN_AN_HOUR);
            awaitBegun(2);

            pass(harness, HOUR - 1);
            assertThat(harness.find(ref).state()).isEqualTo(BatchState.RUNNING);
            pass(harness, 1);

            StoredBatch ended = harness.awaitEnd(ref);
            assertThat(ended.outcome()).isEqualTo(BatchOutcome.EXPIRED);
            assertThat(ended.stopReason()).isEqualTo(StopReason.DEADLINE);
            assertThat(ended.tally()).isEqualTo(new Tally(jobs, 0, 0, 0, jobs));
            assertThat(ran).hasSize(2);
            assertResults(harness, ref, jobs);
            assertThat(harness.results(ref)).allMatch(line -> line.contains("/problems/job-expired"));
            assertThat(harness.results(ref))
                    .filteredOn(line -> line.contains("It was running when the deadline of its batch passed."))
                    .hasSize(2);
            assertThat(harness.results(ref).get(jobs - 1))
                    .contains("The deadline of its batch passed before it started.")
                    .contains("\"attempts\":0");
        }
    }

    @Test
    void aJobThatEndsWellAllTheSameKeepsItsOutcome() throws Exception {
        try (BeltHarness harness = belt(1, 4, 0, 10, deaf).started()) {
            BatchRef ref = harness.submit("deaf", segments("deaf", 3, 0), IN_AN_HOUR);
            awaitBegun(1);

            pass(harness, HOUR);
            assertThat(harness.find(ref).state()).isEqualTo(BatchState.CANCELLING);
            gate.release();

            assertThat(harness.awaitEnd(ref).tally()).isEqualTo(new Tally(3, 1, 0, 0, 2));
            assertThat(harness.find(ref).outcome()).isEqualTo(BatchOutcome.EXPIRED);
            assertThat(harness.results(ref).get(0)).contains("\"state\":\"succeeded\",\"output\":0,");
        }
    }

    @Test
    void aDeadlineAfterTheEndChangesNothing() throws Exception {
        try (BeltHarness harness = belt(1, 4, 0, 10, noted).started()) {
            BatchRef ref = harness.submit("quick", segments("noted", 3, 0), IN_AN_HOUR);
            harness.awaitEnd(ref);

            pass(harness, 2 * HOUR);

            assertThat(harness.find(ref).outcome()).isEqualTo(BatchOutcome.SUCCEEDED);
            assertThat(harness.find(ref).stopReason()).isNull();
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {-24, 24})
    void aWallClockThatIsSetMovesNoDeadline(long hours) throws Exception {
        try (BeltHarness harness = belt(1, 4, 0, 10, gated).started()) {
            BatchRef ref = harness.submit("steady", segments("gated", 600, 0), IN_AN_HOUR);
            awaitBegun(1);

            jumped.set(hours * HOUR);
            pass(harness, HOUR - 1);
            assertThat(harness.find(ref).state()).isEqualTo(BatchState.RUNNING);
            pass(harness, 1);

            assertThat(harness.awaitEnd(ref).tally().expired()).isEqualTo(600);
        }
    }

    @Test
    void aDeadlineThatPassesWhileNobodyRunsTheServiceLetsNothingStart() throws Exception {
        BatchRef late;
        BatchRef inTime;
        try (BeltHarness harness = belt(1, 4, 0, 10, noted)) {
            late = harness.seal("late", segments("noted", 600, 0), IN_AN_HOUR);
            inTime = harness.seal("in-time", segments("noted", 3, 0), deadline(3 * HOUR));
        }
        jumped.set(2 * HOUR); // the process is gone, and time goes on
        try (BeltHarness harness = belt(1, 4, 0, 10, noted).started()) {
            assertThat(harness.awaitEnd(late).tally()).isEqualTo(new Tally(600, 0, 0, 0, 600));
            assertThat(harness.awaitEnd(inTime).outcome()).isEqualTo(BatchOutcome.SUCCEEDED);
            assertThat(ran).hasSize(3);
        }
    }

    @Test
    void aProcessThatEndsBetweenTheStopAndTheOutcomesLeavesTheRestToTheNext() throws Exception {
        BatchRef ref;
        try (BeltHarness harness = belt(1, 4, 0, 10, noted)) {
            ref = harness.seal("left", segments("noted", 600, 0), IN_AN_HOUR);
            nanos.addAndGet(TimeUnit.MILLISECONDS.toNanos(HOUR));
            assertThat(harness.store.stopOverdue(1)).hasSize(1);
        }
        try (BeltHarness harness = belt(1, 4, 0, 10, noted).started()) {
            assertThat(harness.awaitEnd(ref).tally()).isEqualTo(new Tally(600, 0, 0, 0, 600));
            assertThat(ran).isEmpty();
        }
    }

    @Test
    void aPausedBatchExpires() throws Exception {
        try (BeltHarness harness = belt(1, 4, 0, 10, gated).started()) {
            BatchRef ref = harness.submit("paused", segments("gated", 600, 0), IN_AN_HOUR);
            awaitBegun(1);
            harness.belt.pause(ref);

            pass(harness, HOUR);

            assertThat(harness.awaitEnd(ref).tally().expired()).isEqualTo(600);
            harness.belt.resume(ref);
            assertThat(harness.find(ref).state()).isEqualTo(BatchState.ENDED);
        }
    }

    @Test
    void aPausedBatchThatIsNotInMemoryExpires() throws Exception {
        try (BeltHarness harness = belt(1, 4, 0, 10, noted)) {
            BatchRef ref = harness.seal("forgotten", segments("noted", 600, 0), IN_AN_HOUR);
            harness.store.pause(ref);
        }
        try (BeltHarness harness = belt(1, 4, 0, 10, noted).started()) {
            BatchRef other = harness.submit("other", segments("noted", 1, 0), BatchRules.NONE);
            harness.awaitEnd(other); // the store has been looked through
            BatchRef ref =
                    harness.store.find("default", "forgotten").orElseThrow().ref();

            pass(harness, HOUR);

            assertThat(harness.awaitEnd(ref).tally().expired()).isEqualTo(600);
        }
    }

    @Test
    void anOpenBatchTakesNoMoreJobsAndExpires() throws Exception {
        try (BeltHarness harness = belt(1, 4, 0, 10, gated).started()) {
            List<PackedSegment> segments = segments("gated", 400, 0);
            NewBatch batch = harness.batch("open", segments.subList(0, 1), IN_AN_HOUR);
            BatchRef ref = batch.ref();
            harness.belt.open(batch, segments.subList(0, 1));

            pass(harness, HOUR);

            assertThat(harness.belt.append(ref, segments.subList(1, 2))).isFalse();
            assertThat(harness.belt.feedOpen(ref, segments.subList(0, 1))).isTrue();
            assertThat(harness.awaitEnd(ref).tally()).isEqualTo(new Tally(256, 0, 0, 0, 256));
            harness.belt.complete(ref, new byte[] {2}, null);
            assertThat(harness.find(ref).outcome()).isEqualTo(BatchOutcome.EXPIRED);
        }
    }

    @Test
    void batchesThatAreParkedExpire() throws Exception {
        try (BeltHarness harness = belt(1, 1, 0, 1, deaf).started()) {
            BatchRef busy = harness.submit("busy", segments("deaf", 40, 0), BatchRules.NONE);
            awaitBegun(1);
            List<BatchRef> refs = IntStream.range(0, 6)
                    .mapToObj(n -> harness.submit("b" + n, segments("deaf", 3, 0), IN_AN_HOUR))
                    .toList();

            pass(harness, HOUR);

            for (BatchRef ref : refs) {
                assertThat(harness.awaitEnd(ref).tally().expired()).isGreaterThanOrEqualTo(2);
            }
            gate.release(100);
            assertThat(harness.awaitEnd(busy).outcome()).isEqualTo(BatchOutcome.SUCCEEDED);
        }
    }

    /** On real clocks, and nobody looks but the belt itself. */
    @Test
    void theBeltLooksByItselfWhenTheNextDeadlineHasCome() throws Exception {
        try (BeltHarness harness = new BeltHarness(file(), 1, 4, 0, gated).started()) {
            BatchRef far = harness.submit("far", segments("gated", 3, 0), IN_AN_HOUR);
            awaitBegun(1);
            BatchRef near = harness.submit("near", segments("gated", 600, 0), deadline(30));
            assertThat(harness.awaitEnd(near).tally().expired()).isEqualTo(600);
            BatchRef next = harness.submit("next", segments("gated", 600, 0), deadline(1));
            assertThat(harness.awaitEnd(next).tally().expired()).isEqualTo(600);

            assertThat(harness.find(far).state()).isEqualTo(BatchState.RUNNING);
        }
    }

    @Test
    void aDeadlineFromAnEarlierProcessIsLookedForToo() throws Exception {
        try (BeltHarness harness = new BeltHarness(file(), 1, 4, 0, gated)) {
            harness.seal("earlier", segments("gated", 600, 0), deadline(2000));
        }
        try (BeltHarness harness = new BeltHarness(file(), 1, 4, 0, gated).started()) {
            BatchRef ref =
                    harness.store.find("default", "earlier").orElseThrow().ref();
            assertThat(harness.awaitEnd(ref).tally().expired()).isEqualTo(600);
        }
    }

    /** A store that is broken stays so for longer than the pause between two looks: the log says what happened, not how often. */
    @Test
    void aStoreThatFailsIsToldOfOnceAndAgainWhenThatChanges(CapturedOutput output) throws Exception {
        AtomicReference<StoreException.Reason> broken = new AtomicReference<>();
        BeltHarness.Parts parts = new BeltHarness.Parts(file(), 1, 4, 0, 10)
                .withTime(wall, nanos::get)
                .withStore(store -> WatchedStore.around(
                        store,
                        (method, argument) -> {
                            StoreException.Reason reason = broken.get();
                            if (reason != null && method.equals("nextDeadline")) {
                                throw StoreFailures.failure(reason);
                            }
                        },
                        (method, argument) -> {}));
        try (BeltHarness harness = new BeltHarness(parts, noted).started()) {
            looks(harness, broken, StoreException.Reason.UNAVAILABLE);
            assertThat(told(output)).isEqualTo(1);
            looks(harness, broken, StoreException.Reason.FULL);
            assertThat(told(output)).as("for another reason").isEqualTo(2);
            looks(harness, broken, null);
            assertThat(output.getAll()).containsOnlyOnce("Could look for batches whose deadline has passed again");
            looks(harness, broken, StoreException.Reason.FULL);
            assertThat(told(output)).as("once more").isEqualTo(3);
        }
    }

    private static void looks(
            BeltHarness harness,
            AtomicReference<StoreException.Reason> broken,
            StoreException.@Nullable Reason reason) {
        broken.set(reason);
        for (int n = 0; n < 10; n++) {
            harness.belt.lookForDeadlines();
        }
    }

    private static int told(CapturedOutput output) {
        return output.getAll().split("Could not look for batches whose deadline has passed", -1).length - 1;
    }

    /** The deadline, a cancel and the last outcome, all at once: each batch ends once, for the reason that came first. */
    @Test
    void theDeadlineACancelAndTheEndRaceAndOneOfThemWinsCleanly() throws Exception {
        long seed = System.nanoTime();
        System.out.println("DeadlineTest seed " + seed);
        SplittableRandom random = new SplittableRandom(seed);
        Map<Long, Integer> ends = new ConcurrentHashMap<>();
        Map<BatchOutcome, Integer> outcomes = new ConcurrentHashMap<>();
        try (BeltHarness harness = belt(2, 8, 1, 10, ECHO).started();
                Race race = new Race()) {
            harness.store.listen(new StoreListener() {
                @Override
                public void ended(BatchRef batch, BatchOutcome outcome) {
                    ends.merge(batch.batchNo(), 1, Integer::sum);
                }
            });
            for (int round = 0; round < RACES; round++) {
                int jobs = 1 + random.nextInt(300);
                int delay = random.nextInt(2000);
                int cancelDelay = random.nextInt(2000);
                boolean cancels = random.nextInt(3) == 0;
                List<PackedSegment> segments = segments("echo", jobs, 0);
                BatchRef ref = harness.seal("race-" + round, segments, IN_AN_HOUR);
                race.run(
                        () -> harness.belt.feed(ref, segments, LONG),
                        () -> {
                            Race.spin(delay);
                            pass(harness, HOUR);
                        },
                        () -> {
                            Race.spin(cancelDelay);
                            if (cancels) {
                                harness.belt.cancel(ref);
                            }
                        });
                StoredBatch ended = harness.awaitEnd(ref);
                Tally tally = ended.tally();
                assertThat(tally.recorded()).isEqualTo(jobs);
                assertThat(tally.cancelled() == 0 || tally.expired() == 0).isTrue();
                assertThat(ended.outcome())
                        .isEqualTo(
                                tally.cancelled() > 0
                                        ? BatchOutcome.CANCELLED
                                        : tally.expired() > 0 ? BatchOutcome.EXPIRED : BatchOutcome.SUCCEEDED);
                assertResults(harness, ref, jobs);
                outcomes.merge(Objects.requireNonNull(ended.outcome()), 1, Integer::sum);
            }
            while (ends.size() < RACES) {
                Thread.onSpinWait(); // this listener hears of the last end after those who wait for it
            }
            assertThat(ends.values()).containsOnly(1);
            assertThat(harness.store.backlogJobs()).isZero();
            System.out.println("DeadlineTest: " + outcomes);
        }
    }
}
