package io.conveyor.belt;

import static io.conveyor.belt.BeltHarness.TENANT;
import static io.conveyor.belt.BeltHarness.handler;
import static io.conveyor.belt.BeltHarness.segments;
import static org.assertj.core.api.Assertions.assertThat;

import io.conveyor.handler.JobHandler;
import io.conveyor.handler.JobOutput;
import io.conveyor.job.BatchOutcome;
import io.conveyor.job.Job;
import io.conveyor.store.BatchRef;
import io.conveyor.store.NewBatch;
import io.conveyor.store.PackedSegment;
import io.conveyor.store.SegmentPacker;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Semaphore;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Batches that are fed while they are read. */
class LiveFeedTest {

    @TempDir
    private Path directory;

    private final Semaphore begun = new Semaphore(0);
    private final Semaphore open = new Semaphore(0);
    private final JobHandler gated = handler("gated", job -> {
        begun.release();
        open.acquire();
        return new JobOutput(job.input());
    });

    private BeltHarness harness() {
        return new BeltHarness(directory.resolve("conveyor.db"), 2, 4, 1, gated).started();
    }

    private static BatchRef open(BeltHarness harness, String id, List<PackedSegment> first) {
        BatchRef ref = new BatchRef(TENANT, harness.store.newBatchNo(), id);
        int jobs = first.stream().mapToInt(PackedSegment::jobs).sum();
        assertThat(harness.belt.open(new NewBatch(ref, null, null, new byte[0], 0, jobs, 0), first))
                .isTrue();
        return ref;
    }

    private static List<PackedSegment> one(int index) {
        SegmentPacker packer = new SegmentPacker();
        packer.add(new Job(index, "gated", null, 0, null, new byte[] {'1'}));
        return List.of(packer.take());
    }

    @Test
    void whatHasComeRunsBeforeTheRestIsThereAndTheBatchEndsWithTheUpload() throws Exception {
        try (BeltHarness harness = harness()) {
            BatchRef ref = open(harness, "live", one(0));
            assertThat(harness.belt.feedOpen(ref, one(0))).isTrue();
            begun.acquire();
            assertThat(harness.belt.running(ref.batchNo())).isEqualTo(1);
            harness.belt.append(ref, one(1));
            assertThat(harness.belt.feedOpen(ref, one(1))).isTrue();
            begun.acquire();
            open.release(2);
            harness.belt.complete(ref, new byte[] {1}, null);

            assertThat(harness.awaitEnd(ref).outcome()).isEqualTo(BatchOutcome.SUCCEEDED);
            assertThat(harness.results(ref)).hasSize(2);
        }
    }

    @Test
    void whatWasNotFedWhenTheUploadBrokeIsFedInTheBackground() throws Exception {
        try (BeltHarness harness = harness()) {
            BatchRef ref = open(harness, "broken", segments("gated", 40, 0));
            open.release(40);

            harness.belt.abandon(ref);

            assertThat(harness.awaitEnd(ref).outcome()).isEqualTo(BatchOutcome.INCOMPLETE);
            assertThat(harness.results(ref)).hasSize(40);
        }
    }

    @Test
    void aFeederIsToldOfTheStopAndTheRestRunsAtTheNextStart() throws Exception {
        try (BeltHarness harness = harness()) {
            BatchRef ref = open(harness, "stopped", segments("gated", 40, 0));
            harness.stop(Duration.ZERO);

            assertThat(harness.belt.feedOpen(ref, List.of())).isFalse();
        }
        open.release(40);
        try (BeltHarness again = harness()) {
            again.awaitEnd(new BatchRef(TENANT, 1, "stopped"));

            assertThat(again.store.find(TENANT, "stopped").orElseThrow().outcome())
                    .isEqualTo(BatchOutcome.INCOMPLETE);
        }
    }

    @Test
    void aJobThatCameWithItsProblemFailsWithItAndNoHandlerSeesIt() throws Exception {
        try (BeltHarness harness = harness()) {
            SegmentPacker packer = new SegmentPacker();
            packer.add(Job.refused(0, "", null, BeltHarness.bytes("{\"type\":\"/problems/invalid-job\"}")));
            packer.add(Job.refused(1, "nö\"", "c", BeltHarness.bytes("{\"line\":2}")));
            BatchRef ref = harness.submit("refused", List.of(packer.take()), Duration.ofSeconds(10));

            assertThat(harness.awaitEnd(ref).outcome()).isEqualTo(BatchOutcome.FAILED);
            // Two workers: which of the two failures is recorded first is open.
            assertThat(harness.results(ref).get(0))
                    .containsPattern(
                            "^\\{\"index\":0,\"seq\":[12],\"state\":\"failed\",\"error\":\\{\"type\":\"/problems/invalid-job\"},"
                                    + "\"attempts\":0,");
            assertThat(harness.results(ref).get(1))
                    .contains("\"custom_id\":\"c\",\"kind\":\"nö\\\"\",\"state\":\"failed\",\"error\":{\"line\":2}");
            assertThat(begun.availablePermits()).isZero();
        }
    }
}
