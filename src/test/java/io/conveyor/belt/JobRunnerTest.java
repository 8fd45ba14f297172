package io.conveyor.belt;

import static io.conveyor.belt.BeltHarness.PATIENCE_SECONDS;
import static io.conveyor.belt.BeltHarness.bytes;
import static io.conveyor.belt.BeltHarness.handler;
import static org.assertj.core.api.Assertions.assertThat;

import io.conveyor.handler.HandlerRegistry;
import io.conveyor.handler.JobContext;
import io.conveyor.handler.JobFailure;
import io.conveyor.handler.JobHandler;
import io.conveyor.handler.JobOutput;
import io.conveyor.job.BatchRules;
import io.conveyor.job.Job;
import io.conveyor.job.JobKind;
import io.conveyor.job.JobState;
import io.conveyor.job.StopReason;
import io.conveyor.limit.Limit;
import io.conveyor.limit.Permit;
import io.conveyor.pool.PoolListener;
import io.conveyor.pool.PoolTask;
import io.conveyor.pool.SizingAdvice;
import io.conveyor.pool.WorkerPool;
import io.conveyor.pool.WorkerPoolConfig;
import io.conveyor.store.AttemptEntry;
import io.conveyor.store.BatchRef;
import io.conveyor.store.BatchStore;
import io.conveyor.store.JobEntry;
import io.conveyor.store.OutcomeEntry;
import io.conveyor.store.RunningLog;
import io.conveyor.store.SegmentRef;
import io.conveyor.store.WaitingAttempt;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What one job leaves in the store, whatever becomes of it. */
@Timeout(120)
class JobRunnerTest {

    private static final long ACCEPTED = 1_000_000;
    private static final long NOW = ACCEPTED + 500;

    private final LinkedBlockingQueue<JobEntry> recorded = new LinkedBlockingQueue<>();
    private final LinkedBlockingQueue<Error> fatal = new LinkedBlockingQueue<>();
    private final List<String> handled = new ArrayList<>();
    private final SizingAdvice sizing = new SizingAdvice();
    private final ManualClock time = new ManualClock();
    private final RetryPolicy retries = time.policy(3);
    private final LinkedBlockingQueue<Long> finished = new LinkedBlockingQueue<>();
    private final WorkerPool pool = new WorkerPool(new WorkerPoolConfig("test", 1, 8, 1 << 20, 0), new PoolListener() {
        @Override
        public void finished(PoolTask task, long busyNanos) {
            finished.add(busyNanos);
        }
    });

    @TempDir
    private Path directory;

    @SuppressWarnings("NullAway.Init")
    private RunningLog log;

    /** Of the runner that was made last. */
    @SuppressWarnings("NullAway.Init")
    private RunningJobs running;

    private final List<ActiveBatch> settled = new ArrayList<>();

    @BeforeEach
    void open() {
        log = RunningLog.open(directory.resolve("running"), 1);
        log.start();
    }

    @AfterEach
    void close() throws Exception {
        pool.close();
        log.close();
    }

    private JobRunner runner(int places, JobHandler... handlers) {
        running = new RunningJobs(places, log);
        return new JobRunner(new JobRunner.Parts(
                pool,
                new HandlerRegistry(List.of(handlers)),
                recording(),
                running,
                sizing,
                Duration.ofHours(1),
                retries,
                Clock.fixed(Instant.ofEpochMilli(NOW), ZoneOffset.UTC),
                fatal::add));
    }

    private ActiveBatch batch(BatchRules rules) {
        return new ActiveBatch(new BatchRef("default", 1, "b"), rules, 1000, ACCEPTED, settled::add);
    }

    private static Job job(int index, String kind, long timeoutMillis) {
        return new Job(index, kind, "own-" + index, timeoutMillis, null, bytes(String.valueOf(index)));
    }

    private static JobTask task(JobRunner runner, ActiveBatch batch, Job job, @Nullable WaitingAttempt before) {
        return new JobTask(runner, batch, SegmentRef.fresh(batch.ref(), 0), job, before);
    }

    private JobTask task(JobRunner runner, String kind) {
        return task(runner, batch(BatchRules.NONE), job(5, kind, 0), null);
    }

    /** Runs it on the worker. */
    private void run(JobTask task) throws Exception {
        pool.offer(task, Duration.ZERO);
        assertThat(finished.poll(PATIENCE_SECONDS, TimeUnit.SECONDS)).isNotNull();
    }

