package io.conveyor.belt;

import static io.conveyor.belt.BeltHarness.PATIENCE_SECONDS;
import static io.conveyor.belt.BeltHarness.handler;
import static io.conveyor.belt.BeltHarness.input;
import static io.conveyor.belt.BeltHarness.segments;
import static org.assertj.core.api.Assertions.assertThat;

import io.conveyor.handler.JobFailure;
import io.conveyor.handler.JobHandler;
import io.conveyor.handler.JobOutput;
import io.conveyor.job.BatchRules;
import io.conveyor.job.Tally;
import io.conveyor.store.BatchRef;
import io.conveyor.store.RunningLog;
import io.conveyor.store.StoreException;
import io.conveyor.store.StoreFailures;
import io.conveyor.store.StoredBatch;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;

/** What happens at the start after the process died: told by what it had noted as running. */
@Timeout(120)
@ExtendWith(OutputCaptureExtension.class)
class QuarantineTest {

    private static final JobHandler ECHO = handler("echo", job -> new JobOutput(job.input()));

    @TempDir
    private Path directory;

    private BeltHarness harness(JobHandler handler) {
        return new BeltHarness(parts(), handler);
    }

    private BeltHarness.Parts parts() {
        return new BeltHarness.Parts(file(), 4, 8, 0, WaitingBatches.CAPACITY);
    }

    private Path file() {
        return directory.resolve("belt.db");
    }

    /** A batch that is accepted, and of which nothing has run. */
    private BatchRef accepted(int jobs) {
        try (BeltHarness harness = harness(ECHO)) {
            return harness.seal("batch", segments("echo", jobs, 0));
        }
    }

    /** The process starts, these jobs run, and it dies. */
    private void crash(BatchRef batch, int... indexes) throws IOException {
        try (BeltHarness harness = harness(ECHO);
                RunningLog log = RunningLog.open(logPath(), 4)) {
            harness.store.crashed(log.formerRun(), log.found());
            log.start();
            for (int place = 0; place < indexes.length; place++) {
                log.enter(place, batch.batchNo(), indexes[place]);
            }
        }
    }

    private Path logPath() {
        return directory.resolve("belt.db.running");
    }

    @Test
    void aJobThatWasHitTwiceRunsBeforeTheOthersAndAlone() throws Exception {
        BatchRef batch = accepted(40);
        crash(batch, 30, 31, 5);
        crash(batch, 31, 7, 30);
        AtomicInteger running = new AtomicInteger();
        Queue<String> order = new ConcurrentLinkedQueue<>();
        Queue<Integer> beside = new ConcurrentLinkedQueue<>();
        JobHandler watching = handler("echo", job -> {
            int now = running.incrementAndGet();
            order.add(input(job));
            if (input(job).startsWith("3") && order.size() <= 2) {
                beside.add(now);
            }
            running.decrementAndGet();
            return new JobOutput(job.input());
        });
        try (BeltHarness harness = harness(watching).started()) {
            StoredBatch ended = harness.awaitEnd(batch);

            assertThat(ended.tally()).isEqualTo(new Tally(40, 40, 0, 0, 0));
            assertThat(order).startsWith("30", "31").hasSize(40).doesNotHaveDuplicates();
            assertThat(beside).containsExactly(1, 1);
            assertThat(harness.store.crashed(0, List.of()))
                    .as("each has come to an end")
                    .isEmpty();
        }
    }

