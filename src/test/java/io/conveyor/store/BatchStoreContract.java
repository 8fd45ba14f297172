package io.conveyor.store;

import static io.conveyor.store.Batches.TENANT;
import static io.conveyor.store.Batches.Told.take;
import static io.conveyor.store.Batches.batch;
import static io.conveyor.store.Batches.outcome;
import static io.conveyor.store.Batches.seal;
import static io.conveyor.store.Batches.segments;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.conveyor.job.BatchOutcome;
import io.conveyor.job.BatchState;
import io.conveyor.job.Job;
import io.conveyor.job.JobState;
import io.conveyor.job.Tally;
import io.conveyor.store.Batches.Told;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/** What every store must do, whatever it stores on. */
abstract class BatchStoreContract {

    private static final Pattern LINE = Pattern.compile("\\{\"index\":(\\d+),\"seq\":(\\d+)(,.*})\n");

    private static final List<JobState> TERMINAL =
            Arrays.stream(JobState.values()).filter(JobState::isTerminal).toList();

    BatchStore store;
    Told told = new Told();

    /** A started store without batches, whose clock the test moves. */
    abstract BatchStore openEmpty();

    /** What a process finds that is started after this one has been killed at this moment. */
    abstract BatchStore afterCrash();

    abstract void setTime(long millis);

    /** Lets the store look for what is due, as it does by itself now and then. */
    abstract void keep();

    /** Waits until nothing is left to be swept, and counts the rows in all tables but that of the batches. */
    abstract long rowsAfterSweep();

    @BeforeEach
    void open() {
        store = openEmpty();
        store.listen(told);
    }

    @Test
    void sealedBatchIsFoundAsItWasGiven() {
        NewBatch batch = seal(store, "b1", 300, 128);

        StoredBatch found = found("b1");
        assertThat(found.ref()).isEqualTo(batch.ref());
        assertThat(found.name()).isEqualTo("nightly");
        assertThat(found.metadata()).isEqualTo(batch.metadata());
        assertThat(found.fingerprint()).isEqualTo(batch.fingerprint());
        assertThat(found.timeoutMillis()).isEqualTo(30_000);
        assertThat(found.state()).isEqualTo(BatchState.RUNNING);
        assertThat(found.outcome()).isNull();
        assertThat(found.tally()).isEqualTo(new Tally(300, 0, 0, 0, 0));
        assertThat(found.createdAt()).isEqualTo(1_000_000);
        assertThat(found.startedAt()).isNull();
        assertThat(found.endedAt()).isNull();
        assertThat(found.ended()).isFalse();
        assertThat(take(told.sealed, 1)).containsExactly(batch.ref());
        for (int index : new int[] {0, 127, 128, 255, 256, 299}) {
            assertThat(store.job(batch.ref(), index)).usingRecursiveComparison().isEqualTo(Batches.job(index));
        }
        assertThat(store.job(batch.ref(), 300)).isNull();
    }

    @Test
    void nothingIsVisibleBeforeTheSeal() {
        NewBatch batch = batch(store, "b1", 512);
        List<PackedSegment> segments = segments(0, 512, 256);
        store.spill(batch.ref(), List.of(segments.get(0))).await();

        assertThat(store.find(TENANT, "b1")).isEmpty();
        assertThat(list(null, null)).isEmpty();
        assertThat(store.unfinished(0, 10)).isEmpty();
        assertThat(store.openSegment(batch.ref(), 0)).isNull();
        assertThat(store.job(batch.ref(), 0)).isNull();
        assertThatThrownBy(() -> store.results(batch.ref(), 0)).isInstanceOf(StoreException.class);
        assertThat(store.status().backlogJobs()).isZero();

        assertThat(store.seal(batch, segments.subList(1, 2))).isTrue();
        assertThat(openJobs(batch.ref())).hasSize(512);
        assertThat(store.status().backlogJobs()).isEqualTo(512);
    }

