package io.conveyor.web;

import jakarta.servlet.http.HttpServletRequest;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import org.springframework.http.MediaType;

/** What the Content-Type of a request says about its body. */
public enum BodyType {
    /** One JSON document. */
    JSON,

    /** One JSON value a line. */
    NDJSON,

    /** Nothing is said, as by {@code curl -T}: the first byte must tell. */
    UNDECLARED;

    /** The names under which NDJSON comes; the first is the one that is answered with. */
    public static final List<String> NDJSON_NAMES = List.of(
            MediaType.APPLICATION_NDJSON_VALUE, "application/jsonl", "application/ndjson", "application/x-jsonlines");

    /**
     * The type of the body of this request; reads the header only.
     *
     * @param supported what the endpoint reads, for the refusal
     * @throws ApiException 415 if the type is none of these, cannot be read, or names a charset other than UTF-8
     */
    public static BodyType of(HttpServletRequest request, List<MediaType> supported) {
        String header = request.getContentType();
        if (header == null || header.isBlank()) {
            return UNDECLARED;
        }
        MediaType type = parse(header, supported);
        BodyType found = of(type, supported);
        Charset charset = type.getCharset();
        if (charset != null && !charset.equals(StandardCharsets.UTF_8)) {
            throw ApiException.unsupportedMediaType(
                    "The body must be UTF-8, not " + charset.name() + "; leave the charset out.", supported);
        }
        return found;
    }

    private static BodyType of(MediaType type, List<MediaType> supported) {
        String name = type.getType() + "/" + type.getSubtype();
        if (name.equals(MediaType.APPLICATION_JSON_VALUE)) {
            return JSON;
        }
        if (name.equals(MediaType.APPLICATION_OCTET_STREAM_VALUE)) {
            return UNDECLARED;
        }
        if (NDJSON_NAMES.contains(name)) {
            return NDJSON;
        }
        String hint = name.equals(MediaType.APPLICATION_FORM_URLENCODED_VALUE)
                ? "This declares a form, as `curl -d` does. Send JSON: curl --json @jobs.json URL"
                : "A body of type " + Texts.excerpt(name) + " is not read here.";
        throw ApiException.unsupportedMediaType(hint, supported);
    }

    /** Also an unknown charset makes the header unreadable. */
    private static MediaType parse(String header, List<MediaType> supported) {
        try {
            return MediaType.parseMediaType(header.toLowerCase(Locale.ROOT));
        } catch (IllegalArgumentException e) {
            throw ApiException.unsupportedMediaType(
                    "The Content-Type '" + Texts.excerpt(header) + "' cannot be read.", supported);
        }
    }
}
