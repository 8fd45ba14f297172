package io.conveyor.batch;

import org.jspecify.annotations.Nullable;

/**
 * What a client says of a batch beside its jobs, in the query string or in the body.
 *
 * @param name what the client calls the batch, 1 to 200 characters, or null
 * @param metadata the client's JSON, unparsed and on one line, or null
 * @param timeoutMillis limit for one attempt of jobs without their own, or 0 when none was given
 */
record Envelope(@Nullable String name, byte @Nullable [] metadata, long timeoutMillis) {

    /** Nothing is said. */
    static final Envelope NONE = new Envelope(null, null, 0);
}
