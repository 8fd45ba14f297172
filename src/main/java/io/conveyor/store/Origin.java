package io.conveyor.store;

import org.jspecify.annotations.Nullable;

/**
 * Which other batch one comes from, if from any. That batch may be gone.
 *
 * @param retryOf id of the batch of which it repeats jobs, or null
 * @param continuationOf id of the batch after whose end it was made, or null
 */
public record Origin(@Nullable String retryOf, @Nullable String continuationOf) {

    /** A client sent it. */
    public static final Origin CLIENT = new Origin(null, null);
}
