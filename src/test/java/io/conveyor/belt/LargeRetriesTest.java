package io.conveyor.belt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.conveyor.job.Job;
import io.conveyor.job.Tally;
import io.conveyor.store.BatchRef;
import io.conveyor.store.PackedSegment;
import io.conveyor.store.SegmentPacker;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** However large the jobs are that wait for another attempt, they stay in the store until there is room for them. */
class LargeRetriesTest extends FailingJobs {

    private static final int JOBS = 64;
    private static final int SIZE = 1024 * 1024;

    /** What a turn may hold, and what tests and store need beside it; less than a third of all jobs. */
    private static final long MOST = 20L * SIZE;

    private final AtomicLong before = new AtomicLong(Long.MAX_VALUE);
    private final AtomicLong most = new AtomicLong();

    @SuppressWarnings("NullAway.Init")
    LargeRetriesTest() {}

    /** Measures what is held when jobs are taken in hand, for whatever reason. */
    private BeltHarness harness() {
        BeltHarness.Parts parts = parts(2, 16)
                .withRetries(time.policy(2))
                .withStore(store -> WatchedStore.around(
                        store,
                        (method, argument) -> {
                            if (method.equals("takeAttempts") && before.get() != Long.MAX_VALUE) {
                                most.accumulateAndGet(used() - before.get(), Math::max);
                            }
                        },
                        (method, argument) -> {}));
        return new BeltHarness(parts, onceThenGated).started();
    }

    private static long used() {
        System.gc();
        return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
    }

    private BatchRef withJobsThatWait(BeltHarness harness) {
        List<PackedSegment> segments = new ArrayList<>();
        SegmentPacker packer = new SegmentPacker();
        for (int index = 0; index < JOBS; index++) {
            packer.add(new Job(index, "held", null, 0, null, new byte[SIZE]));
            segments.add(packer.take());
        }
        BatchRef ref = harness.submit("large", segments, Duration.ZERO);
        segments.clear();
        awaitWaiting(harness, JOBS);
        ran.clear(); // inputs
        before.set(used());
        return ref;
    }

    @Test
    void jobsThatAreCancelledWhileTheyWaitAreNotReadAllAtOnce() throws Exception {
        try (BeltHarness harness = harness()) {
            BatchRef ref = withJobsThatWait(harness);

            harness.belt.cancel(ref);

            assertThat(harness.awaitEnd(ref).tally()).isEqualTo(new Tally(JOBS, 0, 0, JOBS, 0));
            assertThat(most).hasValueLessThan(MOST);
        }
    }

    @Test
    void jobsThatAreDueAreReadAsTheyFindRoom() throws Exception {
        try (BeltHarness harness = harness()) {
            BatchRef ref = withJobsThatWait(harness);

            advance(harness, MINUTE);
            awaitBegun(2);

            assertThat(most).hasValueLessThan(MOST);
            before.set(Long.MAX_VALUE);
            gate.release(JOBS);
            await().atMost(LONG).until(() -> {
                ran.clear();
                advance(harness, Duration.ofMillis(100));
                return harness.find(ref).ended();
            });
            assertThat(harness.find(ref).tally()).isEqualTo(new Tally(JOBS, JOBS, 0, 0, 0));
        }
    }
}
