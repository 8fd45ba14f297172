package io.conveyor.belt;

import static io.conveyor.belt.BeltHarness.TENANT;
import static io.conveyor.belt.BeltHarness.bytes;
import static io.conveyor.belt.BeltHarness.handler;
import static io.conveyor.belt.BeltHarness.input;
import static io.conveyor.belt.BeltHarness.segments;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.conveyor.handler.JobContext;
import io.conveyor.handler.JobFailure;
import io.conveyor.handler.JobHandler;
import io.conveyor.handler.JobOutput;
import io.conveyor.job.BatchOutcome;
import io.conveyor.job.BatchRules;
import io.conveyor.job.BatchState;
import io.conveyor.job.Job;
import io.conveyor.job.JobKind;
import io.conveyor.job.Tally;
import io.conveyor.store.BatchRef;
import io.conveyor.store.NewBatch;
import io.conveyor.store.PackedSegment;
import io.conveyor.store.SegmentPacker;
import io.conveyor.store.StoredBatch;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Jobs that fail and are tried again: how often, and when. */
@Timeout(120)
class RetriesTest extends FailingJobs {

    @Test
    void aJobThatFailsTwiceAndThenSucceedsHasOneResultThatSaysSo() throws Exception {
        try (BeltHarness harness = quick(3, flaky)) {
            BatchRef ref = harness.submit("flaky", segments("flaky", 1, 0), LONG);

            StoredBatch ended = harness.awaitEnd(ref);

            assertThat(ended.tally()).isEqualTo(new Tally(1, 1, 0, 0, 0));
            assertThat(ran).containsExactly("0/1", "0/2", "0/3");
            assertThat(harness.results(ref))
                    .singleElement()
                    .asString()
                    .contains("\"state\":\"succeeded\"", "\"attempts\":3,", "\"worker\":\"test-");
            assertThat(harness.store.status().retryingJobs()).isZero();
            assertThat(harness.store.status().lateOutcomes()).isZero();
        }
    }

    @Test
    void waitTellsOfTheTimeUpToTheLastAttemptAndTheBatchStartedWithTheFirst() throws Exception {
        AtomicInteger attempts = new AtomicInteger();
        long[] starts = new long[2];
        JobHandler slow = handler("slow", job -> {
            starts[attempts.getAndIncrement()] = System.currentTimeMillis();
            if (job.attempt() == 1) {
                long until = System.currentTimeMillis() + 30;
                while (System.currentTimeMillis() < until) {
                    Thread.onSpinWait();
                }
                throw JobFailure.retryable("not yet");
            }
            return new JobOutput(job.input());
        });
        try (BeltHarness harness = quick(2, slow)) {
            BatchRef ref = harness.submit("slow", segments("slow", 1, 0), LONG);
            StoredBatch ended = harness.awaitEnd(ref);

            assertThat(ended.startedAt()).isNotNull().isLessThanOrEqualTo(starts[0]);
            String line = harness.results(ref).get(0);
            long wait = Long.parseLong(line.replaceAll(".*\"wait_ms\":(\\d+),.*", "$1"));
            assertThat(wait).isGreaterThanOrEqualTo(30).isLessThanOrEqualTo(starts[1] - ended.createdAt());
        }
    }

    @Test
    void whatCannotPassIsNotTriedAgain() throws Exception {
        JobHandler broken = handler("broken", job -> {
            ran.add(input(job));
            throw JobFailure.of("never");
        });
        try (BeltHarness harness = quick(5, broken)) {
            BatchRef ref = harness.submit("broken", segments("broken", 3, 0), LONG);

            assertThat(harness.awaitEnd(ref).tally()).isEqualTo(new Tally(3, 0, 3, 0, 0));
            assertThat(ran).containsExactlyInAnyOrder("0", "1", "2");
        }
    }

    @Test
    void aTimeoutIsTriedAgain() throws Exception {
        JobHandler hangs = handler("hangs", job -> {
            ran.add(input(job) + "/" + job.attempt());
            if (job.attempt() == 1) {
                gate.acquire();
            }
            return new JobOutput(job.input());
        });
        try (BeltHarness harness = quick(2, hangs)) {
            BatchRef ref = harness.submit("hangs", segments("hangs", 1, 20), LONG);

            assertThat(harness.awaitEnd(ref).outcome()).isEqualTo(BatchOutcome.SUCCEEDED);
            assertThat(ran).containsExactly("0/1", "0/2");
        }
    }

    @Test
    void theJobSaysHowOftenThenItsBatchThenTheService() throws Exception {
        JobHandler fails = handler("fails", job -> {
            ran.add(input(job) + "/" + job.attempt());
            throw JobFailure.retryable("not yet");
        });
        SegmentPacker packer = new SegmentPacker();
        packer.add(new Job(0, "fails", null, 0, 4, null, bytes("0"), null));
        packer.add(new Job(1, "fails", null, 0, 0, null, bytes("1"), null));
        List<PackedSegment> segments = List.of(packer.take());
        try (BeltHarness harness = quick(2, fails)) {
            BatchRef own = new BatchRef(TENANT, harness.store.newBatchNo(), "own");
            BatchRules rules = new BatchRules(0, 3, 0, 0, null);
            harness.belt.seal(
                    new NewBatch(own, null, null, new byte[] {1}, 0, 2, System.currentTimeMillis()).with(rules),
                    segments);
            harness.belt.feed(own, segments, LONG);
            BatchRef other = harness.submit("other", segments("fails", 1, 0), LONG);

            harness.awaitEnd(own);
            harness.awaitEnd(other);
            assertThat(harness.results(own).get(0)).contains("\"attempts\":4,", "\"state\":\"failed\"", "not yet");
            assertThat(harness.results(own).get(1)).contains("\"attempts\":3,");
            assertThat(harness.results(other).get(0)).contains("\"attempts\":2,");
        }
    }

