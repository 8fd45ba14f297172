package io.conveyor.belt;

import static io.conveyor.belt.BeltHarness.segments;
import static org.assertj.core.api.Assertions.assertThat;

import io.conveyor.job.BatchOutcome;
import io.conveyor.job.Tally;
import io.conveyor.store.BatchRef;
import io.conveyor.store.StoreException;
import io.conveyor.store.StoreFailures;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** Batches that are only in the store come from there, whatever happens meanwhile. */
class BacklogTest extends GatedJobs {

    @SuppressWarnings("NullAway.Init")
    BacklogTest() {}

    private List<BatchRef> left(int batches) {
        List<BatchRef> left = new ArrayList<>();
        try (BeltHarness harness = new BeltHarness(file(), 1, 4, 0, noted)) {
            for (int n = 0; n < batches; n++) {
                left.add(harness.seal("left-" + n, segments("noted", 1, 0)));
            }
        }
        return left;
    }

    /** They were taken up, so nobody would look for them again. */
    @Test
    void aStoreThatFailsInTheMiddleOfAPageLosesNoneThatCameBefore() throws Exception {
        List<BatchRef> left = left(5);
        AtomicInteger renewals = new AtomicInteger();
        BeltHarness.Parts parts = new BeltHarness.Parts(file(), 1, 4, 0, 64)
                .withStore(store -> WatchedStore.around(
                        store,
                        (method, argument) -> {
                            if (method.equals("renewEpoch") && renewals.incrementAndGet() == 3) {
                                throw StoreFailures.failure(StoreException.Reason.FULL);
                            }
                        },
                        (method, argument) -> {}));
        try (BeltHarness harness = new BeltHarness(parts, noted).started()) {
            for (BatchRef ref : left) {
                assertThat(harness.awaitEnd(ref).outcome()).isEqualTo(BatchOutcome.SUCCEEDED);
            }
            assertThat(ran).hasSize(5);
        }
    }

    @Test
    void aCancelReachesABatchThatFindsNoRoomInTheRing() throws Exception {
        try (BeltHarness harness = new BeltHarness(file(), 1, 1, 0, 8, gated).started()) {
            List<BatchRef> refs = new ArrayList<>();
            for (int n = 0; n < 24; n++) {
                refs.add(harness.submit("batch-" + n, segments("gated", 40, 0), Duration.ZERO));
            }
            awaitBegun(1);
            BatchRef last = refs.get(23);

            harness.belt.cancel(last);

            assertThat(harness.awaitEnd(last).tally()).isEqualTo(new Tally(40, 0, 0, 40, 0));
            gate.release(24 * 40);
        }
    }
}