    private OutcomeEntry outcome() {
        assertThat(recorded).hasSize(1);
        return (OutcomeEntry) recorded.remove();
    }

    private static String text(OutcomeEntry outcome) {
        return new String(outcome.value(), StandardCharsets.UTF_8);
    }

    private JobHandler echo() {
        return handler("echo", job -> {
            handled.add(job.index() + "/" + job.attempt());
            return new JobOutput(job.input());
        });
    }

    @Test
    void aSuccessIsRecordedWithItsOutputAndItsTimes() throws Exception {
        ActiveBatch batch = batch(BatchRules.NONE);
        JobRunner runner = runner(1, handler("echo", job -> {
            long begin = System.nanoTime();
            while (System.nanoTime() - begin < 2_000_000) {
                Thread.onSpinWait(); // so that it takes some whole milliseconds
            }
            return new JobOutput(job.input());
        }));

        run(task(runner, batch, job(5, "echo", 0), null));

        OutcomeEntry outcome = outcome();
        assertThat(outcome.state()).isEqualTo(JobState.SUCCEEDED);
        assertThat(outcome.index()).isEqualTo(5);
        assertThat(outcome.kind()).isEqualTo("echo");
        assertThat(outcome.customId()).isEqualTo("own-5");
        assertThat(text(outcome)).isEqualTo("5");
        assertThat(outcome.run().attempts()).isEqualTo(1);
        assertThat(outcome.run().waitMillis()).isEqualTo(500);
        assertThat(outcome.run().startedAt()).isEqualTo(NOW);
        assertThat(outcome.run().durationNanos())
                .isPositive()
                .isLessThan(Duration.ofHours(1).toNanos());
        assertThat(outcome.run().endedAt()).isEqualTo(NOW + outcome.run().durationNanos() / 1_000_000);
        assertThat(outcome.run().worker()).isEqualTo("test-worker-1");
        assertThat(batch.running()).isEqualTo(1);
        assertThat(batch.startedAt()).hasValue(NOW);
    }

    @Test
    void aJobIsKnownAsRunningWhileItIsInItsHandlerAndNoLonger() throws Exception {
        List<Boolean> within = new ArrayList<>();
        JobRunner runner = runner(1, handler("looks", job -> {
            within.add(running.contains(1, 5));
            within.add(running.contains(1, 6));
            within.add(running.contains(2, 5));
            within.add(noted().equals(List.of(new RunningLog.Entry(1, 5))));
            return new JobOutput(job.input());
        }));
        run(task(runner, "looks"));
        assertThat(within).containsExactly(true, false, false, true);
        assertThat(running.contains(1, 5)).isFalse();
        assertThat(noted()).isEmpty();
    }

    /** What the next process would find if this one died now. */
    private List<RunningLog.Entry> noted() throws IOException {
        try (RunningLog next = RunningLog.open(directory.resolve("running"), 1)) {
            return List.copyOf(next.found());
        }
    }

