package io.conveyor.belt;

import static io.conveyor.belt.BeltHarness.handler;
import static io.conveyor.belt.BeltHarness.input;
import static io.conveyor.belt.BeltHarness.segments;
import static org.assertj.core.api.Assertions.assertThat;

import io.conveyor.belt.Feeder.Manner;
import io.conveyor.belt.Feeder.Result;
import io.conveyor.belt.Feeder.Turn;
import io.conveyor.handler.HandlerRegistry;
import io.conveyor.handler.JobHandler;
import io.conveyor.handler.JobOutput;
import io.conveyor.job.StopReason;
import io.conveyor.limit.Limits;
import io.conveyor.store.OpenSegment;
import io.conveyor.store.PackedSegment;
import io.conveyor.store.SegmentRef;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** One turn of a batch: what it hands over, where it stops, and how it leaves the batch behind. */
@Timeout(120)
class FeederTest extends BareParts {

    /** Longer than the test. */
    private static final Duration ENDLESS = Duration.ofDays(1);

    private static final Turn WHAT_FITS = Turn.ofAll(Manner.BACKGROUND, Duration.ZERO);

    private final Limits limits = Limits.of(Map.of());
    private final List<Integer> asked = new ArrayList<>();
    private final BitSet done = new BitSet();
    private final BitSet tried = new BitSet();

    /** What a job does when its caller runs it. */
    private Consumer<String> inCaller = input -> {};

    private final List<String> ranInCaller = new ArrayList<>();

    private final Thread caller = Thread.currentThread();

    private final JobHandler noted = handler("noted", job -> {
        if (Thread.currentThread() == caller) {
            ranInCaller.add(input(job));
            inCaller.accept(input(job));
        }
        return new JobOutput(job.input());
    });

    private final JobRunner[] made = new JobRunner[1];

    @SuppressWarnings("NullAway.Init")
    FeederTest() {}

    @AfterEach
    void closeLimits() {
        limits.close();
    }

    private JobRunner runner() {
        if (made[0] == null) {
            made[0] = runner(noted);
        }
        return made[0];
    }

    private Feeder feeder() {
        return new Feeder(pool, store, runner(), new Admission(limits, new HandlerRegistry(List.of(noted))));
    }

    private void has(ActiveBatch batch, List<PackedSegment> segments) {
        answers.put("openSegment", arguments -> {
            int from = (int) arguments[1];
            asked.add(from);
            return segments.stream()
                    .filter(segment -> segment.endIndex() > from)
                    .findFirst()
                    .map(segment -> new OpenSegment(
                            SegmentRef.fresh(batch.ref(), segment.firstIndex()),
                            segment,
                            done.get(segment.firstIndex(), segment.endIndex()),
                            tried.get(segment.firstIndex(), segment.endIndex())))
                    .orElse(null);
        });
    }

    private ActiveBatch stored(int jobs, int atOnce) {
        ActiveBatch batch = batch(jobs, atOnce);
        has(batch, segments("noted", jobs, 0));
        return batch;
    }

    /** The jobs of the batch that stand in the queue. */
    private List<Integer> inQueue(ActiveBatch batch) {
        return runner().takeBack(batch).stream().map(task -> task.job().index()).toList();
    }

    @Test
    void whatFindsNoRoomIsNeitherCountedNorHoldsAPlace() throws Exception {
        holdTheWorker();
        ActiveBatch batch = stored(3, 2);

        assertThat(feeder().feed(batch, List.of(), WHAT_FITS)).isEqualTo(Result.TIME_UP);

        assertThat(batch.handed()).isEqualTo(1);
        assertThat(batch.nextIndex()).isEqualTo(1);
        assertThat(Objects.requireNonNull(batch.limit()).taken()).isEqualTo(1);
        assertThat(inQueue(batch)).containsExactly(0);
    }

    @Test
    void whatHasNoPlaceInALimitStaysTheNextOne() throws Exception {
        holdTheWorker();
        ActiveBatch batch = stored(3, 1);
        batch.placeMayBeFree();

        assertThat(feeder().feed(batch, List.of(), Turn.ofAll(Manner.BACKGROUND, ENDLESS)))
                .isEqualTo(Result.LIMITED);

        assertThat(batch.handed()).isEqualTo(1);
        assertThat(batch.nextIndex()).isEqualTo(1);
        assertThat(batch.isCalled()).as("since it was asked").isFalse();
    }

    @Test
    void aPoolThatIsClosedTakesNothingAndLeavesNothingBehind() {
        ActiveBatch batch = stored(3, 1);
        pool.close();

        assertThat(feeder().feed(batch, List.of(), WHAT_FITS)).isEqualTo(Result.CLOSED);

        assertThat(batch.handed()).isZero();
        assertThat(batch.nextIndex()).isZero();
        assertThat(Objects.requireNonNull(batch.limit()).taken()).isZero();
    }

