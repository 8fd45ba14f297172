package io.conveyor.handler.http;

import java.nio.charset.StandardCharsets;
import java.security.InvalidKeyException;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * A secret that webhooks are signed with, as Standard Webhooks 1.0 has it: {@code whsec_} and 24 to 64 bytes in base64.
 * Never shows itself. Immutable.
 */
final class WebhookSecret {

    static final String PREFIX = "whsec_";
    private static final int LEAST_BYTES = 24;
    private static final int MOST_BYTES = 64;
    private static final String ALGORITHM = "HmacSHA256";

    private final SecretKeySpec key;

    private WebhookSecret(byte[] key) {
        this.key = new SecretKeySpec(key, ALGORITHM);
    }

    /**
     * The secret that is written like that.
     *
     * @param name the configuration key, for the sentence that says what is wrong
     * @throws IllegalArgumentException if it is none; says so without showing any of it
     */
    static WebhookSecret parse(String name, String text) {
        if (text.startsWith(PREFIX)) {
            try {
                byte[] bytes = Base64.getDecoder().decode(text.substring(PREFIX.length()));
                if (bytes.length >= LEAST_BYTES && bytes.length <= MOST_BYTES) {
                    return new WebhookSecret(bytes);
                }
            } catch (IllegalArgumentException e) {
                // The answer is the same, and what the decoder says would show a part of the secret.
            }
        }
        throw new IllegalArgumentException(
                name + " has a secret that is none: it must be whsec_ and base64 of " + LEAST_BYTES + " to "
                        + MOST_BYTES + " random bytes, such as echo \"whsec_$(openssl rand -base64 32)\" makes");
    }

    /** The signature of a message, with the version of the scheme: {@code v1,} and base64. */
    String sign(String id, long timestamp, byte[] body) {
        try {
            Mac mac = Mac.getInstance(ALGORITHM);
            mac.init(key);
            mac.update((id + "." + timestamp + ".").getBytes(StandardCharsets.UTF_8));
            return "v1," + Base64.getEncoder().encodeToString(mac.doFinal(body));
        } catch (NoSuchAlgorithmException | InvalidKeyException e) {
            throw new IllegalStateException("Every Java has " + ALGORITHM, e);
        }
    }

    @Override
    public String toString() {
        return PREFIX + "…";
    }
}
