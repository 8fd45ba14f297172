package io.conveyor.handler;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.conveyor.job.JobKind;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

/** The kind {@code sleep}: waits. For trying out how batches run, fill the crew, time out and are cancelled. */
@Component
final class SleepHandler implements JobHandler {

    /** One day, in milliseconds. */
    private static final long LONGEST = 86_400_000;

    private static final JobKind KIND =
            new JobKind("sleep", "Waits for the given time, then gives back how long it waited.", """
            {"type": "object", "required": ["ms"], "additionalProperties": false, "properties": {
              "ms": {"type": "integer", "minimum": 0, "maximum": 86400000, "description": "milliseconds to wait"},
              "batch": {"description": "What a job in `then` gets; has no effect here."}}}""");

    @Override
    public JobKind kind() {
        return KIND;
    }

    @Override
    public JobOutput handle(JobContext job) throws JobFailure, InterruptedException {
        long millis = job.input(Input.class).ms();
        if (millis < 0 || millis > LONGEST) {
            throw JobFailure.invalid("/input/ms", "Give ms from 0 to " + LONGEST + " (one day).");
        }
        Thread.sleep(millis);
        return JobOutput.json(new Output(millis));
    }

    record Input(long ms, @Nullable RawJson batch) {}

    record Output(@JsonProperty("slept_ms") long sleptMillis) {}
}