    @Test
    void whoIsInterruptedWhileItWaitsForRoomGoesAndStaysInterrupted() throws Exception {
        holdTheWorker();
        fillTheQueue();
        ActiveBatch batch = stored(3, 1);
        Thread.currentThread().interrupt();

        Result result = feeder().feed(batch, List.of(), Turn.ofAll(Manner.BACKGROUND, ENDLESS));

        assertThat(Thread.interrupted()).isTrue();
        assertThat(result).isEqualTo(Result.TIME_UP);
        assertThat(batch.handed()).isZero();
        assertThat(Objects.requireNonNull(batch.limit()).taken()).isZero();
    }

    @Test
    void aCallerThatFindsNeitherRoomNorAPermitTakesItsJobBack() throws Exception {
        holdTheWorker();
        fillTheQueue();
        takeTheOnlyPermit();
        ActiveBatch batch = stored(3, 1);

        assertThat(feeder().feed(batch, List.of(), Turn.ofAll(Manner.CALLER, Duration.ZERO)))
                .isEqualTo(Result.TIME_UP);

        assertThat(batch.handed()).isZero();
        assertThat(batch.nextIndex()).isZero();
        assertThat(Objects.requireNonNull(batch.limit()).taken()).isZero();
        assertThat(ranInCaller).isEmpty();
    }

    @Test
    void aTurnInTheBackgroundIsOneSegment() throws Exception {
        ActiveBatch batch = stored(600, 0);
        done.set(0, 600);

        assertThat(feeder().feed(batch, List.of(), Turn.inBackground(ENDLESS))).isEqualTo(Result.TIME_UP);
        assertThat(batch.nextIndex()).isEqualTo(256);
        assertThat(feeder().feed(batch, List.of(), Turn.inBackground(ENDLESS))).isEqualTo(Result.TIME_UP);
        assertThat(feeder().feed(batch, List.of(), Turn.inBackground(ENDLESS))).isEqualTo(Result.FED);

        assertThat(asked).containsExactly(0, 256, 512);
        assertThat(batch.handed()).isZero();
    }

    @Test
    void whatIsRecordedTriedOrApartIsPassedOver() throws Exception {
        holdTheWorker();
        ActiveBatch batch = stored(260, 0);
        done.set(0, 257);
        tried.set(257);
        batch.setApart(259);

        assertThat(feeder().feed(batch, List.of(), WHAT_FITS)).isEqualTo(Result.FED);

        assertThat(batch.handed()).isEqualTo(1);
        assertThat(inQueue(batch)).containsExactly(258);
    }

    @Test
    void whoGoesOnInTheMiddleOfASegmentHandsNothingOverTwice() throws Exception {
        holdTheWorker();
        ActiveBatch batch = stored(3, 0);
        batch.advanceTo(2);

        assertThat(feeder().feed(batch, List.of(), WHAT_FITS)).isEqualTo(Result.FED);

        assertThat(inQueue(batch)).containsExactly(2);
        assertThat(batch.nextIndex()).isEqualTo(3);
    }

    @Test
    void aBatchOfWhichNothingIsLeftInTheStoreIsFed() {
        ActiveBatch batch = batch(600, 0);
        has(batch, List.of());
        assertThat(feeder().feed(batch, List.of(), WHAT_FITS)).isEqualTo(Result.FED);
        assertThat(batch.nextIndex()).isEqualTo(600);

        ActiveBatch stopped = batch(600, 0);
        stopped.stop(StopReason.CANCEL);
        assertThat(feeder().feed(stopped, List.of(), WHAT_FITS)).isEqualTo(Result.FED);
        assertThat(stopped.nextIndex()).isEqualTo(600);
    }

    @Test
    void theStoreIsAskedForWhatIsNotInMemory() throws Exception {
        holdTheWorker();
        List<PackedSegment> all = segments("noted", 600, 0);
        ActiveBatch batch = stored(600, 0);
        done.set(0, 600);

        // The first is only in the store, the last is in memory.
        batch.advanceTo(255);
        assertThat(feeder().feed(batch, all.subList(2, 3), WHAT_FITS)).isEqualTo(Result.TIME_UP);
        assertThat(asked).containsExactly(255, 256);
        assertThat(batch.nextIndex()).isEqualTo(513);
        assertThat(inQueue(batch)).containsExactly(512);

        // The one before is over, and this one begins.
        asked.clear();
        batch.advanceTo(256);
        assertThat(feeder().feed(batch, all, WHAT_FITS)).isEqualTo(Result.TIME_UP);
        assertThat(asked).isEmpty();
        assertThat(inQueue(batch)).containsExactly(256);
    }