    @Test
    void sealIsRefusedWhenNotAllJobsAreThere() {
        NewBatch batch = batch(store, "b1", 600);
        List<PackedSegment> segments = segments(0, 512, 256);
        store.spill(batch.ref(), List.of(segments.get(0))).await();

        assertThatThrownBy(() -> store.seal(batch, segments.subList(1, 2))).isInstanceOf(StoreException.class);

        assertThat(store.find(TENANT, "b1")).isEmpty();
        assertThat(store.status().backlogJobs()).isZero();
        assertThat(store.status().working())
                .as("one wrong request is no trouble of the store")
                .isTrue();
    }

    @Test
    void abandonedUploadIsSweptAndCannotBeSealedAnyMore() {
        NewBatch batch = batch(store, "b1", 512);
        List<PackedSegment> segments = segments(0, 512, 256);
        store.spill(batch.ref(), List.of(segments.get(0))).await();
        store.spill(batch.ref(), List.of(segments.get(1))).await();

        store.abandon(batch.ref());

        assertThat(rowsAfterSweep()).isZero();
        assertThatThrownBy(() -> store.seal(batch, List.of())).isInstanceOf(StoreException.class);
        assertThat(store.find(TENANT, "b1")).isEmpty();
    }

    @Test
    void batchWithoutJobsEndsWithItsSeal() {
        NewBatch batch = batch(store, "none", 0);

        assertThat(store.seal(batch, List.of())).isTrue();

        assertThat(found("none").outcome()).isEqualTo(BatchOutcome.SUCCEEDED);
        assertThat(take(told.ended, 1)).containsExactly(batch.ref());
        assertThat(store.results(batch.ref(), 0)).isNull();
        assertThat(store.status().batches()).containsEntry(BatchState.ENDED, 1L).containsEntry(BatchState.RUNNING, 0L);
        assertThat(store.delete(TENANT, "none")).isEqualTo(BatchStore.Deletion.DELETED);
    }

    @Test
    void secondBatchOfAnIdChangesNothing() {
        NewBatch first = seal(store, "b1", 10, 256);

        assertThat(store.seal(batch(store, "b1", 20), segments(0, 20, 256))).isFalse();

        assertThat(found("b1").ref()).isEqualTo(first.ref());
        assertThat(found("b1").tally().total()).isEqualTo(10);
        assertThat(store.status().backlogJobs()).isEqualTo(10);
        NewBatch other = batch(new BatchRef("globex", store.newBatchNo(), "b1"), 5);
        assertThat(store.seal(other, segments(0, 5, 256)))
                .as("another tenant's")
                .isTrue();
        assertThat(store.find("globex", "b1").orElseThrow().tally().total()).isEqualTo(5);
    }

    @RepeatedTest(3)
    void ofManySealsOfOneIdAtTheSameMomentOneWins() throws Exception {
        int threads = 12;
        CyclicBarrier barrier = new CyclicBarrier(threads);
        List<Boolean> won = inParallel(threads, n -> {
            NewBatch mine = batch(store, "same", 300 + n);
            List<PackedSegment> segments = segments(0, 300 + n, 256);
            store.spill(mine.ref(), List.of(segments.get(0))).await();
            barrier.await();
            boolean sealed = store.seal(mine, segments.subList(1, 2));
            if (!sealed) {
                store.abandon(mine.ref());
            }
            return sealed;
        });

        assertThat(won).containsOnlyOnce(true);
        int total = 300 + won.indexOf(true);
        assertThat(found("same").tally().total()).isEqualTo(total);
        assertThat(store.status().backlogJobs()).isEqualTo(total);
        assertThat(rowsAfterSweep()).as("two segments and their inputs").isEqualTo(4);
        assertThat(openJobs(found("same").ref())).hasSize(total);
    }

