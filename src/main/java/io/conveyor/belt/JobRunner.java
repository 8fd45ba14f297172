package io.conveyor.belt;

import io.conveyor.handler.HandlerRegistry;
import io.conveyor.handler.JobExecution;
import io.conveyor.handler.JobFailure;
import io.conveyor.handler.JobHandler;
import io.conveyor.job.Job;
import io.conveyor.job.JobError;
import io.conveyor.job.JobState;
import io.conveyor.job.Run;
import io.conveyor.job.StopReason;
import io.conveyor.pool.Guard;
import io.conveyor.pool.PoolTask;
import io.conveyor.pool.SizingAdvice;
import io.conveyor.pool.WorkerPool;
import io.conveyor.store.AttemptEntry;
import io.conveyor.store.BatchStore;
import io.conveyor.store.JobEntry;
import io.conveyor.store.OutcomeEntry;
import io.conveyor.store.WaitingAttempt;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.time.Clock;
import java.time.Duration;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.json.JsonMapper;

/**
 * Runs one job: its handler under its time limit, and its outcome to the store. Thread-safe; called by workers and by
 * callers alike, with nothing between them that differs.
 *
 * <p>A job is interrupted only while it is in its handler, through the pool's {@link Guard}; recording is never
 * interrupted. A job that is interrupted because its batch is stopped ends as cancelled, or as expired, unless it ends well
 * all the same; one of a stopped batch that has not begun is recorded as that without being run. A job that the stop of the service cut short leaves no outcome: it is still open in the store, and the
 * next start runs it again.
 */
final class JobRunner {

    private static final Logger log = LoggerFactory.getLogger(JobRunner.class);
    private static final JsonMapper MAPPER = JsonMapper.shared();
    private static final ThreadMXBean CPU = ManagementFactory.getThreadMXBean();

    /** One job in so many has its processor time measured: asking costs as much as several small jobs. */
    private static final int CPU_SAMPLE = 64;

    /** One for all jobs that are not run for that reason, so that the store need not keep it a million times. */
    private static final Map<StopReason, Outcome> NOT_RUN = new EnumMap<>(Map.of(
            StopReason.CANCEL, stopped(StopReason.CANCEL, false),
            StopReason.ON_ERROR, stopped(StopReason.ON_ERROR, false),
            StopReason.DEADLINE, stopped(StopReason.DEADLINE, false)));

    /** The same for jobs that waited for another attempt. */
    private static final Map<StopReason, Outcome> NOT_RUN_AGAIN = new EnumMap<>(Map.of(
            StopReason.CANCEL, stoppedWaiting(StopReason.CANCEL),
            StopReason.ON_ERROR, stoppedWaiting(StopReason.ON_ERROR),
            StopReason.DEADLINE, stoppedWaiting(StopReason.DEADLINE)));

    private final WorkerPool pool;
    private final HandlerRegistry handlers;
    private final BatchStore store;
    private final RunningJobs running;
    private final SizingAdvice sizing;
    private final Duration defaultTimeout;
    private final RetryPolicy retries;
    private final Targets targets;
    private final Clock clock;
    private final Consumer<Error> fatal;

    /**
     * What an attempt brought.
     *
     * @param value JSON on one line: the output of a success, the problem of any other end
     * @param error that problem, if the attempt may be followed by another
     * @param target what was called, or null
     */
    private record Outcome(
            JobState state,
            byte[] value,
            @Nullable JobError error,
            @Nullable String target) {

        Outcome(JobState state, byte[] value) {
            this(state, value, null, null);
        }
    }

    /** What a runner works with; {@code fatal} is told of errors that the process should not outlive. */
    record Parts(
            WorkerPool pool,
            HandlerRegistry handlers,
            BatchStore store,
            RunningJobs running,
            SizingAdvice sizing,
            Duration defaultTimeout,
            RetryPolicy retries,
            Clock clock,
            Consumer<Error> fatal) {}

    JobRunner(Parts parts) {
        pool = parts.pool();
        handlers = parts.handlers();
        store = parts.store();
        running = parts.running();
        sizing = parts.sizing();
        defaultTimeout = parts.defaultTimeout();
        retries = parts.retries();
        targets = retries.targets();
        clock = parts.clock();
        fatal = parts.fatal();
    }

