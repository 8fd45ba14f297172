package io.conveyor.batch;

import io.conveyor.store.BatchRef;
import java.time.Duration;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * How a batch is to be submitted.
 *
 * @param id the id that the client chose, or null for one of the service's
 * @param mustBeNew whether to refuse a repetition as well
 * @param immediately whether the batch starts while it is read, even if the query string does not ask for it
 * @param patience how long the client lets its jobs be handed over before it wants an answer
 * @param opened hears of the batch when it is there, before its jobs are handed over, on the thread that reads; not of one
 *     that was there before
 */
record Submission(
        @Nullable String id, boolean mustBeNew, boolean immediately, Duration patience, Consumer<BatchRef> opened) {

    /** The same, heard by another. */
    Submission heardBy(Consumer<BatchRef> other) {
        return new Submission(id, mustBeNew, immediately, patience, other);
    }

    /** What tells one target of a request from another. */
    String target() {
        return id == null ? "POST" : "PUT " + id;
    }
}