    @RepeatedTest(5)
    void outcomesInAnyOrderOverManyCommitsAddUp() throws Exception {
        SplittableRandom random = seeded();
        int total = 1 + random.nextInt(2000);
        NewBatch batch = seal(store, "b1", total, 1 + random.nextInt(256));
        List<OutcomeEntry> outcomes = new ArrayList<>();
        Map<JobState, Integer> expected = new TreeMap<>();
        for (OpenSegment open : openSegments(batch.ref())) {
            for (int i = 0; i < open.segment().jobs(); i++) {
                JobState state = TERMINAL.get(random.nextInt(TERMINAL.size()));
                expected.merge(state, 1, Integer::sum);
                outcomes.add(outcome(open.ref(), open.segment().firstIndex() + i, state, random.nextInt(40)));
            }
        }
        Batches.shuffle(outcomes, random);
        int half = total / 2;
        inParallel(2, n -> {
            (n == 0 ? outcomes.subList(0, half) : outcomes.subList(half, total)).forEach(store::record);
            return true;
        });

        assertThat(take(told.ended, 1)).containsExactly(batch.ref());
        StoredBatch found = found("b1");
        assertThat(found.tally())
                .isEqualTo(new Tally(
                        total,
                        expected.getOrDefault(JobState.SUCCEEDED, 0),
                        expected.getOrDefault(JobState.FAILED, 0),
                        expected.getOrDefault(JobState.CANCELLED, 0),
                        expected.getOrDefault(JobState.EXPIRED, 0)));
        assertThat(found.outcome()).isEqualTo(found.tally().outcome());
        assertThat(found.startedAt()).isEqualTo(2_000_000);
        assertResults(batch.ref(), outcomes);
        assertThat(told.kept).hasSize(total);
        assertThat(told.late).isEmpty();
        assertThat(told.ended).as("ended once").isEmpty();
        assertThat(store.openSegment(batch.ref(), 0)).isNull();
        assertThat(store.status().backlogJobs()).isZero();
    }

    @Test
    void outcomeTwiceInOneGroupOrInTwoIsKeptOnce() {
        NewBatch batch = seal(store, "b1", 3, 256);
        SegmentRef ref = SegmentRef.fresh(batch.ref(), 0);
        OutcomeEntry first = outcome(ref, 1);
        Runnable release = occupyWriter();
        store.record(first);
        store.record(outcome(ref, 1, JobState.FAILED, 5));
        store.record(first);
        release.run();
        assertThat(take(told.late, 2)).hasSize(2);
        store.record(outcome(ref, 1, JobState.FAILED, 5));
        assertThat(take(told.late, 1)).hasSize(1);

        assertThat(found("b1").tally()).isEqualTo(new Tally(3, 1, 0, 0, 0));
        assertResults(batch.ref(), List.of(first));
        assertThat(store.status().lateOutcomes()).isEqualTo(3);
        assertThat(store.status().backlogJobs()).isEqualTo(2);
    }

    @RepeatedTest(5)
    void twoReferencesToOneSegmentRecordEachJobOnce() throws Exception {
        SplittableRandom random = seeded();
        NewBatch batch = seal(store, "b1", 200, 256);
        SegmentRef loaded =
                Objects.requireNonNull(store.openSegment(batch.ref(), 0)).ref();
        SegmentRef fresh = SegmentRef.fresh(batch.ref(), 0);
        List<SplittableRandom> randoms = List.of(random.split(), random.split());
        inParallel(2, n -> {
            SplittableRandom mine = randoms.get(n);
            List<Integer> indexes =
                    new ArrayList<>(IntStream.range(0, 200).boxed().toList());
            Batches.shuffle(indexes, mine);
            for (int index : indexes) {
                store.record(outcome(n == 0 ? loaded : fresh, index, JobState.SUCCEEDED, n));
                if (mine.nextInt(20) == 0) {
                    store.renewEpoch(new BatchRef("nobody", 0, "")); // waits for a commit: splits the groups
                }
            }
            return true;
        });

        assertThat(take(told.ended, 1)).containsExactly(batch.ref());
        assertThat(take(told.late, 200)).hasSize(200);
        assertResults(batch.ref(), List.copyOf(told.kept));
    }

    @Test
    void outcomesOfAFormerOwnerAreLate() {
        NewBatch batch = seal(store, "b1", 10, 256);
        SegmentRef old =
                Objects.requireNonNull(store.openSegment(batch.ref(), 0)).ref();
        OutcomeEntry before = outcome(old, 3);
        store.record(before);
        take(told.kept, 1);

        store.renewEpoch(batch.ref());
        OpenSegment taken = Objects.requireNonNull(store.openSegment(batch.ref(), 0));
        store.record(outcome(old, 4, JobState.FAILED, 1));
        take(told.late, 1);

        assertThat(taken.recorded().stream().toArray()).containsExactly(3);
        OutcomeEntry after = outcome(taken.ref(), 4);
        store.record(after);
        take(told.kept, 1);
        store.record(outcome(taken.ref(), 3));
        take(told.late, 1);
        assertResults(batch.ref(), List.of(before, after));
        assertThat(found("b1").tally()).isEqualTo(new Tally(10, 2, 0, 0, 0));
    }

