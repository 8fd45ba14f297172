package io.conveyor.batch;

import io.conveyor.web.ApiException;
import jakarta.servlet.http.HttpServletRequest;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The keys of the submissions that are arriving now. Of two requests with one key at the same time the second is refused
 * until the first has ended, and then finds in the store what came of it. Thread-safe.
 */
final class IdempotencyKeys {

    static final String HEADER = "Idempotency-Key";

    /** Seconds after which the second of two requests may ask again. */
    private static final int RETRY = 1;

    private static final int MAX_LENGTH = 255;

    private final Set<Arriving> arriving = ConcurrentHashMap.newKeySet();

    private record Arriving(String tenant, String key) {}

    /** A key that is being used; closing it lets the next one in. */
    interface Use extends AutoCloseable {
        @Override
        void close();
    }

    /**
     * The key of a request, or null if it has none.
     *
     * @throws ApiException if it is no key, or there are several
     */
    static @Nullable String of(HttpServletRequest request) {
        List<String> values = Collections.list(request.getHeaders(HEADER));
        if (values.isEmpty()) {
            return null;
        }
        if (values.size() > 1) {
            throw ApiException.idempotencyKeyInvalid("There are " + values.size() + " Idempotency-Keys; send one.");
        }
        String text = values.get(0).trim();
        String key = text.startsWith("\"") ? unquoted(text) : text;
        if (key.isEmpty() || key.length() > MAX_LENGTH || !isPrintable(key)) {
            throw ApiException.idempotencyKeyInvalid("An Idempotency-Key has 1 to " + MAX_LENGTH
                    + " printable characters of ASCII, bare or in quotation marks. Use a UUID, such as $(uuidgen).");
        }
        return key;
    }

    /** The content of a string of RFC 8941, section 3.3.3; empty if it is none. */
    private static String unquoted(String text) {
        StringBuilder content = new StringBuilder();
        for (int i = 1; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '"') {
                return i == text.length() - 1 ? content.toString() : "";
            }
            if (c == '\\') {
                i++;
                if (i == text.length() || (text.charAt(i) != '"' && text.charAt(i) != '\\')) {
                    return "";
                }
            }
            content.append(text.charAt(i));
        }
        return "";
    }

    private static boolean isPrintable(String key) {
        return key.chars().allMatch(c -> c >= ' ' && c <= '~');
    }

    /**
     * Begins to use a key.
     *
     * @throws ApiException if another request is using it now
     */
    Use use(String tenant, String key) {
        Arriving mine = new Arriving(tenant, key);
        if (!arriving.add(mine)) {
            throw ApiException.idempotencyKeyInFlight(RETRY);
        }
        return () -> arriving.remove(mine);
    }
}
