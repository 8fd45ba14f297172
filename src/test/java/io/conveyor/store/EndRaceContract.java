package io.conveyor.store;

import static io.conveyor.store.Batches.TENANT;
import static io.conveyor.store.Batches.batch;
import static io.conveyor.store.Batches.outcome;
import static io.conveyor.store.Batches.segments;
import static org.assertj.core.api.Assertions.assertThat;

import io.conveyor.job.BatchOutcome;
import io.conveyor.job.BatchRules;
import io.conveyor.job.BatchState;
import io.conveyor.job.JobState;
import io.conveyor.job.OnError;
import io.conveyor.job.StopReason;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * How every store must end a batch, whatever meets at its end: two who record the same jobs, a cancel, its deadline, pauses,
 * and the rest of its upload. It ends once, no job has two outcomes, and the counts are those of the outcomes. Prints its
 * seed; {@code -Dseed=} repeats the plan of a run, {@code -Draces=} makes it longer.
 */
@Timeout(600)
abstract class EndRaceContract extends StoreContract<StoreHarness> {

    private static final int RACES = Integer.getInteger("races", 80);

    private static final long HOUR = 3_600_000;

    private static final int SEGMENT = 16;

    EndRaceContract(StoreHarness harness) {
        super(harness);
    }

    /** What one batch is, and who comes when; delays are spins. */
    private record Plan(String id, int jobs, int atFirst, BatchRules rules, boolean isOpen, SplittableRandom random) {

        static Plan draw(int race, SplittableRandom random) {
            int jobs = 1 + random.nextInt(60);
            boolean isOpen = random.nextBoolean();
            OnError onError = random.nextInt(3) == 0 ? OnError.ofText("tolerate:" + random.nextInt(4)) : null;
            long deadline = random.nextBoolean() ? HOUR : 0;
            int atFirst = isOpen ? Math.min(jobs, SEGMENT * (1 + random.nextInt(3))) : jobs;
            return new Plan(
                    "race-" + race, jobs, atFirst, new BatchRules(0, 0, 0, deadline, onError), isOpen, random.split());
        }
    }

    @Test
    void aBatchEndsOnceWhateverMeetsAtItsEnd() throws Exception {
        SplittableRandom random = Batches.seeded();
        Map<BatchOutcome, Integer> outcomes = new EnumMap<>(BatchOutcome.class);
        for (int race = 0; race < RACES; race++) {
            Plan plan = Plan.draw(race, random);
            StoredBatch ended = race(plan);
            outcomes.merge(assertEndedOnce(plan, ended), 1, Integer::sum);
        }
        System.out.println("EndRaceContract: " + outcomes);
        assertThat(store.backlogJobs()).isZero();
        assertThat(store.status().batches())
                .isEqualTo(harness.afterCrash().status().batches());
    }

    /** Each of them with its own view of the batch, all at once. */
    private StoredBatch race(Plan plan) throws Exception {
        NewBatch batch = batch(store, plan.id(), plan.atFirst()).with(plan.rules());
        List<PackedSegment> first = segments(0, plan.atFirst(), SEGMENT);
        assertThat(plan.isOpen() ? store.open(batch, first) : store.seal(batch, first))
                .isTrue();
        BatchRef ref = batch.ref();
        Upload upload = new Upload(plan.atFirst(), !plan.isOpen());
        List<SplittableRandom> randoms = new ArrayList<>();
        for (int part = 0; part < 5; part++) {
            randoms.add(plan.random().split());
        }
        inParallel(5, part -> {
            SplittableRandom random = randoms.get(part);
            spin(random);
            switch (part) {
                case 0 -> record(ref, upload, random, 1);
                case 1 -> record(ref, upload, random, 1 + random.nextInt(4));
                case 2 -> upload(ref, plan, upload, random);
                case 3 -> stop(ref, plan, random);
                default -> pause(ref, random);
            }
            return part;
        });
        Batches.until(() -> found(plan.id()).ended());
        store.renewEpoch(new BatchRef("nobody", 0, "")); // what was recorded before is told before this returns
        return found(plan.id());
    }

    /** How far the upload has come. */
    private static final class Upload {