    @Test
    void aPausedBatchStaysWhereItStandsWithWhatCameBackAtTheFront() {
        ActiveBatch batch = stored(3, 0);
        batch.pause();
        assertThat(feeder().feed(batch, List.of(), WHAT_FITS)).isEqualTo(Result.PAUSED);
        assertThat(batch.nextIndex()).isZero();

        JobTask first = task(runner(), batch, job(0, "noted"));
        batch.keepFirst(task(runner(), batch, job(1, "noted")));
        batch.keepFirst(first);
        assertThat(feeder().feed(batch, List.of(), WHAT_FITS)).isEqualTo(Result.PAUSED);
        assertThat(batch.handed()).isZero();
        assertThat(batch.pollTakenBack()).isSameAs(first);
        assertThat(batch.hasTakenBack()).isTrue();
    }

    @Test
    void whatCameBackGoesFirstAndWhatFindsNoRoomStaysInItsOrder() throws Exception {
        holdTheWorker();
        ActiveBatch batch = stored(4, 0);
        batch.advanceTo(2);
        batch.keepFirst(task(runner(), batch, job(1, "noted")));
        batch.keepFirst(task(runner(), batch, job(0, "noted")));

        assertThat(feeder().feed(batch, List.of(), WHAT_FITS)).isEqualTo(Result.TIME_UP);

        assertThat(inQueue(batch)).containsExactly(0);
        assertThat(batch.handed()).isEqualTo(1);
        assertThat(batch.nextIndex()).isEqualTo(2);
        assertThat(feeder().feed(batch, List.of(), WHAT_FITS)).isEqualTo(Result.TIME_UP);
        assertThat(inQueue(batch)).containsExactly(1);
        assertThat(batch.hasTakenBack()).isFalse();
    }

    @Test
    void aStoppedBatchIsPassedOverSegmentBySegmentFromWhereItStands() {
        ActiveBatch batch = stored(600, 0);
        batch.stop(StopReason.CANCEL);
        batch.keepFirst(task(runner(), batch, job(7, "noted")));
        batch.advanceTo(250);
        done.set(252);
        tried.set(253);
        batch.setApart(254);
        Turn one = new Turn(Manner.BACKGROUND, Duration.ZERO, 1, 1);

        assertThat(feeder().feed(batch, List.of(), one)).isEqualTo(Result.TIME_UP);
        assertThat(outcomes()).containsExactly("7 CANCELLED", "250 CANCELLED", "251 CANCELLED", "255 CANCELLED");
        assertThat(batch.handed()).isEqualTo(4);
        assertThat(batch.nextIndex()).isEqualTo(256);

        assertThat(feeder().feed(batch, List.of(), Turn.inBackground(Duration.ZERO)))
                .isEqualTo(Result.FED);
        assertThat(recorded).hasSize(4 + 600 - 256);
        assertThat(batch.nextIndex()).isEqualTo(600);
        assertThat(ranInCaller).isEmpty();
    }

    /** Job 0 stands in the queue, and job 1, which its caller runs, stops the batch. */
    @Test
    void aBatchThatIsStoppedWhileItIsFedIsTakenBackAndPassedOver() throws Exception {
        holdTheWorker();
        ActiveBatch batch = stored(4, 0);
        inCaller = input -> batch.stop(StopReason.CANCEL);

        assertThat(feeder().feed(batch, List.of(), Turn.ofAll(Manner.CALLER, ENDLESS)))
                .isEqualTo(Result.FED);

        assertThat(ranInCaller).containsExactly("1");
        assertThat(outcomes()).containsExactly("1 SUCCEEDED", "0 CANCELLED", "2 CANCELLED", "3 CANCELLED");
    }

    @Test
    void aBatchThatIsPausedWhileItIsFedGoesNoFurther() throws Exception {
        holdTheWorker();
        ActiveBatch batch = stored(4, 0);
        inCaller = input -> batch.pause();

        assertThat(feeder().feed(batch, List.of(), Turn.ofAll(Manner.CALLER, ENDLESS)))
                .isEqualTo(Result.PAUSED);

        assertThat(ranInCaller).containsExactly("1");
        assertThat(batch.nextIndex()).isEqualTo(2);
    }

    /** A permit is free for it all the time: what sends it away is the clock, and only after a job that it has run. */
    @Test
    void aCallerRunsOneJobWithoutTimeAndAsManyAsThereAreWithIt() throws Exception {
        holdTheWorker();
        ActiveBatch batch = stored(6, 0);
        assertThat(feeder().feed(batch, List.of(), Turn.ofAll(Manner.CALLER, Duration.ZERO)))
                .isEqualTo(Result.TIME_UP);
        assertThat(ranInCaller).containsExactly("1");

        assertThat(feeder().feed(batch, List.of(), Turn.ofAll(Manner.CALLER, ENDLESS)))
                .isEqualTo(Result.FED);
        assertThat(ranInCaller)
                .containsExactlyElementsOf(
                        IntStream.range(1, 6).mapToObj(String::valueOf).toList());
    }
}
