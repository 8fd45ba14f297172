package io.conveyor.batch;

import io.conveyor.web.ApiException;
import io.conveyor.web.Texts;
import io.conveyor.web.Violation;
import java.io.IOException;
import java.io.InputStream;
import java.util.Collection;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.TokenStreamFactory;
import tools.jackson.core.TokenStreamLocation;
import tools.jackson.core.json.JsonFactory;

/**
 * A JSON body read token by token, with values to be had as raw bytes, and with checks that collect what is wrong under
 * a JSON pointer instead of stopping at it. Only text that is no JSON stops it, with line and column. Not thread-safe.
 */
final class JsonBody implements AutoCloseable {

    /** Bytes or characters of one string or number, 1 MiB: nothing larger fits into a job of the default size. */
    static final int MAX_TOKEN = 1024 * 1024;

    static final int MAX_DEPTH = 64;

    /** Every number of so many characters is a long; longer ones are out of every range, and not even converted. */
    private static final int LONG_DIGITS = 18;

    /** What Jackson adds to its messages for Java programmers. */
    private static final Pattern JARGON = Pattern.compile(
            "\\s*\\((?:start marker at|for \\w+ starting at)[^)]*\\[Source:[^\\]]*\\]\\)|: enable `.*|\\s*\\[Source:[^\\]]*\\]");

    private final RawWindow window;
    private final JsonParser parser;
    private final Violations violations;
    private final int maxRaw;

    /** @param maxRaw bytes of the largest value that can be had raw */
    JsonBody(JsonFactory json, InputStream body, int maxRaw, Violations violations) {
        this.maxRaw = maxRaw;
        this.violations = violations;
        window = new RawWindow(body, maxRaw);
        parser = json.createParser(ObjectReadContext.empty(), window);
    }

    /** Makes parsers of plain JSON in UTF-8, whose limits keep a hostile body from costing more than its bytes. */
    static JsonFactory factory() {
        return JsonFactory.builder()
                .disable(TokenStreamFactory.Feature.CHARSET_DETECTION)
                .disable(TokenStreamFactory.Feature.INTERN_PROPERTY_NAMES)
                .streamReadConstraints(StreamReadConstraints.builder()
                        .maxNestingDepth(MAX_DEPTH)
                        .maxStringLength(MAX_TOKEN)
                        .maxNumberLength(MAX_TOKEN)
                        .build())
                .build();
    }

    @Nullable
    JsonToken next() {
        return parser.nextToken();
    }

    /** The next token, which exists because an array or object is open. */
    JsonToken nextInside() {
        JsonToken token = parser.nextToken();
        return token == null ? JsonToken.NOT_AVAILABLE : token;
    }

    /** Whether that token stands here. */
    boolean at(JsonToken token) {
        return parser.currentToken() == token;
    }

    /** Name of the field that stands here or whose value does. */
    String name() {
        String name = parser.currentName();
        return name == null ? "" : name;
    }

    /** Begins anew with what is kept: the value that stands here can be had raw, with what is in it. */
    void keepFromHere() {
        window.markFrom(start());
    }

    /** Offset of the first byte of the token that stands here. */
    long start() {
        return parser.currentTokenLocation().getByteOffset();
    }

    /** Offset behind the last byte read as a token. */
    long end() {
        return parser.currentLocation().getByteOffset();
    }

    /** Passes over the value that stands here. */
    void skip() {
        parser.skipChildren();
    }

    /**
     * Passes over the value that stands here and returns its bytes as they were sent, save that line breaks between its
     * tokens have become spaces, because it will be part of one line of NDJSON. Inside a string JSON allows none.
     *
     * @return null if it is larger than can be had raw
     */
    byte @Nullable [] raw() {
        long start = start();
        parser.skipChildren();
        parser.finishToken();
        long end = end();
        byte[] raw = end - start > maxRaw ? null : window.copy(start, end);
        if (raw != null) {
            for (int i = 0; i < raw.length; i++) {
                if (raw[i] == '\n' || raw[i] == '\r') {
                    raw[i] = ' ';
                }
            }
        }
        return raw;
    }

