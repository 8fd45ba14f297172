package io.conveyor.web;

import jakarta.servlet.http.HttpServletRequest;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.springframework.util.MimeTypeUtils;

/**
 * What the {@code Prefer} headers of a request ask for (RFC 7240), as far as this service knows it. A preference is no
 * demand: unknown ones, and those that cannot be read, are ignored. Of a repeated one the first counts.
 *
 * @param waitSeconds how long the client is willing to wait, not negative; not yet capped
 * @param respondAsync whether the client wants its answer as soon as the work is accepted
 */
public record Preferences(OptionalInt waitSeconds, boolean respondAsync) {

    /** Seconds, up to about thirty years: more digits than that are no honest wish. */
    private static final Pattern SECONDS = Pattern.compile("[0-9]{1,9}");

    /** The preferences of a request; never fails. */
    public static Preferences of(HttpServletRequest request) {
        return of(Collections.list(request.getHeaders("Prefer")));
    }

    static Preferences of(List<String> headers) {
        Map<String, String> first = new HashMap<>();
        for (String header : headers) {
            for (String preference : MimeTypeUtils.tokenize(header)) {
                String[] sides = preference.split("[=;]", 2);
                String name = sides[0].trim().toLowerCase(Locale.ROOT);
                first.putIfAbsent(name, valueOf(preference));
            }
        }
        return new Preferences(seconds(first.get("wait")), first.containsKey("respond-async"));
    }

    /** What stands after the equals sign, without quotes and without the preference's own parameters. */
    private static String valueOf(String preference) {
        int equals = preference.indexOf('=');
        int semicolon = preference.indexOf(';');
        if (equals < 0 || (semicolon >= 0 && semicolon < equals)) {
            return "";
        }
        String rest = preference.substring(equals + 1).trim();
        if (!rest.startsWith("\"")) {
            return rest.split(";", 2)[0].trim();
        }
        int end = rest.indexOf('"', 1);
        return end < 0 ? "" : rest.substring(1, end);
    }

    private static OptionalInt seconds(@Nullable String value) {
        return value != null && SECONDS.matcher(value).matches()
                ? OptionalInt.of(Integer.parseInt(value))
                : OptionalInt.empty();
    }
}
