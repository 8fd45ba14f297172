package io.conveyor.belt;

import static io.conveyor.belt.BeltHarness.handler;
import static io.conveyor.belt.BeltHarness.input;
import static org.awaitility.Awaitility.await;

import io.conveyor.handler.JobFailure;
import io.conveyor.handler.JobHandler;
import io.conveyor.handler.JobOutput;
import java.time.Duration;

/** Jobs that fail and are tried again, at times that the test sets. */
abstract class FailingJobs extends GatedJobs {

    @SuppressWarnings("NullAway.Init")
    FailingJobs() {}

    static final Duration MINUTE = Duration.ofMinutes(1);

    final ManualClock time = new ManualClock();

    /** Fails until its last attempt that the input, or else the third, says. */
    final JobHandler flaky = handler("flaky", job -> {
        ran.add(input(job) + "/" + job.attempt());
        if (job.attempt() < 3) {
            throw JobFailure.retryable("not yet");
        }
        return new JobOutput(job.input());
    });

    /** Fails the first time. */
    final JobHandler once = handler("once", job -> {
        ran.add(input(job) + "/" + job.attempt());
        if (job.attempt() == 1) {
            throw JobFailure.retryable("not yet");
        }
        return new JobOutput(job.input());
    });

    /** Fails the first time, then says that it runs and waits for the test. */
    final JobHandler onceThenGated = handler("held", job -> {
        ran.add(input(job) + "/" + job.attempt());
        if (job.attempt() == 1) {
            throw JobFailure.retryable("not yet");
        }
        begun.release();
        gate.acquire();
        return new JobOutput(job.input());
    });

    final BeltHarness.Parts parts(int workers, int queue) {
        return new BeltHarness.Parts(file(), workers, queue, 1, 64);
    }

    final BeltHarness quick(int attempts, JobHandler... handlers) {
        return new BeltHarness(parts(2, 16).withRetries(ManualClock.quick(attempts)), handlers).started();
    }

    final BeltHarness manual(int attempts, JobHandler... handlers) {
        return new BeltHarness(parts(2, 16).withRetries(time.policy(attempts)), handlers).started();
    }

    final void advance(BeltHarness harness, Duration by) {
        time.advance(by);
        harness.belt.lookForDue();
    }

    static void awaitWaiting(BeltHarness harness, int jobs) {
        await().atMost(LONG).until(() -> harness.store.status().retryingJobs() == jobs);
    }
}
