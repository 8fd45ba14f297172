package io.conveyor.monitor;

import io.conveyor.handler.JobContext;
import io.conveyor.handler.JobHandler;
import io.conveyor.handler.JobOutput;
import io.conveyor.job.JobKind;
import java.util.concurrent.CountDownLatch;

/** The kind {@code gate}: its jobs wait until the test opens it. */
final class Gate implements JobHandler {

    private volatile CountDownLatch latch = new CountDownLatch(0);

    void close() {
        latch = new CountDownLatch(1);
    }

    void open() {
        latch.countDown();
    }

    @Override
    public JobKind kind() {
        return new JobKind("gate", "Waits for the test", "{}");
    }

    @Override
    public JobOutput handle(JobContext job) throws InterruptedException {
        latch.await();
        return JobOutput.ofJson("true");
    }
}