    @Test
    void retryAfterIsObeyedAndBelievedUpToALimit() throws Exception {
        JobHandler busy = handler("busy", job -> {
            throw JobFailure.retryable("later").after(Duration.ofSeconds(Long.parseLong(input(job)) == 0 ? 30 : 7200));
        });
        try (BeltHarness harness =
                new BeltHarness(parts(2, 16).withRetries(time.policy(2, bound -> 0)), busy).started()) {
            BatchRef ref = harness.submit("busy", segments("busy", 2, 0), LONG);
            awaitWaiting(harness, 2);

            assertThat(harness.store.nextAttempt(ref)).hasValue(time.millis() + 30_000);
            assertThat(harness.store.dueAttempts(ref, time.millis() + 3_599_999, 10))
                    .hasSize(1);
            assertThat(harness.store.dueAttempts(ref, time.millis() + 3_600_000, 10))
                    .hasSize(2);
        }
    }

    @Test
    void retryAfterOfOneHoldsBackTheOthersOfItsTarget() throws Exception {
        JobHandler busy = calling("host", handler("busy", job -> {
            ran.add(input(job) + "/" + job.attempt());
            if (job.attempt() > 1) {
                return new JobOutput(job.input());
            }
            JobFailure failure = JobFailure.retryable("later");
            throw Long.parseLong(input(job)) == 1 ? failure.after(Duration.ofMinutes(10)) : failure;
        }));
        try (BeltHarness harness = manual(2, busy, once)) {
            BatchRef ref = harness.submit("busy", segments("busy", 2, 0), LONG);
            awaitWaiting(harness, 2);

            advance(harness, MINUTE); // the first is due, if it were alone
            BatchRef other = harness.submit("other", segments("once", 1, 0), LONG);
            awaitWaiting(harness, 3);
            advance(harness, MINUTE);
            harness.awaitEnd(other); // behind the first in the same line

            assertThat(ran).containsExactlyInAnyOrder("0/1", "1/1", "0/1", "0/2");
            assertThat(harness.store.nextAttempt(ref).orElseThrow())
                    .isGreaterThanOrEqualTo(ManualClock.START + 600_000);
            advance(harness, Duration.ofMinutes(10));
            assertThat(harness.awaitEnd(ref).outcome()).isEqualTo(BatchOutcome.SUCCEEDED);
        }
    }

    @Test
    void aStormOnOneTargetIsThinnedOut() throws Exception {
        AtomicInteger again = new AtomicInteger();
        JobHandler down = calling("host", handler("down", job -> {
            if (job.attempt() > 1) {
                again.incrementAndGet();
            }
            throw JobFailure.retryable("down");
        }));
        try (BeltHarness harness = manual(2, down)) {
            BatchRef ref = harness.submit("storm", segments("down", 1000, 0), LONG);
            awaitWaiting(harness, 1000);

            advance(harness, Duration.ofSeconds(2));
            // What the budget has, 100 saved, goes; all others are put off: nothing is due any more.
            await().atMost(LONG)
                    .until(() ->
                            harness.store.dueAttempts(ref, time.millis(), 1).isEmpty());
            await().atMost(LONG).until(() -> harness.find(ref).tally().failed() == again.get());
            assertThat(again.get()).isEqualTo(100);
            for (int minute = 0; minute < 4; minute++) {
                advance(harness, Duration.ofSeconds(61));
                await().atMost(LONG)
                        .until(() ->
                                harness.store.dueAttempts(ref, time.millis(), 1).isEmpty());
            }
            assertThat(again.get()).isBetween(101, 500);
        }
    }

    @Test
    void aLiveUploadWhoseSenderWaitsGetsItsJobsTriedAgain() throws Exception {
        try (BeltHarness harness = quick(2, once)) {
            List<PackedSegment> first = segments("once", 1, 0);
            BatchRef ref = new BatchRef(TENANT, harness.store.newBatchNo(), "live");
            harness.belt.open(new NewBatch(ref, null, null, new byte[] {1}, 0, 1, System.currentTimeMillis()), first);
            harness.belt.feedOpen(ref, first);

            await().atMost(LONG).until(() -> harness.find(ref).tally().succeeded() == 1);

            assertThat(harness.find(ref).state()).isEqualTo(BatchState.OPEN);
            harness.belt.complete(ref, new byte[] {2}, null);
            assertThat(harness.awaitEnd(ref).outcome()).isEqualTo(BatchOutcome.SUCCEEDED);
        }
    }

    private static JobHandler calling(String target, JobHandler handler) {
        return new JobHandler() {
            @Override
            public JobKind kind() {
                return handler.kind();
            }

            @Override
            public JobOutput handle(JobContext job) throws Exception {
                return handler.handle(job);
            }

            @Override
            public String target(JobContext job) {
                return target;
            }
        };
    }
}