    @Test
    void moreOutcomesThanJobsAreLate() {
        NewBatch batch = seal(store, "b1", 2, 256);
        SegmentRef ref = SegmentRef.fresh(batch.ref(), 0);
        store.record(outcome(ref, 0));
        store.record(outcome(ref, 1));
        take(told.ended, 1);

        store.record(outcome(ref, 2));

        take(told.late, 1);
        assertThat(found("b1").tally()).isEqualTo(new Tally(2, 2, 0, 0, 0));
    }

    @Test
    void largeResultsComeByteForByteOneBlockAtATime() {
        SplittableRandom random = seeded();
        NewBatch batch = seal(store, "big", 64, 256);
        SegmentRef ref = SegmentRef.fresh(batch.ref(), 0);
        List<OutcomeEntry> outcomes = new ArrayList<>();
        for (int i = 0; i < 64; i++) {
            outcomes.add(outcome(ref, i, JobState.SUCCEEDED, i == 7 ? 1_500_000 : random.nextInt(120_000)));
        }
        Batches.shuffle(outcomes, random);
        outcomes.forEach(store::record);
        take(told.ended, 1);

        assertThat(outcomes.stream().mapToLong(o -> o.value().length).sum()).isGreaterThan(4 << 20);
        assertResults(batch.ref(), outcomes);
    }

    @Test
    void resultsAreThereWhileTheBatchRunsAndEndAtItsEnd() {
        NewBatch batch = seal(store, "b1", 512, 256);
        SegmentRef second = SegmentRef.fresh(batch.ref(), 256);
        store.record(outcome(second, 300));
        take(told.kept, 1);

        ResultLines both = Objects.requireNonNull(store.results(batch.ref(), 0));
        assertThat(both.size()).isEqualTo(1);
        assertThat(both.index(0)).isEqualTo(300);
        assertThat(both.nextIndex()).isEqualTo(512);
        ResultLines one = Objects.requireNonNull(store.results(batch.ref(), 256));
        assertThat(one.size()).isEqualTo(1);
        assertThat(one.index(0)).isEqualTo(300);
        assertThat(one.state(0)).isEqualTo(JobState.SUCCEEDED);
        assertThat(store.results(batch.ref(), 512)).isNull();
    }

    @Test
    void resultsBySeqAreTheSameLinesInTheOrderOfCompletionFromAnyPlaceOn() {
        NewBatch batch = seal(store, "b1", 700, 256);
        assertThat(store.resultsBySeq(batch.ref(), 0).size()).isZero();
        List<Integer> order = new ArrayList<>(IntStream.range(0, 700).boxed().toList());
        Collections.shuffle(order, new Random(7));
        order.forEach(index -> store.record(outcome(SegmentRef.fresh(batch.ref(), index / 256 * 256), index)));
        take(told.ended, 1);

        List<String> bySeq = new ArrayList<>();
        for (int after : new int[] {0, 1, 255, 256, 699, 700}) {
            bySeq.clear();
            int seq = after;
            for (ResultLines some = store.resultsBySeq(batch.ref(), seq);
                    some.size() > 0;
                    some = store.resultsBySeq(batch.ref(), seq)) {
                for (int n = 0; n < some.size(); n++) {
                    assertThat(some.seq(n)).isEqualTo(++seq);
                    ByteArrayOutputStream line = new ByteArrayOutputStream();
                    some.line(n, line::write);
                    bySeq.add(line.toString(StandardCharsets.UTF_8));
                    assertThat(bySeq.get(bySeq.size() - 1))
                            .contains("{\"index\":" + some.index(n) + ",\"seq\":" + seq + ",");
                }
            }
            assertThat(seq).isEqualTo(700);
            assertThat(bySeq).hasSize(700 - after);
            if (after == 0) {
                assertThat(bySeq).containsExactlyInAnyOrderElementsOf(resultLines(batch.ref()));
            }
        }
        store.delete(TENANT, "b1");
        assertThatThrownBy(() -> store.resultsBySeq(batch.ref(), 0)).isInstanceOf(StoreException.class);
    }

