package io.conveyor.web;

import jakarta.servlet.RequestDispatcher;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;
import tools.jackson.databind.json.JsonMapper;

/**
 * The one place where a problem becomes bytes: always {@code application/problem+json}, whatever the request accepts.
 * Takes back what a failed handler had prepared. Safe for use by many threads.
 */
final class ProblemWriter {

    /** Headers that describe the answer which is not sent. */
    private static final List<String> OF_THE_ANSWER = List.of(
            HttpHeaders.ETAG,
            HttpHeaders.LAST_MODIFIED,
            HttpHeaders.LOCATION,
            HttpHeaders.CONTENT_DISPOSITION,
            HttpHeaders.CONTENT_ENCODING);

    /** Own, not the application's: what an answer to an error looks like must not depend on its configuration. */
    private static final JsonMapper MAPPER = new JsonMapper();

    private ProblemWriter() {}

    /** Answers with the problem. Call only while the response is not committed. */
    static void write(HttpServletRequest request, HttpServletResponse response, ApiException problem)
            throws IOException {
        response.resetBuffer();
        OF_THE_ANSWER.forEach(name -> response.setHeader(name, null));
        byte[] body = MAPPER.writeValueAsBytes(ProblemBody.of(problem, instance(request)));
        response.setStatus(problem.status());
        response.setHeader(HttpHeaders.CACHE_CONTROL, "no-store");
        problem.headers().forEach(response::setHeader);
        response.setContentType(MediaType.APPLICATION_PROBLEM_JSON_VALUE);
        response.setContentLength(body.length);
        response.getOutputStream().write(body);
        response.flushBuffer();
    }

    /** The path as the client sent it, if it is a URI reference at all. */
    private static @Nullable String instance(HttpServletRequest request) {
        Object original = request.getAttribute(RequestDispatcher.ERROR_REQUEST_URI);
        String path = original instanceof String s ? s : request.getRequestURI();
        if (path == null || path.isEmpty()) {
            return null;
        }
        try {
            return new URI(path).getRawPath();
        } catch (URISyntaxException e) {
            return null;
        }
    }
}
