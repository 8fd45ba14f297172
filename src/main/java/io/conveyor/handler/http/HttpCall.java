package io.conveyor.handler.http;

import io.conveyor.handler.JobFailure;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpMethod;

/**
 * One request that may be sent: all rules but the one on its address have been kept.
 *
 * @param body null for a request without one
 */
record HttpCall(HttpMethod method, URI uri, HttpHeaders headers, byte @Nullable [] body) {

    private static final Set<Integer> REDIRECTS = Set.of(301, 302, 303, 307, 308);

    /** What another host may see; anything else may be a credential. */
    private static final Set<String> SENT_ON = Set.of("accept", "accept-language", "content-type", "user-agent");

    /**
     * The call that the answer sends us on to, if it is a redirect.
     *
     * @throws JobFailure when it leads where no call may go
     */
    Optional<HttpCall> redirected(int status, @Nullable String location) throws JobFailure {
        if (!REDIRECTS.contains(status) || location == null) {
            return Optional.empty();
        }
        URI target = target(location);
        boolean asGet = becomesGet(status);
        HttpHeaders kept = new HttpHeaders();
        headers.forEach((name, values) -> {
            if (isKept(name.toLowerCase(Locale.ROOT), HttpUrl.sameOrigin(uri, target), asGet)) {
                kept.addAll(name, values);
            }
        });
        return Optional.of(new HttpCall(asGet ? HttpMethod.GET : method, target, kept, asGet ? null : body));
    }

    /** As browsers do, and RFC 9110, section 15.4 allows. */
    private boolean becomesGet(int status) {
        return status == 303 ? !method.equals(HttpMethod.HEAD) : status < 303 && method.equals(HttpMethod.POST);
    }

    private URI target(String location) throws JobFailure {
        String fault;
        try {
            URI target = uri.resolve(new URI(location));
            fault = HttpUrl.fault(target).orElse(null);
            if (fault == null) {
                return target;
            }
        } catch (URISyntaxException e) {
            fault = "It is not a URL.";
        }
        throw JobFailure.of(HttpUrl.place(uri) + " redirects to a place that is not followed: " + fault);
    }

    private static boolean isKept(String name, boolean sameOrigin, boolean asGet) {
        return (sameOrigin || SENT_ON.contains(name)) && !(asGet && name.startsWith("content-"));
    }
}
