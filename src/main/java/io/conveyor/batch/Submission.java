package io.conveyor.batch;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * How a batch is to be submitted.
 *
 * @param id the id that the client chose, or null for one of the service's
 * @param mustBeNew whether to refuse a repetition as well
 * @param patience how long the client lets its jobs be handed over before it wants an answer
 */
record Submission(@Nullable String id, boolean mustBeNew, Duration patience) {}
