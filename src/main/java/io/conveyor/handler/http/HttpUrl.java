package io.conveyor.handler.http;

import io.conveyor.handler.JobFailure;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The rules on a URL that hold before its host is looked up; for a client's URL and for each redirect alike. */
final class HttpUrl {

    private static final Pattern ENDS_IN_A_NUMBER = Pattern.compile("(.*\\.)?([0-9]+|0[xX][0-9a-fA-F]*)\\.?");
    private static final Pattern FOUR_NUMBERS = Pattern.compile("(0|[1-9][0-9]*)(\\.(0|[1-9][0-9]*)){3}");

    private HttpUrl() {}

    /** The URL of a client's job. */
    static URI parse(String url) throws JobFailure {
        URI uri;
        try {
            uri = new URI(url);
        } catch (URISyntaxException e) {
            throw JobFailure.invalid(
                    "/input/url", "This is not a URL; percent-encode spaces and other special characters.");
        }
        Optional<String> fault = fault(uri);
        if (fault.isPresent()) {
            throw JobFailure.invalid("/input/url", fault.get());
        }
        return uri;
    }

    /** What is wrong with it, as a sentence. */
    static Optional<String> fault(URI uri) {
        String scheme = uri.getScheme();
        if (!"http".equalsIgnoreCase(scheme) && !"https".equalsIgnoreCase(scheme)) {
            return Optional.of("The URL must start with http:// or https://.");
        }
        if (contains(uri.getRawAuthority(), '@')) {
            return Optional.of("The URL may not hold a user or password; send an Authorization header instead.");
        }
        if (uri.getHost() == null || isOddNumber(uri.getHost())) {
            return Optional.of("The URL needs a host: a name such as example.com, four decimal numbers, or [IPv6].");
        }
        if (uri.getPort() == 0 || uri.getPort() > 65_535) {
            return Optional.of("The port of the URL must be from 1 to 65535.");
        }
        return Optional.empty();
    }

    /** Whether both lead to the same scheme, host and port. */
    static boolean sameOrigin(URI a, URI b) {
        return a.getScheme().equalsIgnoreCase(b.getScheme())
                && a.getHost().equalsIgnoreCase(b.getHost())
                && port(a) == port(b);
    }

    /** The host with its port, for sentences. */
    static String place(URI uri) {
        return uri.getHost() + ":" + port(uri);
    }

    /** The same, one for all ways to write a host: in lower case, and without the dot that may end a name. */
    static String target(URI uri) {
        String host = uri.getHost().toLowerCase(Locale.ROOT);
        return (host.endsWith(".") ? host.substring(0, host.length() - 1) : host) + ":" + port(uri);
    }

    private static int port(URI uri) {
        if (uri.getPort() >= 0) {
            return uri.getPort();
        }
        return "https".equalsIgnoreCase(uri.getScheme()) ? 443 : 80;
    }

    /** Whether some resolver might take it for an IPv4 address although it is not written as one: 0x7f.1, 2130706433. */
    private static boolean isOddNumber(String host) {
        return ENDS_IN_A_NUMBER.matcher(host).matches()
                && !FOUR_NUMBERS.matcher(host).matches();
    }

    private static boolean contains(@Nullable String text, char c) {
        return text != null && text.indexOf(c) >= 0;
    }
}