    @Test
    void aWindowOfResultsHoldsWholeSegmentsAndLittleMoreThanItsBytes() {
        NewBatch batch = seal(store, "b1", 600, 200);
        for (int index = 0; index < 600; index++) {
            store.record(outcome(SegmentRef.fresh(batch.ref(), index / 200 * 200), index, JobState.SUCCEEDED, 1000));
        }
        take(told.ended, 1);

        ResultLines first = Objects.requireNonNull(store.results(batch.ref(), 0));
        assertThat(first.nextIndex()).isEqualTo(400);
        assertThat(first.size()).isEqualTo(400);
        assertThat(IntStream.range(0, 400).map(first::index)).isSorted();
        assertThat(store.resultsBySeq(batch.ref(), 0).size()).isBetween(200, 400);
    }

    @Test
    void openSegmentsSkipWhatIsRecorded() {
        NewBatch batch = seal(store, "b1", 600, 200);
        SegmentRef first = SegmentRef.fresh(batch.ref(), 0);
        for (int i = 0; i < 200; i++) {
            store.record(outcome(first, i));
        }
        SegmentRef second = SegmentRef.fresh(batch.ref(), 200);
        store.record(outcome(second, 200));
        store.record(outcome(second, 399));
        take(told.kept, 202);

        OpenSegment open = Objects.requireNonNull(store.openSegment(batch.ref(), 0));
        assertThat(open.segment().firstIndex()).isEqualTo(200);
        assertThat(open.recorded().stream().toArray()).containsExactly(0, 199);
        assertThat(Objects.requireNonNull(store.openSegment(batch.ref(), 399))
                        .segment()
                        .firstIndex())
                .isEqualTo(200);
        assertThat(Objects.requireNonNull(store.openSegment(batch.ref(), 400))
                        .segment()
                        .firstIndex())
                .isEqualTo(400);
        assertThat(store.openSegment(batch.ref(), 600)).isNull();
        assertThat(openJobs(batch.ref())).hasSize(398).doesNotContain(0, 199, 200, 399);
    }

    @Test
    void onlyEndedBatchesAreDeletedAndNothingOfThemStays() {
        NewBatch running = seal(store, "running", 10, 256);
        NewBatch ended = end("ended", 700);

        assertThat(store.delete(TENANT, "unknown")).isEqualTo(BatchStore.Deletion.NOT_FOUND);
        assertThat(store.delete("globex", "ended")).isEqualTo(BatchStore.Deletion.NOT_FOUND);
        assertThat(store.delete(TENANT, "running")).isEqualTo(BatchStore.Deletion.NOT_ENDED);
        assertThat(store.delete(TENANT, "ended")).isEqualTo(BatchStore.Deletion.DELETED);
        assertThat(store.delete(TENANT, "ended")).isEqualTo(BatchStore.Deletion.NOT_FOUND);

        assertThat(store.find(TENANT, "ended")).isEmpty();
        assertThatThrownBy(() -> store.results(ended.ref(), 0)).isInstanceOf(StoreException.class);
        store.record(outcome(SegmentRef.fresh(ended.ref(), 0), 0));
        take(told.late, 1);
        assertThat(rowsAfterSweep())
                .as("the running batch's segment and its input")
                .isEqualTo(2);
        assertThat(openJobs(running.ref())).hasSize(10);
        assertThat(store.status().batches()).containsEntry(BatchState.ENDED, 0L).containsEntry(BatchState.RUNNING, 1L);
        assertThat(store.seal(batch(store, "ended", 1), segments(0, 1, 256)))
                .as("the id is free again")
                .isTrue();
    }

