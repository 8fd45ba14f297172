package io.conveyor.batch;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;

/**
 * Tells a repetition of a request from another request: SHA-256 over how the body was read, what was said outside of it,
 * and the SHA-256 of its bytes. Keeps nothing.
 */
final class Fingerprint {

    private Fingerprint() {}

    /**
     * Of what is submitted, under whatever id.
     *
     * @param reading how the body was read: {@code json} or {@code ndjson}
     * @param options what else makes a difference, as {@link BatchOptions#canonical()} says it
     */
    static byte[] of(String reading, String options, byte[] digestOfBody) {
        MessageDigest digest = RawWindow.sha256();
        digest.update((reading + "\n" + options).getBytes(StandardCharsets.UTF_8));
        return digest.digest(digestOfBody);
    }

    /**
     * Of a whole request.
     *
     * @param target where it went: the path of a PUT names a batch
     * @param submission of what was submitted
     */
    static byte[] ofRequest(String target, byte[] submission) {
        MessageDigest digest = RawWindow.sha256();
        digest.update((target + "\n").getBytes(StandardCharsets.UTF_8));
        return digest.digest(submission);
    }
}
