package io.conveyor.batch;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;

/**
 * Tells a repetition of a request from another request: SHA-256 over how the body was read, and the SHA-256 of its bytes.
 * The id does not belong to it. Keeps nothing.
 */
final class Fingerprint {

    /** How the body was read; what will once be said outside of the body belongs here too. */
    private static final byte[] READING = "json\n".getBytes(StandardCharsets.US_ASCII);

    private static final int BUFFER_BYTES = 16 * 1024;

    private Fingerprint() {}

    static byte[] of(byte[] digestOfBody) {
        MessageDigest digest = RawWindow.sha256();
        digest.update(READING);
        return digest.digest(digestOfBody);
    }

    /** Reads the body to its end. */
    static byte[] ofBody(InputStream body) throws IOException {
        MessageDigest digest = RawWindow.sha256();
        byte[] buffer = new byte[BUFFER_BYTES];
        for (int n = body.read(buffer); n >= 0; n = body.read(buffer)) {
            digest.update(buffer, 0, n);
        }
        return of(digest.digest());
    }
}