    @Test
    void largeLinesFetchedFromADeletedBatchAreNotMissedInSilence() {
        NewBatch batch = seal(store, "big", 2, 256);
        SegmentRef ref = SegmentRef.fresh(batch.ref(), 0);
        store.record(outcome(ref, 0, JobState.SUCCEEDED, 600_000));
        store.record(outcome(ref, 1, JobState.SUCCEEDED, 600_000));
        take(told.ended, 1);
        ResultLines results = Objects.requireNonNull(store.results(batch.ref(), 0));

        store.delete(TENANT, "big");
        rowsAfterSweep();

        assertThatThrownBy(() -> results.line(1, (bytes, offset, length) -> {})).isInstanceOf(StoreException.class);
    }

    @Test
    void endedBatchesGoWhenTheirTimeIsUp() {
        setTime(5_000_000);
        end("old", 300);
        seal(store, "running", 10, 256);
        long expires = 5_000_000 + SqliteStores.RETENTION.toMillis();
        assertThat(found("old").endedAt()).isEqualTo(5_000_000);
        assertThat(found("old").expiresAt()).isEqualTo(expires);

        setTime(expires - 1);
        keep();
        assertThat(store.find(TENANT, "old")).isPresent();

        setTime(expires);
        keep();
        assertThat(rowsAfterSweep()).isEqualTo(2);
        assertThat(store.find(TENANT, "old")).isEmpty();
        assertThat(store.find(TENANT, "running")).isPresent();
        assertThat(store.status().batches()).containsEntry(BatchState.ENDED, 0L).containsEntry(BatchState.RUNNING, 1L);
    }

    @Test
    @SuppressWarnings("NullAway") // JDK 17 does not show it that the array may be null
    void listsAreFilteredAndPagedNewestFirst() {
        List<String> ids = new ArrayList<>();
        for (int i = 0; i < 7; i++) {
            String id = "b" + i;
            ids.add(0, id);
            if (i % 2 == 0) {
                end(id, 1);
            } else {
                seal(store, id, 1, 256);
            }
        }
        NewBatch named = new NewBatch(
                new BatchRef(TENANT, store.newBatchNo(), "named"), "other", null, Batches.bytes("f"), 0, 1, 3);
        store.seal(named, segments(0, 1, 256));
        store.seal(batch(new BatchRef("globex", store.newBatchNo(), "theirs"), 1), segments(0, 1, 256));

        assertThat(list(null, "nightly")).isEqualTo(ids);
        assertThat(list(null, "other")).containsExactly("named");
        assertThat(list(BatchState.ENDED, null)).containsExactly("b6", "b4", "b2", "b0");
        assertThat(list(BatchState.RUNNING, null)).containsExactly("named", "b5", "b3", "b1");
        assertThat(list(BatchState.ENDED, "other")).isEmpty();
        assertThat(list(BatchState.PAUSED, null)).isEmpty();

        List<String> paged = new ArrayList<>();
        long before = Long.MAX_VALUE;
        List<StoredBatch> page;
        do {
            page = store.list(TENANT, new BatchFilter(null, null, before, 3));
            page.forEach(batch -> paged.add(batch.ref().id()));
            before = page.isEmpty() ? before : page.get(page.size() - 1).ref().batchNo();
        } while (!page.isEmpty());
        assertThat(paged).hasSize(8).startsWith("named", "b6").endsWith("b0");
        assertThat(store.unfinished(0, 10))
                .extracting(b -> b.ref().id())
                .containsExactly("b1", "b3", "b5", "named", "theirs");
        assertThat(store.unfinished(found("b3").ref().batchNo(), 1))
                .extracting(b -> b.ref().id())
                .containsExactly("b5");
    }

