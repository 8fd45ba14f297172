package io.conveyor.belt;

import static io.conveyor.belt.BeltHarness.TENANT;
import static io.conveyor.belt.BeltHarness.segments;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.conveyor.job.BatchRules;
import io.conveyor.job.Job;
import io.conveyor.job.Tally;
import io.conveyor.store.BatchRef;
import io.conveyor.store.NewBatch;
import io.conveyor.store.PackedSegment;
import io.conveyor.store.SegmentPacker;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * Jobs of an upload that still arrives are tried again under a limit, while its reader, who owns the batch, waits for its
 * client and feeds nothing.
 */
class LiveRetriesTest extends FailingJobs {

    private static final BatchRules ONE_AT_ONCE = new BatchRules(0, 2, 1, 0, null);

    @SuppressWarnings("NullAway.Init")
    LiveRetriesTest() {}

    private static List<PackedSegment> jobs(String... kinds) {
        SegmentPacker packer = new SegmentPacker();
        for (int index = 0; index < kinds.length; index++) {
            packer.add(new Job(index, kinds[index], null, 0, null, BeltHarness.bytes(String.valueOf(index))));
        }
        return List.of(packer.take());
    }

    /**
     * An open batch of two jobs, one at once: the first has failed and is due again, and has found no place, since the second
     * runs.
     */
    private BatchRef withOneThatFoundNoPlace(BeltHarness harness) throws Exception {
        BatchRef ref = new BatchRef(TENANT, harness.store.newBatchNo(), "live");
        List<PackedSegment> both = jobs("once", "gated");
        assertThat(harness.belt.open(
                        new NewBatch(ref, null, null, new byte[0], 0, 2, System.currentTimeMillis()).with(ONE_AT_ONCE),
                        both))
                .isTrue();
        assertThat(harness.belt.feedOpen(ref, both)).isTrue();
        awaitBegun(1);
        awaitWaiting(harness, 1);
        BatchRef later = harness.submit("later", segments("once", 1, 0), Duration.ZERO);
        awaitWaiting(harness, 2);

        advance(harness, MINUTE);

        harness.awaitEnd(later); // it is due later, so the other has had its turn
        return ref;
    }

    @Test
    void whatFoundNoPlaceIsTriedAgainWhileTheUploadPauses() throws Exception {
        try (BeltHarness harness = manual(2, once, gated)) {
            BatchRef ref = withOneThatFoundNoPlace(harness);

            gate.release();

            await().atMost(LONG).until(() -> {
                advance(harness, Duration.ofMillis(100));
                return harness.find(ref).tally().succeeded() == 2;
            });
            harness.belt.complete(ref, new byte[] {1}, null);
            assertThat(harness.awaitEnd(ref).tally()).isEqualTo(new Tally(2, 2, 0, 0, 0));
            assertThat(ran).filteredOn("0/2"::equals).hasSize(2); // that of the other batch as well
        }
    }

    @Test
    void whatFoundNoPlaceIsTriedAgainWhenTheUploadIsComplete() throws Exception {
        try (BeltHarness harness = manual(2, once, gated)) {
            BatchRef ref = withOneThatFoundNoPlace(harness);
            gate.release();
            await().atMost(LONG).until(() -> harness.find(ref).tally().succeeded() == 1);

            harness.belt.complete(ref, new byte[] {1}, null);

            assertThat(harness.awaitEnd(ref).tally()).isEqualTo(new Tally(2, 2, 0, 0, 0));
        }
    }

    @Test
    void whatFoundNoPlaceIsCancelledWhileTheUploadPauses() throws Exception {
        try (BeltHarness harness = manual(2, once, gated)) {
            BatchRef ref = withOneThatFoundNoPlace(harness);

            harness.belt.cancel(ref);

            await().atMost(LONG).until(() -> {
                advance(harness, Duration.ofMillis(100));
                return harness.find(ref).ended();
            });
            assertThat(harness.find(ref).tally()).isEqualTo(new Tally(2, 0, 0, 2, 0));
        }
    }
}
