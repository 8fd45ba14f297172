package io.conveyor.handler;

import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.conveyor.job.Job;
import io.conveyor.job.JobError;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** Makes and runs single jobs in tests of handlers. */
public final class Jobs {

    private Jobs() {}

    public static JobContext job(@Nullable String input) {
        return job(input, Duration.ofMinutes(1));
    }

    // Job says @Nullable, but javac 17 drops it from the parameters of a compact constructor.
    @SuppressWarnings("NullAway")
    public static JobContext job(@Nullable String input, Duration limit) {
        byte[] bytes = input == null ? null : input.getBytes(StandardCharsets.UTF_8);
        return new JobExecution(
                "batch_test", new Job(7, "kind", "mine", 0, null, bytes), 1, System.nanoTime() + limit.toNanos());
    }

    public static String run(JobHandler handler, @Nullable String input) throws Exception {
        return new String(handler.handle(job(input)).json(), StandardCharsets.UTF_8);
    }

    public static JobError failure(JobHandler handler, @Nullable String input) {
        return failure(handler, job(input));
    }

    public static JobError failure(JobHandler handler, JobContext job) {
        return catchThrowableOfType(JobFailure.class, () -> handler.handle(job)).error();
    }
}
