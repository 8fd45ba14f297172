package io.conveyor.handler;

import io.conveyor.job.JobKind;
import org.springframework.stereotype.Component;

/** The kind {@code echo}: hands its input back. For trying out, and for measuring everything around a job. */
@Component
final class EchoHandler implements JobHandler {

    private static final JobKind KIND = new JobKind("echo", "Takes any JSON value and gives back the same.", "true");

    @Override
    public JobKind kind() {
        return KIND;
    }

    @Override
    public JobOutput handle(JobContext job) {
        return new JobOutput(job.input());
    }
}
