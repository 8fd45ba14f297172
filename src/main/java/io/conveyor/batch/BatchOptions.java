package io.conveyor.batch;

import io.conveyor.job.BatchRules;
import io.conveyor.web.ApiException;
import io.conveyor.web.Texts;
import io.conveyor.web.Violation;
import jakarta.servlet.http.HttpServletRequest;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonToken;

/**
 * What the query string of a submission says of the batch.
 *
 * @param envelope the envelope of a body that has none
 * @param immediately whether the batch starts with its first line
 */
record BatchOptions(Envelope envelope, boolean immediately) {

    static final String START = "start";
    static final String ORDER = "order";
    private static final String IMMEDIATELY = "immediately";
    private static final String COMPLETE = "complete";

    /** Nothing is said. */
    static final BatchOptions NONE = new BatchOptions(Envelope.NONE, false);

    /**
     * What this request says.
     *
     * @param followers makes what reads the description of what is to come after the end of the batch
     */
    static BatchOptions of(HttpServletRequest request, int maxMetadata, Supplier<FollowerReader> followers) {
        if (request.getQueryString() == null) {
            return NONE;
        }
        Envelope envelope = new Envelope(
                name(request.getParameter(Envelope.NAME)),
                metadata(request.getParameter(Envelope.METADATA), maxMetadata),
                rules(request),
                followers(request, followers));
        return new BatchOptions(envelope, immediately(request.getParameter(START)));
    }

    private static Followers followers(HttpServletRequest request, Supplier<FollowerReader> reader) {
        String then = request.getParameter(Envelope.THEN);
        String callback = request.getParameter(Envelope.CALLBACK);
        return then == null && callback == null ? Followers.NONE : reader.get().ofParameters(then, callback);
    }

    private static BatchRules rules(HttpServletRequest request) {
        return new BatchRules(
                number(request, Envelope.TIMEOUT, JobReader.MAX_TIMEOUT_MILLIS),
                (int) number(request, Envelope.MAX_ATTEMPTS, BatchRules.MAX_ATTEMPTS),
                (int) number(request, Envelope.MAX_CONCURRENCY, BatchRules.MAX_CONCURRENCY),
                number(request, Envelope.DEADLINE, BatchRules.MAX_DEADLINE_MILLIS),
                OnErrorReader.ofParameter(Envelope.ON_ERROR, request.getParameter(Envelope.ON_ERROR)));
    }

    private static long number(HttpServletRequest request, String name, long max) {
        return Parameters.number(name, request.getParameter(name), 1, max, 0);
    }

    private static @Nullable String name(@Nullable String text) {
        int length = text == null ? 1 : text.codePointCount(0, text.length());
        if (length < 1 || length > BatchParser.MAX_NAME) {
            throw ApiException.invalidParameter(
                    Envelope.NAME,
                    "The name has " + length + " characters; 1 to " + BatchParser.MAX_NAME + " are allowed.");
        }
        return text;
    }

    /** Whether a request asks for a start with the first line; known before anything else of it. */
    static boolean isImmediate(HttpServletRequest request) {
        return IMMEDIATELY.equals(request.getParameter(START));
    }

    private static boolean immediately(@Nullable String text) {
        if (text == null || text.equals(COMPLETE)) {
            return false;
        }
        if (text.equals(IMMEDIATELY)) {
            return true;
        }
        throw ApiException.invalidParameter(
                START,
                "A batch starts when its upload is complete (" + COMPLETE + ") or with the first line (" + IMMEDIATELY
                        + "), not '" + Texts.excerpt(text) + "'.",
                List.of(COMPLETE, IMMEDIATELY));
    }

    private static byte @Nullable [] metadata(@Nullable String text, int max) {
        if (text == null) {
            return null;
        }
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        Violations violations = new Violations();
        try (JsonBody body = new JsonBody(JsonBody.factory(), new ByteArrayInputStream(bytes), max, violations)) {
            JsonToken first = body.next();
            byte[] raw = first == null ? null : body.raw();
            if (raw != null && body.next() == null) {
                return raw;
            }
        } catch (JacksonException | ApiException | IOException e) {
            // The answer is the same: no JSON value.
        }
        throw ApiException.invalidParameter(
                Envelope.METADATA,
                "The metadata must be one JSON value of at most " + max + " bytes, in percent escapes.");
    }

    /** The envelope with what that of the body says; nothing may be said twice. */
    Envelope with(Envelope inBody) {
        Set<String> inBoth = new TreeSet<>(envelope.said().keySet());
        if (!inBoth.isEmpty()) {
            inBoth.retainAll(inBody.said().keySet());
            inBoth.stream().findFirst().ifPresent(BatchOptions::refuseTwice);
        }
        return envelope.or(inBody);
    }

    private static void refuseTwice(String field) {
        throw ApiException.validationFailed(List.of(new Violation(
                "/" + field,
                "duplicate-field",
                "The query string has '" + field + "' as well; say it in one of the two places.")));
    }

    /** What of this makes another request of the same body: a line for each option, in a fixed order; empty for none. */
    String canonical() {
        Map<String, String> said = envelope.said();
        if (immediately) {
            said.put(START, IMMEDIATELY);
        }
        StringBuilder text = new StringBuilder();
        said.forEach(
                (option, value) -> text.append(option).append('=').append(value).append('\n'));
        return text.toString();
    }
}
