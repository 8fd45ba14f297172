package io.conveyor.belt;

import static io.conveyor.belt.BeltHarness.segments;
import static org.assertj.core.api.Assertions.assertThat;

import io.conveyor.job.BatchOutcome;
import io.conveyor.store.BatchRef;
import io.conveyor.store.StoreException;
import io.conveyor.store.StoreFailures;
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
}