    @Test
    void theThirdCrashGivesUpTheJobThatRanAloneAndNoOther() throws Exception {
        BatchRef batch = accepted(300);
        crash(batch, 299, 3);
        crash(batch, 299, 3);
        crash(batch, 299);
        Queue<String> ran = new ConcurrentLinkedQueue<>();
        JobHandler watching = handler("echo", job -> {
            ran.add(input(job));
            return new JobOutput(job.input());
        });
        try (BeltHarness harness = harness(watching).started()) {
            StoredBatch ended = harness.awaitEnd(batch);

            assertThat(ended.tally()).isEqualTo(new Tally(300, 299, 1, 0, 0));
            assertThat(ran).startsWith("3").hasSize(299).doesNotContain("299");
            assertThat(harness.results(batch).get(299))
                    .contains("\"state\":\"failed\"", "/problems/job-abandoned", "\"crashes\":3", "\"attempts\":0");
            assertThat(harness.store.crashed(0, List.of())).isEmpty();
        }
    }

    /** Its outcome may wait for room on the disk just then. */
    @ParameterizedTest
    @EnumSource
    void theOthersBeginAlthoughTheStoreFailsWhenAJobHasRunAlone(StoreException.Reason reason) throws Exception {
        BatchRef batch = accepted(40);
        crash(batch, 3);
        crash(batch, 3);
        AtomicInteger failures = new AtomicInteger();
        BeltHarness.Parts parts = new BeltHarness.Parts(file(), 4, 8, 0, WaitingBatches.CAPACITY)
                .withStore(real -> WatchedStore.around(
                        real,
                        (method, argument) -> {
                            if (method.equals("bringAttemptsForward") && failures.incrementAndGet() == 1) {
                                throw StoreFailures.failure(reason);
                            }
                        },
                        (method, argument) -> {}));
        try (BeltHarness harness = new BeltHarness(parts, ECHO).started()) {
            assertThat(harness.awaitEnd(batch).tally()).isEqualTo(new Tally(40, 40, 0, 0, 0));
            assertThat(failures).hasValue(2);
        }
    }

    /** A disk may be full just when the service starts again: what ends processes must not run beside others for that. */
    @ParameterizedTest
    @ValueSource(strings = {"unfinished", "openSegment"})
    void aJobThatWasHitTwiceRunsAloneAsSoonAsTheStoreWorks(String call, CapturedOutput output) throws Exception {
        BatchRef batch = accepted(40);
        crash(batch, 30);
        crash(batch, 30);
        Duration alone = Duration.ofMillis(1200); // less than the store fails
        AtomicInteger failures = new AtomicInteger();
        BeltHarness.Parts parts = parts().withAlone(alone)
                .withStore(real -> WatchedStore.around(
                        real,
                        (method, argument) -> {
                            if (method.equals(call) && failures.incrementAndGet() <= 3) {
                                throw StoreFailures.failure(StoreException.Reason.FULL);
                            }
                        },
                        (method, argument) -> {}));
        Queue<String> order = new ConcurrentLinkedQueue<>();
        JobHandler watching = handler("echo", job -> {
            order.add(input(job));
            return new JobOutput(job.input());
        });
        try (BeltHarness harness = new BeltHarness(parts, watching).started()) {
            assertThat(harness.awaitEnd(batch).tally()).isEqualTo(new Tally(40, 40, 0, 0, 0));
        }
        assertThat(failures).hasValueGreaterThan(3);
        assertThat(order).startsWith("30").hasSize(40).doesNotHaveDuplicates();
        assertThat(output.getAll()).containsOnlyOnce("since the store failed").doesNotContain("the others begin");
    }

    /** What is damaged stays so, and is not to hold up what is whole. */
    @Test
    void aJobThatCannotBeReadForDamageHoldsNothingUp(CapturedOutput output) throws Exception {
        BatchRef batch = accepted(40);
        crash(batch, 30);
        crash(batch, 30);
        AtomicInteger reads = new AtomicInteger();
        BeltHarness.Parts parts = parts().withStore(real -> WatchedStore.around(
                real,
                (method, argument) -> {
                    if (method.equals("openSegment") && reads.incrementAndGet() == 1) {
                        throw StoreFailures.failure(StoreException.Reason.DAMAGED);
                    }
                },
                (method, argument) -> {}));
        try (BeltHarness harness = new BeltHarness(parts, ECHO).started()) {
            assertThat(harness.awaitEnd(batch).tally()).isEqualTo(new Tally(40, 40, 0, 0, 0));
        }
        assertThat(output.getAll())
                .containsOnlyOnce("could not be looked at; it runs as any other")
                .doesNotContain("trying again");
    }