    /** The text that stands here, or null if it is none or has not 1 to that many characters. */
    @Nullable
    String text(Supplier<String> pointer, int maxLength) {
        if (parser.currentToken() != JsonToken.VALUE_STRING) {
            wrongType(pointer.get(), "a string");
            return null;
        }
        String text = parser.getString();
        if (text.codePoints().anyMatch(c -> c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE)) {
            violate(pointer.get(), "invalid-value", "An escape of half a character (a lone surrogate) is no text.");
            return null;
        }
        int length = text.codePointCount(0, text.length());
        if (length < 1 || length > maxLength) {
            violate(
                    pointer.get(),
                    "invalid-length",
                    "This has " + length + " characters; 1 to " + maxLength + " are allowed.");
            return null;
        }
        return text;
    }

    /** The integer that stands here, or 0 if it is none or not in the range, which begins above 0. */
    long integer(Supplier<String> pointer, long min, long max) {
        if (parser.currentToken() != JsonToken.VALUE_NUMBER_INT) {
            wrongType(pointer.get(), "an integer");
            return 0;
        }
        boolean tooLong = parser.getStringLength() > LONG_DIGITS;
        long value = tooLong ? 0 : parser.getLongValue();
        if (value < min || value > max) {
            violate(pointer.get(), "out-of-range", "This must be from " + min + " to " + max + ".");
            return 0;
        }
        return value;
    }

    /** Says that another type should stand here, and passes over what does. */
    void wrongType(String pointer, String expected) {
        violate(pointer, "wrong-type", "Here stands " + described() + "; it must be " + expected + ".");
        skip();
    }

    /** Says that the field that stands here is none of those known, and passes over its value. */
    void unknownField(String pointer, String owner, Collection<String> known) {
        String name = Texts.excerpt(name());
        String guess = Suggestion.didYouMean(name, known);
        violate(
                pointer,
                "unknown-field",
                owner + " has no field '" + name + "'."
                        + (guess.isEmpty() ? " It may have " + String.join(", ", known) + "." : guess));
        skip();
    }

    /** Says that the field that stands here was there before, and passes over its value. */
    void duplicateField(String pointer) {
        violate(pointer, "duplicate-field", "The field '" + name() + "' stands here twice; remove one.");
        skip();
    }

    void violate(String pointer, String code, String detail) {
        violations.add(new Violation(pointer, code, detail));
    }

    /** A pointer one step below the given one, to the field that stands here. */
    String pointer(String parent) {
        return parent + "/" + Texts.excerpt(name()).replace("~", "~0").replace("/", "~1");
    }

    private String described() {
        JsonToken token = parser.currentToken();
        if (token == null) {
            return "nothing";
        }
        return switch (token) {
            case START_OBJECT -> "an object";
            case START_ARRAY -> "an array";
            case VALUE_STRING -> "a string";
            case VALUE_NUMBER_INT -> "an integer";
            case VALUE_NUMBER_FLOAT -> "a number with a fraction or an exponent";
            case VALUE_TRUE, VALUE_FALSE -> "true or false";
            case VALUE_NULL -> "null";
            case END_OBJECT, END_ARRAY, PROPERTY_NAME, VALUE_EMBEDDED_OBJECT, NOT_AVAILABLE -> "nothing";
        };
    }

    /** The answer for a body that breaks off being JSON at the token that stands here. */
    ApiException malformed(String detail, long offset) {
        RawWindow.Place place = window.place(offset);
        return ApiException.malformedJson(detail, place.line(), place.column());
    }

    /** The answer for what the parser could not read. */
    ApiException malformed(JacksonException e) {
        TokenStreamLocation at = e.getLocation();
        String said = e.getOriginalMessage();
        String sentence =
                said == null ? "This is not JSON" : JARGON.matcher(said).replaceAll("");
        return malformed(sentence.endsWith(".") ? sentence : sentence + ".", at == null ? end() : at.getByteOffset());
    }

    /** SHA-256 of the whole body; once, after its end. */
    byte[] digest() {
        return window.digest();
    }

    @Override
    public void close() throws IOException {
        parser.close();
    }
}
