package io.conveyor.belt;

import static io.conveyor.belt.BeltHarness.handler;
import static io.conveyor.belt.BeltHarness.segments;
import static org.assertj.core.api.Assertions.assertThat;

import io.conveyor.handler.JobHandler;
import io.conveyor.handler.JobOutput;
import io.conveyor.store.BatchRef;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Law 5: a small batch never waits for big ones that came first. */
class FairnessTest {

    /** Many turns of a feeder: even a feeder that the machine stalls for a second comes to its next batch in time. */
    private static final int BIG = 50_000;

    /** As many as there are feeders: without turns, all of them would be busy with these. */
    private static final int BIG_BATCHES = 2;

    @TempDir
    private Path directory;

    @Test
    void aSmallBatchEndsBeforeBigOnesThatCameFirst() throws Exception {
        CountDownLatch start = new CountDownLatch(1);
        JobHandler waiting = handler("waiting", job -> {
            start.await();
            return new JobOutput(job.input());
        });
        try (BeltHarness harness = new BeltHarness(directory.resolve("conveyor.db"), 1, 1, 0, waiting).started()) {
            List<BatchRef> big = new ArrayList<>();
            for (int n = 0; n < BIG_BATCHES; n++) {
                big.add(harness.submit("big-" + n, segments("waiting", BIG, 0), Duration.ZERO));
            }
            BatchRef small = harness.submit("small", segments("waiting", 10, 0), Duration.ZERO);
            start.countDown();

            assertThat(harness.awaitEnd(small).tally().succeeded()).isEqualTo(10);
            assertThat(big).allMatch(each -> !harness.find(each).ended());
        }
    }
}
