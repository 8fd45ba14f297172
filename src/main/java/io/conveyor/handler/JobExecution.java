package io.conveyor.handler;

import io.conveyor.job.Job;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * One attempt at one job: what the engine hands to a handler. Immutable.
 *
 * @param batchId the batch that the job belongs to
 * @param job the job as its client sent it
 * @param attempt which attempt this is, from 1
 * @param deadlineNanos when its time is up, on the clock of {@link System#nanoTime()}
 */
public record JobExecution(String batchId, Job job, int attempt, long deadlineNanos) implements JobContext {

    private static final byte[] NULL = "null".getBytes(StandardCharsets.UTF_8);

    public JobExecution {
        if (attempt < 1) {
            throw new IllegalArgumentException("Attempts count from 1 up");
        }
    }

    @Override
    public int index() {
        return job.index();
    }

    @Override
    public @Nullable String customId() {
        return job.customId();
    }

    @Override
    public byte[] input() {
        byte[] input = job.input();
        return input == null ? NULL.clone() : input;
    }

    @Override
    public <T> T input(Class<T> type) throws JobFailure {
        return StrictJson.read(input(), type, "/input");
    }

    @Override
    public byte @Nullable [] metadata() {
        return job.metadata();
    }

    @Override
    public Duration remaining() {
        return Duration.ofNanos(Math.max(0, deadlineNanos - System.nanoTime()));
    }
}
