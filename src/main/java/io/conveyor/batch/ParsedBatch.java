package io.conveyor.batch;

import org.jspecify.annotations.Nullable;

/**
 * What a body said beside its jobs.
 *
 * @param name what the client calls the batch, 1 to 200 characters, or null
 * @param metadata the client's JSON, unparsed, or null
 * @param timeoutMillis limit for one attempt of jobs without their own, or 0 when none was given
 * @param total number of its jobs
 * @param digest SHA-256 of the body
 */
record ParsedBatch(@Nullable String name, byte @Nullable [] metadata, long timeoutMillis, int total, byte[] digest) {}