    /**
     * Runs the job and hands its outcome, or that it is to be tried again, to the store. Throws only what the store throws,
     * which then has closed.
     */
    void run(JobTask task) {
        JobEntry entry;
        task.permit().start();
        try {
            entry = outcomeOf(task);
        } catch (Throwable thrown) {
            entry = faulty(task, thrown);
        } finally {
            task.permit().release();
        }
        if (entry != null) {
            store.record(entry);
        }
    }

    private @Nullable JobEntry outcomeOf(JobTask task) {
        Job job = task.job();
        StopReason reason = task.batch().stopReason();
        if (reason != null) {
            return passedOver(task, reason, clock.millis());
        }
        if (task.batch().isPaused()) {
            task.batch().keep(task);
            return null;
        }
        long startedAt = clock.millis();
        if (job.problem() != null) {
            // What was accepted although it cannot be run gets the outcome that it came with; no handler sees it.
            return entry(task, new Outcome(JobState.FAILED, job.problem()), 0, startedAt, 0);
        }
        task.batch().jobStarted(startedAt);
        boolean sampled = job.index() % CPU_SAMPLE == 0;
        long cpu = sampled ? CPU.getCurrentThreadCpuTime() : 0;
        long begin = System.nanoTime();
        Outcome outcome = attempt(task, begin);
        long nanos = System.nanoTime() - begin;
        if (sampled) {
            sizing.record(job.kind(), nanos, Math.max(0, CPU.getCurrentThreadCpuTime() - cpu));
        }
        if (outcome == null) {
            return null;
        }
        Run run = run(task, task.attempts() + 1, startedAt, nanos);
        JobError error = outcome.error();
        if (error != null && retries.triesAgain(task, run.attempts(), error)) {
            return new AttemptEntry(
                    task.segment(),
                    job.index(),
                    job.kind(),
                    run,
                    outcome.target(),
                    retries.dueAt(run.attempts(), error));
        }
        return entry(task, outcome, run);
    }

    /**
     * Takes the jobs of a batch that wait in the pool's queue out of it; who waits for room with one is sent away. What comes
     * into the queue afterwards is not among them.
     */
    List<JobTask> takeBack(ActiveBatch batch) {
        List<PoolTask> taken = pool.withdraw(task -> task instanceof JobTask job && job.batch() == batch);
        List<JobTask> jobs = taken.stream().map(JobTask.class::cast).toList();
        jobs.forEach(job -> job.permit().release());
        return jobs;
    }

    /** Records that a job of a stopped batch was not run. It must not have been handed over, or have been taken back. */
    void passOver(JobTask task) {
        store.record(passedOver(task, Objects.requireNonNull(task.batch().stopReason()), clock.millis()));
    }

    /** Records that a job is given up after so many crashes. It must not have been handed over. */
    void abandon(JobTask task, int crashes) {
        Outcome outcome = failed(JobError.abandoned(crashes));
        WaitingAttempt before = task.before();
        long now = clock.millis();
        store.record(
                before == null
                        ? entry(task, outcome, 0, now, 0)
                        : entry(task, outcome, before.endedAt(now, task.batch().acceptedAt())));
    }

    private OutcomeEntry passedOver(JobTask task, StopReason reason, long now) {
        WaitingAttempt before = task.before();
        return before == null
                ? entry(task, Objects.requireNonNull(NOT_RUN.get(reason)), 0, now, 0)
                : entry(
                        task,
                        Objects.requireNonNull(NOT_RUN_AGAIN.get(reason)),
                        before.endedAt(now, task.batch().acceptedAt()));
    }

    private static Run run(JobTask task, int attempts, long startedAt, long nanos) {
        return new Run(
                attempts,
                Math.max(0, startedAt - task.batch().acceptedAt()),
                nanos,
                startedAt,
                startedAt + TimeUnit.NANOSECONDS.toMillis(nanos),
                Thread.currentThread().getName());
    }

    private static OutcomeEntry entry(JobTask task, Outcome outcome, int attempts, long startedAt, long nanos) {
        return entry(task, outcome, run(task, attempts, startedAt, nanos));
    }

    private static OutcomeEntry entry(JobTask task, Outcome outcome, Run run) {
        Job job = task.job();
        return new OutcomeEntry(
                task.segment(), job.index(), job.kind(), job.customId(), outcome.state(), outcome.value(), run);
    }

