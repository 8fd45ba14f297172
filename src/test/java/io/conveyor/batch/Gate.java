package io.conveyor.batch;

import io.conveyor.handler.JobContext;
import io.conveyor.handler.JobFailure;
import io.conveyor.handler.JobHandler;
import io.conveyor.handler.JobOutput;
import io.conveyor.job.JobKind;
import java.util.concurrent.Semaphore;

/** Jobs that end when the test lets them, and jobs that fail: kind {@code gate}. */
final class Gate implements JobHandler {

    /** One permit lets one job through. */
    final Semaphore open = new Semaphore(0);

    /** One permit for each job that has begun. */
    final Semaphore begun = new Semaphore(0);

    @Override
    public JobKind kind() {
        return new JobKind("gate", "Waits for the test", "{}");
    }

    @Override
    public JobOutput handle(JobContext job) throws JobFailure, InterruptedException {
        if (job.input(Boolean.class)) {
            throw JobFailure.of("It was told to fail");
        }
        begun.release();
        open.acquire();
        return JobOutput.ofJson("\"through\"");
    }
}
