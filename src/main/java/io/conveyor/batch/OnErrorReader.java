package io.conveyor.batch;

import io.conveyor.job.OnError;
import io.conveyor.web.ApiException;
import io.conveyor.web.Texts;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonToken;

/** Reads the rule of what failed jobs mean for the others, from a body or from the query string. Keeps nothing. */
final class OnErrorReader {

    private static final String CHOICE =
            "\"continue\", \"cancel_rest\", {\"tolerate\": 10} or {\"tolerate_percent\": 5}";
    private static final List<String> WORDS =
            List.of(OnError.Rule.CONTINUE.wireName(), OnError.Rule.CANCEL_REST.wireName());
    private static final List<String> FIELDS =
            List.of(OnError.Rule.TOLERATE.wireName(), OnError.Rule.TOLERATE_PERCENT.wireName());

    private OnErrorReader() {}

    /** The rule that stands here, or null if none does, which is noted. */
    static @Nullable OnError read(JsonBody body, String pointer) {
        if (body.at(JsonToken.START_OBJECT)) {
            return object(body, pointer);
        }
        if (!body.at(JsonToken.VALUE_STRING)) {
            body.wrongType(pointer, CHOICE);
            return null;
        }
        String word = body.text(() -> pointer, BatchParser.MAX_NAME);
        if (word == null) {
            return null;
        }
        Optional<OnError> known = word(word);
        if (known.isEmpty()) {
            body.violate(pointer, "invalid-value", unknown(word));
        }
        return known.orElse(null);
    }

    private static Optional<OnError> word(String word) {
        return WORDS.contains(word) ? Optional.of(OnError.ofText(word)) : Optional.empty();
    }

    private static String unknown(String word) {
        return "There is no rule '" + Texts.excerpt(word) + "' for failed jobs; it may be " + CHOICE + "."
                + Suggestion.didYouMean(word, WORDS);
    }

    private static @Nullable OnError object(JsonBody body, String pointer) {
        OnError found = null;
        int fields = 0;
        while (body.nextInside() == JsonToken.PROPERTY_NAME) {
            String field = body.name();
            String place = body.pointer(pointer);
            body.nextInside();
            fields++;
            if (!FIELDS.contains(field)) {
                body.unknownField(place, "A rule for failed jobs", FIELDS);
            } else {
                found = rule(body, field, place);
            }
        }
        if (fields != 1) {
            body.violate(
                    pointer,
                    "invalid-value",
                    "This object has " + fields + " fields; it must have one of tolerate and tolerate_percent.");
        }
        return found;
    }

    private static @Nullable OnError rule(JsonBody body, String field, String place) {
        OnError.Rule rule = Arrays.stream(OnError.Rule.values())
                .filter(each -> each.wireName().equals(field))
                .findFirst()
                .orElseThrow();
        long limit = body.integer(() -> place, 0, rule.maxLimit());
        return new OnError(rule, (int) limit);
    }

    /** The rule in the query string: a word as it is, or an object in JSON; null if there is none. */
    static @Nullable OnError ofParameter(String name, @Nullable String text) {
        if (text == null) {
            return null;
        }
        if (!text.startsWith("{")) {
            return word(text).orElseThrow(() -> ApiException.invalidParameter(name, unknown(text)));
        }
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        Violations violations = new Violations();
        String detail = "it is no JSON.";
        try (JsonBody body =
                new JsonBody(JsonBody.factory(), new ByteArrayInputStream(bytes), bytes.length, violations)) {
            body.next();
            OnError read = read(body, "");
            if (violations.isEmpty() && body.next() == null) {
                return read;
            }
            detail = violations.isEmpty() ? detail : violations.found().get(0).detail();
        } catch (JacksonException | ApiException | IOException e) {
            // The answer is the same: no JSON value.
        }
        throw ApiException.invalidParameter(
                name,
                "Parameter '" + name + "' is '" + Texts.excerpt(text) + "'; it may be continue, cancel_rest, or"
                        + " {\"tolerate\": 10} or {\"tolerate_percent\": 5} in percent escapes: " + detail);
    }
}