    /** Two feeders that try twice a second are not to fill the log. */
    @Test
    void feedersTellOnceThatTheStoreFails(CapturedOutput output) throws Exception {
        BatchRef batch = accepted(40);
        CountDownLatch failures = new CountDownLatch(5);
        BeltHarness.Parts parts = parts().withStore(real -> WatchedStore.around(
                real,
                (method, argument) -> {
                    if (method.equals("unfinished") && failures.getCount() > 0) {
                        failures.countDown();
                        throw StoreFailures.failure(StoreException.Reason.FULL);
                    }
                },
                (method, argument) -> {}));
        try (BeltHarness harness = new BeltHarness(parts, ECHO).started()) {
            assertThat(harness.awaitEnd(batch).tally()).isEqualTo(new Tally(40, 40, 0, 0, 0));
        }
        assertThat(failures.getCount()).isZero();
        assertThat(output.getAll())
                .containsOnlyOnce("Could not look for waiting batches, since the store failed; trying again");
    }

    @Test
    void crashesThatFoundOthersRunningNeverGiveUpAJob() throws Exception {
        BatchRef batch = accepted(3);
        for (int n = 0; n < 8; n++) {
            crash(batch, 0, 1);
        }
        try (BeltHarness harness = harness(ECHO).started()) {
            assertThat(harness.awaitEnd(batch).tally()).isEqualTo(new Tally(3, 3, 0, 0, 0));
        }
    }

