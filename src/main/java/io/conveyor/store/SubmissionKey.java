package io.conveyor.store;

import java.util.Objects;

/**
 * The idempotency key of a submission. Its bytes are never changed.
 *
 * @param value the key, 1 to 255 characters of printable ASCII
 * @param fingerprint digest of the request that bears it: equal for a repetition, different for another request
 */
public record SubmissionKey(String value, byte[] fingerprint) {

    public SubmissionKey {
        Objects.requireNonNull(fingerprint);
        if (value.isEmpty() || value.length() > 255) {
            throw new IllegalArgumentException("An idempotency key has 1 to 255 characters");
        }
    }
}
