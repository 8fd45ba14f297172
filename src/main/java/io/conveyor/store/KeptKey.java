package io.conveyor.store;

/**
 * An idempotency key that the store knows.
 *
 * @param batch the batch that was made with it; it may have been deleted since
 * @param fingerprint digest of the request that made it
 */
public record KeptKey(BatchRef batch, byte[] fingerprint) {}
