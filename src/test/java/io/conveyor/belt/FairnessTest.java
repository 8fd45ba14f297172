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
import java.util.concurrent.Semaphore;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Law 5: a small batch never waits for big ones that came first. */
class FairnessTest {

    private static final int BIG = 2000;
    private static final int BIG_BATCHES = 4;

    /** Runs that there are in all: a turn or two for each batch, and not enough for any two of the big ones. */
    private static final int RUNS = 3000;

    @TempDir
    private Path directory;

    @Test
    void aSmallBatchEndsWhileBigOnesThatCameFirstAreFarFromTheirEnd() throws Exception {
        Semaphore runs = new Semaphore(0);
        JobHandler counted = handler("counted", job -> {
            runs.acquire();
            return new JobOutput(job.input());
        });
        try (BeltHarness harness = new BeltHarness(directory.resolve("conveyor.db"), 1, 1, 0, counted).started()) {
            List<BatchRef> big = new ArrayList<>();
            for (int n = 0; n < BIG_BATCHES; n++) {
                big.add(harness.submit("big-" + n, segments("counted", BIG, 0), Duration.ZERO));
            }
            BatchRef small = harness.submit("small", segments("counted", 10, 0), Duration.ZERO);
            // Not earlier: before this thread gets here again, the big ones may have used up all.
            runs.release(RUNS);

            assertThat(harness.awaitEnd(small).tally().succeeded()).isEqualTo(10);
            assertThat(big).allMatch(each -> !harness.find(each).ended());
        }
    }
}
