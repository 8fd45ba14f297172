package io.conveyor.belt;

import static io.conveyor.belt.BeltHarness.segments;
import static org.assertj.core.api.Assertions.assertThat;

import io.conveyor.handler.JobContext;
import io.conveyor.handler.JobFailure;
import io.conveyor.handler.JobHandler;
import io.conveyor.handler.JobOutput;
import io.conveyor.job.JobKind;
import io.conveyor.job.Tally;
import io.conveyor.limit.LimitProperties;
import io.conveyor.store.BatchRef;
import io.conveyor.store.PackedSegment;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/** A batch that is cancelled while one of its jobs is on the way into the queue does not wait for what runs there. */
class CancelRaceTest extends FailingJobs {

    private final AtomicReference<Runnable> between = new AtomicReference<>(() -> {});

    /** Fails the first time; before a job of it is handed over, something happens. */
    private final JobHandler late = new JobHandler() {
        @Override
        public JobKind kind() {
            return new JobKind("late", "for a test", "{}");
        }

        @Override
        public JobOutput handle(JobContext job) throws JobFailure {
            throw JobFailure.retryable("not yet");
        }

        @Override
        public String target(JobContext job) {
            between.getAndSet(() -> {}).run();
            return "api.example:443";
        }
    };

    @SuppressWarnings("NullAway.Init")
    CancelRaceTest() {}

    private BeltHarness harness() {
        LimitProperties.Rule wide =
                new LimitProperties.Rule(List.of(), List.of("api.example"), 1000, null, Duration.ofSeconds(1));
        return new BeltHarness(
                        parts(1, 16).withLimits(Map.of("api", wide)).withRetries(time.policy(2)), late, gated, noted)
                .started();
    }

    @Test
    void aJobThatComesIntoTheQueueAfterTheCancelDoesNotWaitThere() throws Exception {
        try (BeltHarness harness = harness()) {
            harness.submit("long", segments("gated", 1, 0), Duration.ZERO);
            awaitBegun(1);
            List<PackedSegment> jobs = segments("late", 3, 0);
            BatchRef ref = harness.seal("short", jobs);
            between.set(() -> harness.belt.cancel(ref));

            harness.belt.feed(ref, jobs, Duration.ZERO);

            assertThat(harness.awaitEnd(ref).tally()).isEqualTo(new Tally(3, 0, 0, 3, 0));
            gate.release();
        }
    }

    @Test
    void aFurtherAttemptThatComesIntoTheQueueAfterTheCancelDoesNotWaitThere() throws Exception {
        try (BeltHarness harness = harness()) {
            BatchRef ref = harness.submit("short", segments("late", 1, 0), Duration.ZERO);
            awaitWaiting(harness, 1);
            harness.submit("long", segments("gated", 1, 0), Duration.ZERO);
            awaitBegun(1);
            CountDownLatch cancelled = new CountDownLatch(1);
            between.set(() -> {
                harness.belt.cancel(ref);
                cancelled.countDown();
            });

            advance(harness, MINUTE);

            cancelled.await();
            assertThat(harness.awaitEnd(ref).tally()).isEqualTo(new Tally(1, 0, 0, 1, 0));
            gate.release();
        }
    }
}