    /** The outcome after a fault that is not the handler's: without one, the batch would not end before a restart. */
    private @Nullable OutcomeEntry faulty(JobTask task, Throwable thrown) {
        Outcome outcome = unexpected(task, "the service", thrown);
        return outcome == null ? null : entry(task, outcome, task.attempts() + 1, clock.millis(), 0);
    }

    /** One attempt; null when the stop of the service cut it short. */
    private @Nullable Outcome attempt(JobTask task, long begin) {
        JobHandler handler = handlers.find(task.job().kind()).orElse(null);
        if (handler == null) {
            return failed(JobError.missingKind(task.job().kind()));
        }
        Duration limit = limit(task);
        try (Guard guard = pool.guard(limit, begin)) {
            running.enter(task, guard);
            try {
                return attempt(task, handler, guard, limit, begin);
            } finally {
                running.leave(guard);
            }
        }
    }

    private @Nullable Outcome attempt(JobTask task, JobHandler handler, Guard guard, Duration limit, long begin) {
        if (task.batch().isCancelled()) {
            guard.interrupt();
        }
        String target = null;
        try {
            JobExecution execution =
                    new JobExecution(task.batch().ref().id(), task.job(), task.attempts() + 1, begin + limit.toNanos());
            target = target(handler, execution);
            if (task.before() == null) {
                targets.called(target);
            }
            Outcome outcome =
                    new Outcome(JobState.SUCCEEDED, handler.handle(execution).json());
            targets.succeeded(target);
            return outcome;
        } catch (Throwable thrown) {
            guard.close();
            return about(target, explain(task, guard, limit, thrown));
        }
    }

    /** What the job calls, as far as its handler can tell; why it cannot is told by the attempt itself. */
    private static @Nullable String target(JobHandler handler, JobExecution execution) {
        try {
            return handler.target(execution);
        } catch (Exception e) {
            return null;
        }
    }

    private @Nullable Outcome about(@Nullable String target, @Nullable Outcome outcome) {
        JobError error = outcome == null ? null : outcome.error();
        if (outcome == null || error == null) {
            return outcome;
        }
        targets.failed(target, retries.retryAfter(error));
        return new Outcome(outcome.state(), outcome.value(), error, target);
    }

    private Duration limit(JobTask task) {
        long own = task.job().timeoutMillis() > 0
                ? task.job().timeoutMillis()
                : task.batch().rules().timeoutMillis();
        return own > 0 ? Duration.ofMillis(own) : defaultTimeout;
    }

    private @Nullable Outcome explain(JobTask task, Guard guard, Duration limit, Throwable thrown) {
        if (guard.cause() == Guard.Cause.DRAIN) {
            return null;
        }
        if (guard.cause() == Guard.Cause.LIMIT) {
            return failed(JobError.timeout(limit.toMillis()));
        }
        StopReason reason = task.batch().stopReason();
        if (guard.cause() == Guard.Cause.REQUEST && reason != null) {
            return stopped(reason, true);
        }
        if (thrown instanceof JobFailure failure) {
            return failed(failure.error());
        }
        return unexpected(task, "its handler", thrown);
    }

    /**
     * What the client hears of a fault in this program, in general words; the log has the rest. Null after an error that the
     * process does not outlive: who is to blame for that is found out by the next.
     */
    private @Nullable Outcome unexpected(JobTask task, String where, Throwable thrown) {
        String kind = task.job().kind();
        String name = "Job " + task.job().index() + " of " + task.batch().ref().id() + " (" + kind + ")";
        if (thrown instanceof VirtualMachineError error && !(thrown instanceof StackOverflowError)) {
            log.error("{} met {}, be it for its own doing or for that of a job beside it", name, error.toString());
            fatal.accept(error);
            return null;
        }
        log.error("{} failed by a fault of {}; its client is told so in general words", name, where, thrown);
        return failed(JobError.failed("The handler of '" + kind + "' failed unexpectedly.", false));
    }

    private static Outcome stopped(StopReason reason, boolean started) {
        return problem(reason.outcome(), JobError.stopped(reason, started));
    }

    private static Outcome stoppedWaiting(StopReason reason) {
        return problem(reason.outcome(), JobError.stoppedWaiting(reason));
    }

    private static Outcome failed(JobError error) {
        return new Outcome(
                JobState.FAILED, MAPPER.writeValueAsBytes(error.members()), error.retryable() ? error : null, null);
    }

    private static Outcome problem(JobState state, JobError error) {
        return new Outcome(state, MAPPER.writeValueAsBytes(error.members()));
    }
}
