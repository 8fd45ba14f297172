package io.conveyor.web;

import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.TokenStreamLocation;
import tools.jackson.core.exc.StreamConstraintsException;
import tools.jackson.core.exc.StreamReadException;
import tools.jackson.databind.DatabindException;
import tools.jackson.databind.exc.MismatchedInputException;
import tools.jackson.databind.exc.UnrecognizedPropertyException;

/**
 * Puts what Jackson found wrong with a request body into the words of the contract: not JSON is {@code malformed-json}
 * with line and column, JSON of the wrong shape is {@code validation-failed} with a pointer. Never shows the name of a
 * class. To be used on what was read from a client only: the same exception elsewhere is a fault of ours.
 */
public final class JsonProblems {

    /** How Jackson points to another place in a message: it names options of its own, and rarely the place. */
    private static final Pattern ELSEWHERE = Pattern.compile("\\s*\\(start marker at \\[Source:[^\\]]*\\]\\)");

    /** How Jackson begins to say that something follows the document; it has no exception of its own for it. */
    private static final String TRAILING = "Trailing token";

    private JsonProblems() {}

    /** The answer for what Jackson met in a body. */
    public static ApiException of(JacksonException e) {
        String said = String.valueOf(e.getOriginalMessage());
        boolean trailing = said.startsWith(TRAILING);
        if (!trailing && !(e instanceof StreamReadException)) {
            return ApiException.validationFailed(List.of(violation(e)));
        }
        String detail = trailing
                ? "Something follows after the end of the JSON document."
                : ELSEWHERE.matcher(said).replaceAll("") + ".";
        TokenStreamLocation at = e.getLocation();
        return at == null
                ? ApiException.malformedJson(detail, 0, 0)
                : ApiException.malformedJson(detail, at.getLineNr(), at.getColumnNr());
    }

    /** What is wrong, as an entry of {@code errors}, for callers that collect several. */
    static Violation violation(JacksonException e) {
        String pointer = pointer(e.getPath());
        if (e instanceof StreamConstraintsException) {
            return new Violation(pointer, "too-complex", "The JSON is nested too deeply or has too long a value.");
        }
        if (e instanceof UnrecognizedPropertyException unknown) {
            List<String> known = names(unknown.getKnownPropertyIds());
            String detail = "There is no field '" + Texts.excerpt(unknown.getPropertyName()) + "' here"
                    + (known.isEmpty() ? "." : "; there are " + String.join(", ", known) + ".");
            return new Violation(pointer, "unknown-field", detail);
        }
        if (e instanceof MismatchedInputException mismatch && mismatch.getTargetType() != null) {
            String expected = nameOf(mismatch.getTargetType());
            return new Violation(pointer, "wrong-type", "This must be " + expected + ".", Map.of("expected", expected));
        }
        // A record that refuses its values says why in words that are ours; anything else stays unsaid.
        String reason = e instanceof DatabindException && e.getCause() instanceof IllegalArgumentException refused
                ? refused.getMessage()
                : null;
        return new Violation(pointer, "invalid-value", reason == null ? "This value cannot be used." : reason);
    }

    private static String pointer(List<JacksonException.Reference> path) {
        StringBuilder pointer = new StringBuilder();
        for (JacksonException.Reference step : path) {
            String name = step.getPropertyName();
            pointer.append('/')
                    .append(
                            name == null
                                    ? Integer.toString(step.getIndex())
                                    : name.replace("~", "~0").replace("/", "~1"));
        }
        return pointer.toString();
    }

    private static List<String> names(@Nullable Collection<Object> ids) {
        return ids == null
                ? List.of()
                : ids.stream()
                        .map(Object::toString)
                        .sorted(Comparator.naturalOrder())
                        .toList();
    }

    private static String nameOf(Class<?> type) {
        if (type == String.class || type.isEnum()) {
            return "a string";
        }
        if (type == boolean.class || type == Boolean.class) {
            return "true or false";
        }
        if (type.isPrimitive() || Number.class.isAssignableFrom(type)) {
            return type == double.class || type == Double.class ? "a number" : "an integer";
        }
        return type.isArray() || Collection.class.isAssignableFrom(type) ? "an array" : "an object";
    }
}