        private volatile int end;
        private volatile boolean over;

        Upload(int end, boolean over) {
            this.end = end;
            this.over = over;
        }
    }

    /** Records every so-manyth job there is, as somebody who took the batch up knows them: none has its outcome. */
    private void record(BatchRef ref, Upload upload, SplittableRandom random, int every) {
        Map<Integer, SegmentRef> known = new HashMap<>();
        boolean over = false;
        int next = 0;
        while (!over || next < upload.end) {
            over = upload.over;
            for (; next < upload.end; next += every) {
                SegmentRef segment = known.computeIfAbsent(
                        next / SEGMENT * SEGMENT, firstIndex -> SegmentRef.fresh(ref, firstIndex));
                store.record(outcome(segment, next, stateFor(found(ref.id()).stopReason(), random), 0));
            }
            Thread.onSpinWait();
        }
    }

    private static JobState stateFor(@Nullable StopReason stopped, SplittableRandom random) {
        if (stopped != null && random.nextInt(4) > 0) {
            return stopped.outcome();
        }
        return random.nextInt(8) == 0 ? JobState.FAILED : JobState.SUCCEEDED;
    }

    private void upload(BatchRef ref, Plan plan, Upload upload, SplittableRandom random) {
        if (!plan.isOpen()) {
            return;
        }
        try {
            boolean taken = true;
            while (taken && upload.end < plan.jobs()) {
                int to = Math.min(plan.jobs(), upload.end + SEGMENT);
                taken = store.append(ref, segments(upload.end, to, SEGMENT));
                upload.end = taken ? to : upload.end;
                spin(random);
            }
            if (random.nextInt(4) == 0) {
                store.abandon(ref);
            } else {
                store.complete(ref, new byte[] {1}, null);
            }
        } finally {
            upload.over = true;
        }
    }

    private void stop(BatchRef ref, Plan plan, SplittableRandom random) {
        if (plan.rules().deadlineMillis() > 0 && random.nextBoolean()) {
            harness.pass(HOUR);
            store.stopOverdue(10);
        }
        spin(random);
        if (random.nextInt(3) == 0) {
            store.cancel(ref);
        }
    }

    private void pause(BatchRef ref, SplittableRandom random) {
        for (int times = random.nextInt(4); times > 0; times--) {
            store.pause(ref);
            spin(random);
            store.resume(ref);
        }
    }

    private static void spin(SplittableRandom random) {
        for (int spins = random.nextInt(100_000); spins > 0; spins--) {
            Thread.onSpinWait();
        }
    }

    private BatchOutcome assertEndedOnce(Plan plan, StoredBatch ended) {
        BatchRef ref = ended.ref();
        List<OutcomeEntry> kept = new ArrayList<>();
        told.kept.drainTo(kept);
        told.late.clear();
        assertThat(ended.state()).as("%s %s", plan, ended).isEqualTo(BatchState.ENDED);
        assertThat(told.ended.stream().map(BatchRef::batchNo))
                .as("the ends of %s", plan.id())
                .containsExactly(ref.batchNo());
        assertThat(told.stopped).as("the stops of %s", plan.id()).hasSizeLessThanOrEqualTo(1);
        told.ended.clear();
        told.stopped.clear();
        for (JobState state : List.of(JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED, JobState.EXPIRED)) {
            assertThat(count(ended, state)).as("%s of %s", state, plan.id()).isEqualTo((int)
                    kept.stream().filter(each -> each.state() == state).count());
        }
        assertThat(ended.tally().open()).isZero();
        assertResults(ref, kept);
        BatchOutcome outcome = ended.outcome();
        assertThat(outcome).isNotNull();
        assertThat(store.find(TENANT, plan.id()).orElseThrow().outcome()).isEqualTo(outcome);
        return outcome;
    }

    private static int count(StoredBatch batch, JobState state) {
        return switch (state) {
            case SUCCEEDED -> batch.tally().succeeded();
            case FAILED -> batch.tally().failed();
            case CANCELLED -> batch.tally().cancelled();
            case EXPIRED -> batch.tally().expired();
            default -> 0;
        };
    }
}