    @Test
    void theEndOfAnAttemptClearsAJobAsItsOutcomeDoes() throws Exception {
        BatchRef batch = accepted(2);
        crash(batch, 0);
        crash(batch, 0);
        CountDownLatch failed = new CountDownLatch(1);
        JobHandler fails = handler("echo", job -> {
            failed.countDown();
            throw JobFailure.retryable("not yet");
        });
        BeltHarness.Parts parts = new BeltHarness.Parts(file(), 4, 8, 0, WaitingBatches.CAPACITY)
                .withRetries(new ManualClock().policy(100));
        try (BeltHarness harness = new BeltHarness(parts, fails).started()) {
            assertThat(failed.await(PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
            while (harness.store.status().retryingJobs() < 2) {
                Thread.onSpinWait();
            }
        }
        crash(batch, 0);
        try (BeltHarness harness = harness(ECHO);
                RunningLog log = RunningLog.open(logPath(), 4)) {
            assertThat(harness.store.crashed(log.formerRun(), log.found()))
                    .singleElement()
                    .satisfies(suspect -> assertThat(suspect.crashes()).isEqualTo(1));
        }
    }

    /** However many attempts a job may have, and in whichever of them it ends the process. */
    @Test
    void aJobInALaterAttemptIsGivenUpAsWell() throws Exception {
        BatchRef batch;
        JobHandler fails = handler("echo", job -> {
            throw JobFailure.retryable("not yet");
        });
        BeltHarness.Parts parts = new BeltHarness.Parts(file(), 4, 8, 0, WaitingBatches.CAPACITY)
                .withRetries(new ManualClock().policy(100));
        try (BeltHarness harness = new BeltHarness(parts, fails).started()) {
            batch = harness.submit("batch", segments("echo", 1, 0), BatchRules.NONE);
            while (harness.store.status().retryingJobs() < 1) {
                Thread.onSpinWait();
            }
        }
        crash(batch, 0);
        crash(batch, 0);
        crash(batch, 0);
        try (BeltHarness harness = new BeltHarness(parts, ECHO).started()) {
            assertThat(harness.awaitEnd(batch).tally().failed()).isEqualTo(1);
            assertThat(harness.results(batch).get(0)).contains("/problems/job-abandoned", "\"attempts\":1");
            assertThat(harness.store.status().retryingJobs()).isZero();
        }
    }

    @Test
    void newBatchesWaitWhileAJobRunsAloneAndAStopEndsTheWait() throws Exception {
        BatchRef batch = accepted(1);
        crash(batch, 0);
        crash(batch, 0);
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch gate = new CountDownLatch(1);
        Queue<String> ran = new ConcurrentLinkedQueue<>();
        JobHandler gated = handler("echo", job -> {
            ran.add(input(job));
            begun.countDown();
            gate.await();
            return new JobOutput(job.input());
        });
        try (BeltHarness harness = harness(gated).started()) {
            assertThat(begun.await(PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
            BatchRef other = harness.submit("other", segments("echo", 3, 0), Duration.ofMillis(1));
            assertThat(harness.belt.running(other.batchNo())).isZero();
            assertThat(ran).hasSize(1);

            gate.countDown();
            assertThat(harness.awaitEnd(other).tally().succeeded()).isEqualTo(3);
        }
        crash(batch, 0);
        CountDownLatch never = new CountDownLatch(1);
        BatchRef second = acceptedBeside("second");
        crash(second, 0);
        crash(second, 0);
        CountDownLatch entered = new CountDownLatch(1);
        try (BeltHarness harness = harness(handler("echo", job -> {
                    entered.countDown();
                    never.await();
                    return new JobOutput(job.input());
                }))
                .started()) {
            assertThat(entered.await(PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
            harness.stop(Duration.ZERO);
            assertThat(harness.find(second).ended()).isFalse();
        }
        try (RunningLog log = RunningLog.open(logPath(), 4)) {
            assertThat(log.found()).as("stopped in good order").isEmpty();
        }
    }

    /** Such a job ends with the process, and had no part in that. */
    @Test
    void aJobThatIgnoresTheStopIsNotSuspected() throws Exception {
        BatchRef batch = accepted(1);
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch gate = new CountDownLatch(1);
        JobHandler deaf = handler("echo", job -> {
            begun.countDown();
            while (gate.getCount() > 0) {
                Thread.onSpinWait();
            }
            return new JobOutput(job.input());
        });
        try (BeltHarness harness = harness(deaf).started()) {
            assertThat(begun.await(PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
            harness.stop(Duration.ZERO);
            try (RunningLog log = RunningLog.open(logPath(), 4)) {
                assertThat(log.found()).as("of batch %s", batch).isEmpty();
            } finally {
                gate.countDown();
            }
        }
    }

    /** It has its time alone; then the others begin beside it, and it is not run a second time for that. */
    @Test
    void theOthersWaitForAJobThatTakesLongNoLongerThanTheySay() throws Exception {
        BatchRef batch = accepted(600);
        crash(batch, 0, 1);
        crash(batch, 0, 1);
        CountDownLatch gate = new CountDownLatch(1);
        Queue<String> ran = new ConcurrentLinkedQueue<>();
        JobHandler slow = handler("echo", job -> {
            ran.add(input(job));
            if (input(job).equals("0")) {
                gate.await();
            }
            return new JobOutput(job.input());
        });
        JobHandler quick = handler("quick", job -> {
            ran.add(input(job));
            return new JobOutput(job.input());
        });
        try (BeltHarness harness = new BeltHarness(parts().withAlone(Duration.ofMillis(20)), slow, quick).started()) {
            BatchRef other =
                    harness.submit("other", segments("quick", 3, 0), Duration.ofSeconds(BeltHarness.PATIENCE_SECONDS));
            assertThat(harness.awaitEnd(other).tally().succeeded()).isEqualTo(3);
            while (harness.find(batch).tally().succeeded() < 599) {
                Thread.onSpinWait();
            }
            assertThat(ran).hasSize(603).startsWith("0");

            gate.countDown();
            assertThat(harness.awaitEnd(batch).tally().succeeded()).isEqualTo(600);
        }
        assertThat(ran).as("each job of both, once").hasSize(603);
    }

    /** However long it takes until a job ends the process, there comes a look that is long enough to see that it does. */
    @Test
    void aLookThatWasTooShortIsFollowedByOneOfTwiceTheTime() throws Exception {
        BatchRef batch = accepted(1);
        crash(batch, 0);
        crash(batch, 0);
        Duration first = Duration.ofMillis(20);
        for (int n = 0; n < 4; n++) {
            dieBesideOthers(first);
            try (RunningLog log = RunningLog.open(logPath(), 4)) {
                assertThat(log.formerLook()).isEqualTo(first.multipliedBy(1L << n));
                assertThat(log.found())
                        .contains(new RunningLog.Entry(batch.batchNo(), 0))
                        .hasSizeGreaterThan(1);
            }
        }
        try (BeltHarness harness = new BeltHarness(parts().withAlone(first), ECHO).started()) {
            assertThat(harness.awaitEnd(batch).tally().succeeded()).isEqualTo(1);
        }
        try (RunningLog log = RunningLog.open(logPath(), 4)) {
            assertThat(log.formerLook()).as("stopped in good order").isZero();
        }
    }

    /** A process that looks at the job in vain, and dies when another runs beside it: by what it has noted. */
    private void dieBesideOthers(Duration alone) throws Exception {
        CountDownLatch gate = new CountDownLatch(1);
        Path kept = directory.resolve("kept");
        JobHandler slow = handler("echo", job -> {
            gate.await();
            return new JobOutput(job.input());
        });
        try (BeltHarness harness = new BeltHarness(parts().withAlone(alone), slow).started()) {
            harness.submit("beside-" + System.nanoTime(), segments("echo", 1, 0), Duration.ofMillis(1));
            while (running().size() < 2) {
                Thread.onSpinWait();
            }
            Files.copy(logPath(), kept, StandardCopyOption.REPLACE_EXISTING);
            harness.stop(Duration.ZERO);
            gate.countDown();
        }
        Files.copy(kept, logPath(), StandardCopyOption.REPLACE_EXISTING);
    }

    /** What the next process would find if this one died now. */
    private List<RunningLog.Entry> running() throws IOException {
        try (RunningLog log = RunningLog.open(logPath(), 4)) {
            return log.found();
        }
    }

    /** The thread of a request, or one of the background: whoever runs a job, the next process hears of it. */
    @Test
    void aJobThatItsCallerRunsIsNotedAsWell() throws Exception {
        CountDownLatch gate = new CountDownLatch(1);
        Queue<Thread> threads = new ConcurrentLinkedQueue<>();
        JobHandler gated = handler("echo", job -> {
            threads.add(Thread.currentThread());
            gate.await();
            return new JobOutput(job.input());
        });
        try (BeltHarness harness =
                new BeltHarness(new BeltHarness.Parts(file(), 1, 1, 1, WaitingBatches.CAPACITY), gated).started()) {
            BatchRef[] batch = new BatchRef[1];
            Thread caller = new Thread(
                    () -> batch[0] = harness.submit("batch", segments("echo", 3, 0), Duration.ofMinutes(1)), "caller");
            caller.start();
            while (running().size() < 2) {
                Thread.onSpinWait();
            }
            assertThat(threads).hasSize(2).contains(caller);
            gate.countDown();
            caller.join();
            assertThat(harness.awaitEnd(batch[0]).tally().succeeded()).isEqualTo(3);
            while (!running().isEmpty()) {
                Thread.onSpinWait();
            }
        }
    }

    private BatchRef acceptedBeside(String id) {
        try (BeltHarness harness = harness(ECHO)) {
            return harness.seal(id, segments("echo", 1, 0));
        }
    }
}
