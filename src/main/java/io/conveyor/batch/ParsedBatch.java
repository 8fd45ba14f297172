package io.conveyor.batch;

/**
 * What was found in a body.
 *
 * @param envelope what it says beside its jobs
 * @param total number of its jobs
 * @param digest SHA-256 of the body
 */
record ParsedBatch(Envelope envelope, int total, byte[] digest) {}