    @Test
    void whatRunsOfAStoppedBatchIsInterruptedAndNothingOfAnother() throws Exception {
        Semaphore begun = new Semaphore(0);
        Semaphore gate = new Semaphore(0);
        ActiveBatch batch = batch(BatchRules.NONE);
        JobRunner runner = runner(1, handler("waits", job -> {
            begun.release();
            gate.acquire();
            return new JobOutput(job.input());
        }));
        pool.offer(task(runner, batch, job(5, "waits", 0), null), Duration.ZERO);
        assertThat(begun.tryAcquire(PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
        running.interrupt(batch(BatchRules.NONE));
        gate.release();
        assertThat(finished.poll(PATIENCE_SECONDS, TimeUnit.SECONDS)).isNotNull();
        assertThat(outcome().state()).isEqualTo(JobState.SUCCEEDED);

        pool.offer(task(runner, batch, job(6, "waits", 0), null), Duration.ZERO);
        assertThat(begun.tryAcquire(PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
        batch.stop(StopReason.CANCEL);
        running.interrupt(batch);
        assertThat(finished.poll(PATIENCE_SECONDS, TimeUnit.SECONDS)).isNotNull();
        OutcomeEntry outcome = outcome();
        assertThat(outcome.state()).isEqualTo(JobState.CANCELLED);
        assertThat(text(outcome)).contains("It was running when its batch was cancelled");
        running.interrupt(batch); // nothing of it runs
    }

    @Test
    void oneJobInSixtyFourIsMeasured() throws Exception {
        JobRunner runner = runner(1, echo());
        ActiveBatch batch = batch(BatchRules.NONE);
        for (int index : new int[] {0, 1, 63, 64, 65}) {
            run(task(runner, batch, job(index, "echo", 0), null));
        }
        assertThat(sizing.advice(1)).singleElement().satisfies(advice -> {
            assertThat(advice.jobs()).isEqualTo(2);
            assertThat(advice.meanWallMillis()).isPositive().isLessThan(3_600_000);
            assertThat(advice.meanCpuMillis()).isPositive();
        });
    }

    @Test
    void aJobThatCameWithItsProblemFailsWithItAndIsNotRun() throws Exception {
        ActiveBatch batch = batch(BatchRules.NONE);
        run(task(runner(1, echo()), batch, Job.refused(2, "echo", null, bytes("{\"line\":2}")), null));

        OutcomeEntry outcome = outcome();
        assertThat(outcome.state()).isEqualTo(JobState.FAILED);
        assertThat(text(outcome)).isEqualTo("{\"line\":2}");
        assertThat(outcome.run().attempts()).isZero();
        assertThat(outcome.run().endedAt()).isEqualTo(NOW);
        assertThat(batch.running()).isZero();
        assertThat(handled).isEmpty();
    }

    @Test
    void whatIsStoppedBeforeItStartsSaysSo() throws Exception {
        JobRunner runner = runner(1, echo());
        for (StopReason reason : StopReason.values()) {
            ActiveBatch batch = batch(BatchRules.NONE);
            batch.stop(reason);
            run(task(runner, batch, job(5, "echo", 0), null));
            assertNotRun(outcome(), reason, 0, "before it started");
            runner.passOver(task(runner, batch, job(5, "echo", 0), null));
            assertNotRun(outcome(), reason, 0, "before it started");

            WaitingAttempt before = new WaitingAttempt(5, 2, ACCEPTED + 40, 30, null);
            run(task(runner, batch, job(5, "echo", 0), before));
            assertNotRun(outcome(), reason, 2, "waiting for another attempt");
            runner.passOver(task(runner, batch, job(5, "echo", 0), before));
            assertNotRun(outcome(), reason, 2, "waiting for another attempt");
        }
        assertThat(handled).isEmpty();
    }

    private static void assertNotRun(OutcomeEntry outcome, StopReason reason, int attempts, String words) {
        assertThat(outcome.state()).isEqualTo(reason.outcome());
        assertThat(text(outcome)).contains(words);
        assertThat(outcome.run().attempts()).isEqualTo(attempts);
        assertThat(outcome.run().endedAt()).isEqualTo(NOW);
        assertThat(outcome.run().waitMillis()).isEqualTo(attempts > 0 ? 40 : 500);
    }

    @Test
    void aJobOfAPausedBatchIsKeptAndLeavesNoOutcome() throws Exception {
        ActiveBatch batch = batch(BatchRules.NONE);
        batch.handOver();
        batch.pause();
        JobTask task = task(runner(1, echo()), batch, job(5, "echo", 0), null);

        run(task);

        assertThat(recorded).isEmpty();
        assertThat(batch.pollTakenBack()).isSameAs(task);
        assertThat(batch.hasJobsOnTheWay()).isFalse();
        assertThat(handled).isEmpty();
    }

    @Test
    void aFailureThatMayPassIsTriedAgainUntilTheLastAttempt() throws Exception {
        JobRunner runner = runner(1, calling("host", handler("fails", job -> {
            handled.add(job.index() + "/" + job.attempt());
            throw JobFailure.retryable("not yet").after(Duration.ofSeconds(7));
        })));
        ActiveBatch batch = batch(BatchRules.NONE);

        run(task(runner, batch, job(5, "fails", 0), null));
        assertThat(recorded).hasSize(1);
        AttemptEntry attempt = (AttemptEntry) recorded.remove();
        assertThat(attempt.index()).isEqualTo(5);
        assertThat(attempt.kind()).isEqualTo("fails");
        assertThat(attempt.target()).isEqualTo("host");
        assertThat(attempt.run().attempts()).isEqualTo(1);
        assertThat(attempt.dueAt()).isEqualTo(time.millis() + 7000 + 1000);
        assertThat(retries.targets().ask("host"))
                .as("its target asked to be left alone")
                .isNotEqualTo(Targets.NOW);

        run(task(runner, batch, job(5, "fails", 0), new WaitingAttempt(5, 2, NOW, 1, "host")));
        OutcomeEntry last = outcome();
        assertThat(last.state()).isEqualTo(JobState.FAILED);
        assertThat(text(last)).contains("not yet");
        assertThat(last.run().attempts()).isEqualTo(3);
        assertThat(handled).containsExactly("5/1", "5/3");
    }

    /** First attempts pay a fifth of a further one each, and a success pays a whole one. */
    @Test
    void whatIsCalledIsPaidIntoTheBudgetOfItsTarget() throws Exception {
        Targets targets = retries.targets();
        useUp(targets);
        JobRunner failing = runner(1, calling("host", handler("fails", job -> {
            throw JobFailure.retryable("not yet");
        })));
        ActiveBatch batch = batch(BatchRules.NONE);
        for (int n = 0; n < 5; n++) {
            run(task(failing, batch, job(5, "fails", 0), new WaitingAttempt(5, 1, NOW, 1, "host")));
        }
        assertThat(targets.ask("host")).as("further attempts pay nothing").isNotEqualTo(Targets.NOW);
        for (int n = 0; n < 5; n++) {
            run(task(failing, batch, job(5, "fails", 0), null));
        }
        assertThat(targets.ask("host")).isEqualTo(Targets.NOW);
        assertThat(targets.ask("host")).isNotEqualTo(Targets.NOW);

        JobRunner working = runner(1, calling("host", echo()));
        run(task(working, batch, job(5, "echo", 0), new WaitingAttempt(5, 1, NOW, 1, "host")));
        assertThat(targets.ask("host")).isEqualTo(Targets.NOW);
        assertThat(targets.ask("host")).isNotEqualTo(Targets.NOW);
    }

    private static void useUp(Targets targets) {
        while (targets.ask("host") == Targets.NOW) {
            // what it has at the start
        }
    }

    private static JobHandler calling(@Nullable String target, JobHandler handler) {
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
            public @Nullable String target(JobContext job) {
                if (target == null) {
                    throw new IllegalStateException("it cannot say");
                }
                return target;
            }
        };
    }

    @Test
    void aJobThatCannotSayWhatItCallsRunsAllTheSame() throws Exception {
        run(task(runner(1, calling(null, echo())), "echo"));
        assertThat(outcome().state()).isEqualTo(JobState.SUCCEEDED);
        assertThat(retries.targets().size()).isZero();
    }

    @Test
    void aKindThatIsGoneFailsItsJob() throws Exception {
        run(task(runner(1), "gone"));
        OutcomeEntry outcome = outcome();
        assertThat(outcome.state()).isEqualTo(JobState.FAILED);
        assertThat(text(outcome)).contains("/problems/unknown-kind");
        assertThat(outcome.run().attempts()).isEqualTo(1);
    }

    @Test
    void aJobSaysHowLongItMayTakeThenItsBatchThenTheService() throws Exception {
        CountDownLatch never = new CountDownLatch(1);
        JobRunner runner = runner(1, handler("waits", job -> {
            handled.add(String.valueOf(job.remaining().compareTo(Duration.ofMinutes(30)) > 0));
            if (job.remaining().compareTo(Duration.ofMinutes(30)) > 0) {
                return new JobOutput(job.input());
            }
            never.await();
            return new JobOutput(job.input());
        }));
        ActiveBatch ofHours = batch(new BatchRules(3_600_000, 1, 0, 0, null));
        ActiveBatch ofMillis = batch(new BatchRules(20, 1, 0, 0, null));
        run(task(runner, ofHours, job(5, "waits", 10), null));
        assertThat(text(outcome())).contains("/problems/job-timeout", "\"timeout_ms\":10}");
        run(task(runner, ofMillis, job(5, "waits", 0), null));
        assertThat(text(outcome())).contains("/problems/job-timeout", "\"timeout_ms\":20}");
        run(task(runner, ofHours, job(5, "waits", 0), null));
        assertThat(outcome().state()).isEqualTo(JobState.SUCCEEDED);
        run(task(runner, "waits"));
        assertThat(outcome().state()).isEqualTo(JobState.SUCCEEDED);
        assertThat(handled).containsExactly("false", "false", "true", "true");
    }

    /** The job is in its handler when its batch is stopped, and nobody else interrupts it. */
    @Test
    void aJobWhoseBatchIsStoppedWhileItEntersIsInterrupted() throws Exception {
        CountDownLatch never = new CountDownLatch(1);
        ActiveBatch batch = batch(BatchRules.NONE);
        AtomicInteger looks = new AtomicInteger();
        Clock stopping = new Clock() {
            @Override
            public ZoneId getZone() {
                return ZoneOffset.UTC;
            }

            @Override
            public Clock withZone(ZoneId zone) {
                return this;
            }

            @Override
            public Instant instant() {
                if (looks.incrementAndGet() == 1) {
                    batch.stop(StopReason.DEADLINE);
                }
                return Instant.ofEpochMilli(NOW);
            }
        };
        JobRunner runner = new JobRunner(new JobRunner.Parts(
                pool,
                new HandlerRegistry(List.of(handler("waits", job -> {
                    never.await();
                    return new JobOutput(job.input());
                }))),
                recording(),
                new RunningJobs(1, log),
                sizing,
                Duration.ofHours(1),
                retries,
                stopping,
                fatal::add));

        run(task(runner, batch, job(5, "waits", 0), null));

        OutcomeEntry outcome = outcome();
        assertThat(outcome.state()).isEqualTo(JobState.EXPIRED);
        assertThat(text(outcome)).contains("It was running when the deadline");
        assertThat(outcome.run().attempts()).isEqualTo(1);
    }

    private BatchStore recording() {
        return (BatchStore) Proxy.newProxyInstance(
                BatchStore.class.getClassLoader(), new Class<?>[] {BatchStore.class}, (proxy, method, arguments) -> {
                    assertThat(method.getName()).isEqualTo("record");
                    recorded.add((JobEntry) arguments[0]);
                    return null;
                });
    }

    @Test
    void anErrorThatTheProcessDoesNotOutliveLeavesNoOutcomeAndAStackThatIsTooDeepDoes() throws Exception {
        OutOfMemoryError full = new OutOfMemoryError("on purpose");
        run(task(
                runner(1, handler("full", job -> {
                    throw full;
                })),
                "full"));
        assertThat(recorded).isEmpty();
        assertThat(fatal).containsExactly(full);

        run(task(
                runner(1, handler("deep", job -> {
                    throw new StackOverflowError("on purpose");
                })),
                "deep"));
        assertThat(outcome().state()).isEqualTo(JobState.FAILED);
        assertThat(fatal).hasSize(1);
    }

    @Test
    void aFaultOfTheServiceFailsTheJob() throws Exception {
        run(task(runner(0, echo()), "echo"));
        OutcomeEntry outcome = outcome();
        assertThat(outcome.state()).isEqualTo(JobState.FAILED);
        assertThat(text(outcome)).contains("/problems/job-failed", "failed unexpectedly");
        assertThat(outcome.run().attempts()).isEqualTo(1);
        assertThat(handled).isEmpty();
    }

    @Test
    void aJobThatTheDrainCutsShortLeavesNoOutcomeAndGivesItsPlaceBack() throws Exception {
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch never = new CountDownLatch(1);
        Limit limit = Limit.ofOne(1);
        ActiveBatch batch = batch(BatchRules.NONE);
        Permit permit = Permit.take(List.of(limit), batch);
        assertThat(permit).isNotNull();
        JobTask task = task(
                        runner(1, handler("waits", job -> {
                            begun.countDown();
                            never.await();
                            return new JobOutput(job.input());
                        })),
                        batch,
                        job(5, "waits", 0),
                        null)
                .with(permit);
        pool.offer(task, Duration.ZERO);
        assertThat(begun.await(PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();

        pool.drain(Duration.ZERO);

        assertThat(recorded).isEmpty();
        assertThat(limit.taken()).isZero();
    }

    @Test
    void whatIsGivenUpSaysHowOftenTheServiceEndedWithItAndKeepsItsAttempts() {
        JobRunner runner = runner(1, echo());
        runner.abandon(task(runner, "echo"), 3);
        OutcomeEntry first = outcome();
        assertThat(first.state()).isEqualTo(JobState.FAILED);
        assertThat(text(first)).contains("/problems/job-abandoned", "\"crashes\":3");
        assertThat(first.run().attempts()).isZero();
        assertThat(first.run().waitMillis()).isEqualTo(500);

        WaitingAttempt before = new WaitingAttempt(5, 2, ACCEPTED + 40, 30, null);
        runner.abandon(task(runner, batch(BatchRules.NONE), job(5, "echo", 0), before), 3);
        OutcomeEntry later = outcome();
        assertThat(later.run().attempts()).isEqualTo(2);
        assertThat(later.run().waitMillis()).isEqualTo(40);
        assertThat(later.run().endedAt()).isEqualTo(NOW);
    }
}
