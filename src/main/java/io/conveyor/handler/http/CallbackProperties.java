package io.conveyor.handler.http;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * The secrets that callbacks are signed with. Never shows them.
 *
 * @param secret what signs callbacks that name no secret: {@code whsec_} and base64 of 24 to 64 random bytes; two while
 *     receivers change from one to the other. Without it such callbacks are refused
 * @param secrets the same, for callbacks that name this secret ({@code secret_name}): 1 to 64 characters of a-z, 0-9, '-', starting with a
 *     letter
 */
@ConfigurationProperties("conveyor.callback")
public record CallbackProperties(
        @DefaultValue List<String> secret, @DefaultValue Map<String, List<String>> secrets) {

    private static final String KEY = "conveyor.callback.secret";
    private static final Pattern NAME = Pattern.compile("[a-z][a-z0-9-]{0,63}");
    private static final int MOST = 2;

    public CallbackProperties {
        secret = List.copyOf(secret);
        secrets = new TreeMap<>(secrets);
        parse(KEY, secret);
        secrets.forEach((name, texts) -> {
            if (!NAME.matcher(name).matches()) {
                throw new IllegalArgumentException(
                        "conveyor.callback.secrets has a name that is none: 1 to 64 of a-z, 0-9 and '-', a letter first");
            }
            if (texts.isEmpty()) {
                throw new IllegalArgumentException(KEY + "s." + name + " has no secret");
            }
            parse(KEY + "s." + name, texts);
        });
    }

    private static List<WebhookSecret> parse(String key, List<String> texts) {
        if (texts.size() > MOST) {
            throw new IllegalArgumentException(
                    key + " has " + texts.size() + " secrets; at most two are active at once");
        }
        List<WebhookSecret> parsed = new ArrayList<>();
        texts.forEach(text -> parsed.add(WebhookSecret.parse(key, text)));
        return parsed;
    }

    /** What signs callbacks that name no secret; may be none. */
    List<WebhookSecret> unnamed() {
        return parse(KEY, secret);
    }

    /** What signs callbacks by the name of the secret. */
    Map<String, List<WebhookSecret>> named() {
        Map<String, List<WebhookSecret>> named = new TreeMap<>();
        secrets.forEach((name, texts) -> named.put(name, parse(KEY + "s." + name, texts)));
        return named;
    }

    @Override
    public String toString() {
        return "CallbackProperties[" + secret.size() + " without a name, and named " + secrets.keySet() + "]";
    }
}