    @Test
    void aCrashLosesNothingThatWasAcknowledgedAndKeepsNothingUnsealed() {
        NewBatch running = seal(store, "running", 600, 256);
        NewBatch ended = end("ended", 300);
        List<OutcomeEntry> some = List.of(
                outcome(SegmentRef.fresh(running.ref(), 0), 5), outcome(SegmentRef.fresh(running.ref(), 256), 300));
        some.forEach(store::record);
        take(told.kept, 302);
        long rows = rowsAfterSweep();
        NewBatch upload = batch(store, "upload", 512);
        store.spill(upload.ref(), List.of(segments(0, 256, 256).get(0))).await();
        StoreStatus before = store.status();

        store = afterCrash();

        StoreStatus status = store.status();
        assertThat(status.backlogJobs()).isEqualTo(before.backlogJobs()).isEqualTo(598);
        assertThat(status.batches()).isEqualTo(before.batches());
        assertThat(found("running").tally()).isEqualTo(new Tally(600, 2, 0, 0, 0));
        assertResults(running.ref(), some);
        assertThat(openJobs(running.ref())).hasSize(598).doesNotContain(5, 300);
        assertThat(found("ended").outcome()).isEqualTo(BatchOutcome.SUCCEEDED);
        assertThat(resultLines(ended.ref())).hasSize(300);
        assertThat(store.find(TENANT, "upload")).isEmpty();
        assertThat(store.newBatchNo()).isGreaterThan(upload.ref().batchNo());
        assertThat(rowsAfterSweep()).as("nothing of the upload").isEqualTo(rows);
        assertThatThrownBy(() -> store.seal(upload, segments(256, 512, 256))).isInstanceOf(StoreException.class);
    }

    @RepeatedTest(3)
    void countersOfTheStatusAreThoseOfTheDatabase() throws Exception {
        SplittableRandom random = seeded();
        List<SplittableRandom> randoms = List.of(random.split(), random.split(), random.split(), random.split());
        inParallel(4, n -> {
            SplittableRandom mine = randoms.get(n);
            for (int i = 0; i < 10; i++) {
                int total = mine.nextInt(3) == 0 ? 0 : 1 + mine.nextInt(300);
                NewBatch batch = batch(store, "b" + mine.nextInt(25), total);
                if (!store.seal(batch, segments(0, total, 100))) {
                    store.delete(TENANT, batch.ref().id());
                    continue;
                }
                int outcomes = mine.nextBoolean() ? total : mine.nextInt(total + 1);
                for (OpenSegment open : total == 0 ? List.<OpenSegment>of() : openSegments(batch.ref())) {
                    for (int job = 0; job < open.segment().jobs(); job++) {
                        if (open.segment().firstIndex() + job < outcomes) {
                            store.record(outcome(open.ref(), open.segment().firstIndex() + job));
                        }
                    }
                }
            }
            return true;
        });
        store.renewEpoch(new BatchRef("nobody", 0, "")); // comes back when all outcomes before it are committed
        StoreStatus live = store.status();

        StoreStatus read = afterCrash().status();

        assertThat(live.backlogJobs()).isEqualTo(read.backlogJobs());
        assertThat(live.batches()).isEqualTo(read.batches());
        assertThat(live.outcomesInHand()).isZero();
    }

    @Test
    void aListenerThatThrowsHarmsNobody() {
        Told second = new Told();
        store.listen(new StoreListener() {
            @Override
            public void sealed(BatchRef batch, int jobs) {
                throw new IllegalStateException("sealed");
            }

            @Override
            public void recorded(BatchRef batch, List<OutcomeEntry> outcomes, boolean kept) {
                throw new IllegalStateException("recorded");
            }

            @Override
            public void ended(BatchRef batch, BatchOutcome outcome) {
                throw new IllegalStateException("ended");
            }

            @Override
            public void committed(int writes, long nanos) {
                throw new IllegalStateException("committed");
            }
        });
        store.listen(second);

        NewBatch batch = end("b1", 3);

        assertThat(take(second.kept, 3)).hasSize(3);
        assertThat(take(second.ended, 1)).containsExactly(batch.ref());
        assertThatCode(() -> end("b2", 3)).doesNotThrowAnyException();
    }

    @Test
    void anInterruptedCallerIsServedAndStaysInterrupted() {
        Thread.currentThread().interrupt();
        NewBatch batch = seal(store, "b1", 1, 256);
        store.record(outcome(SegmentRef.fresh(batch.ref(), 0), 0));

        assertThat(Thread.interrupted()).isTrue();
        assertThat(take(told.ended, 1)).containsExactly(batch.ref());
    }

    static SplittableRandom seeded() {
        long seed = Long.getLong("seed", System.nanoTime());
        System.out.println("Repeat with -Dseed=" + seed);
        return new SplittableRandom(seed);
    }

