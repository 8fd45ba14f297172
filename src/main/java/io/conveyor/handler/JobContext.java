package io.conveyor.handler;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** One job as its handler sees it. Confined to the thread that runs the job. */
public interface JobContext {

    /** The id of the batch that the job belongs to. */
    String batchId();

    /** The job's place in its batch, from 0. */
    int index();

    /** The client's own name for the job, or null. */
    @Nullable
    String customId();

    /** Which attempt this is, from 1. */
    int attempt();

    /** The input as the client sent it, byte for byte: one JSON value in UTF-8; {@code null} as JSON when there was none. */
    byte[] input();

    /**
     * The input bound to a record, strictly, as {@link StrictJson} says: every component that is not {@code @Nullable}
     * is needed; unknown and duplicate fields, numbers as strings and fractions for whole numbers are refused.
     *
     * @throws JobFailure {@code invalid-job}, with a pointer to what is wrong
     */
    <T> T input(Class<T> type) throws JobFailure;

    /** What the client put beside the input in {@code metadata}: one JSON value, or null. */
    byte @Nullable [] metadata();

    /** How long the job may still run; zero when its time is up. */
    Duration remaining();
}