    StoredBatch found(String id) {
        return store.find(TENANT, id).orElseThrow();
    }

    private List<String> list(@Nullable BatchState state, @Nullable String name) {
        return store.list(TENANT, new BatchFilter(state, name, Long.MAX_VALUE, 100)).stream()
                .map(batch -> batch.ref().id())
                .toList();
    }

    /** Seals a batch and records success for all its jobs. */
    NewBatch end(String id, int total) {
        NewBatch batch = seal(store, id, total, 256);
        for (int i = 0; i < total; i += 256) {
            SegmentRef ref = SegmentRef.fresh(batch.ref(), i);
            for (int index = i; index < Math.min(total, i + 256); index++) {
                store.record(outcome(ref, index));
            }
        }
        while (!take(told.ended, 1).contains(batch.ref())) {
            // another one's
        }
        return batch;
    }

    List<OpenSegment> openSegments(BatchRef batch) {
        List<OpenSegment> segments = new ArrayList<>();
        OpenSegment open = store.openSegment(batch, 0);
        while (open != null) {
            segments.add(open);
            open = store.openSegment(
                    batch, open.segment().firstIndex() + open.segment().jobs());
        }
        return segments;
    }

    List<Integer> openJobs(BatchRef batch) {
        List<Integer> jobs = new ArrayList<>();
        for (OpenSegment open : openSegments(batch)) {
            SegmentCursor cursor = new SegmentCursor(open.segment());
            while (cursor.hasNext()) {
                Job job = cursor.next();
                if (!open.recorded().get(job.index() - open.segment().firstIndex())) {
                    jobs.add(job.index());
                }
            }
        }
        return jobs;
    }

    List<String> resultLines(BatchRef batch) {
        List<String> lines = new ArrayList<>();
        ResultLines results = store.results(batch, 0);
        while (results != null) {
            for (int n = 0; n < results.size(); n++) {
                ByteArrayOutputStream line = new ByteArrayOutputStream();
                results.line(n, line::write);
                assertThat(results.length(n)).isEqualTo(line.size());
                lines.add(line.toString(StandardCharsets.UTF_8));
            }
            results = store.results(batch, results.nextIndex());
        }
        return lines;
    }

    /** The results are these outcomes, in input order, byte for byte, numbered without gaps. */
    void assertResults(BatchRef batch, List<OutcomeEntry> outcomes) {
        Map<Integer, String> expected = new TreeMap<>();
        outcomes.forEach(o -> expected.put(o.index(), Batches.tail(o)));
        List<Integer> indexes = new ArrayList<>();
        Set<Integer> seqs = new HashSet<>();
        for (String line : resultLines(batch)) {
            Matcher parts = LINE.matcher(line);
            assertThat(parts.matches())
                    .as(line.substring(0, Math.min(100, line.length())))
                    .isTrue();
            int index = Integer.parseInt(parts.group(1));
            indexes.add(index);
            seqs.add(Integer.parseInt(parts.group(2)));
            assertThat(parts.group(3).equals(expected.get(index)))
                    .as("line %s", index)
                    .isTrue();
        }
        assertThat(indexes).containsExactlyElementsOf(expected.keySet());
        assertThat(seqs).hasSize(expected.size());
        assertThat(seqs.stream().mapToInt(s -> s).max().orElse(0)).isEqualTo(expected.size());
    }

    /** Keeps the writer busy, so that what is handed in until the release travels in one group. */
    abstract Runnable occupyWriter();

    static <T> List<T> inParallel(int threads, ThrowingFunction<T> part) throws Exception {
        ExecutorService crew = Executors.newFixedThreadPool(threads);
        try {
            List<Callable<T>> parts = new ArrayList<>();
            for (int n = 0; n < threads; n++) {
                int number = n;
                parts.add(() -> part.apply(number));
            }
            List<T> results = new ArrayList<>();
            for (Future<T> future : crew.invokeAll(parts)) {
                results.add(future.get());
            }
            return results;
        } finally {
            crew.shutdownNow();
        }
    }

    interface ThrowingFunction<T> {
        T apply(int n) throws Exception;
    }
}
