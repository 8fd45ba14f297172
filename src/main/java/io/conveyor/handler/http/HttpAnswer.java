package io.conveyor.handler.http;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import io.conveyor.handler.RawJson;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.InvalidMediaTypeException;
import org.springframework.http.MediaType;

/**
 * An answer as the job's client gets it.
 *
 * @param status the status code, 100 to 999
 * @param headers by lower-case name, values of one name joined by a comma
 * @param body a JSON value or a text; null when empty or not text
 * @param base64 the body when it is not text
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
record HttpAnswer(
        int status,
        Map<String, String> headers,
        @Nullable Object body,
        @JsonProperty("body_base64") byte @Nullable [] base64) {

    /** Credentials between the server and this service; no business of whoever reads results. */
    private static final Set<String> LEFT_OUT = Set.of("set-cookie", "set-cookie2");

    static HttpAnswer of(int status, HttpHeaders headers, byte[] bytes) {
        Map<String, String> plain = new TreeMap<>();
        headers.forEach((name, values) -> {
            String lower = name.toLowerCase(Locale.ROOT);
            if (!LEFT_OUT.contains(lower)) {
                plain.put(lower, String.join(", ", values));
            }
        });
        if (bytes.length == 0) {
            return new HttpAnswer(status, plain, null, null);
        }
        Optional<MediaType> type = typeOf(headers);
        String text = decode(bytes, type);
        if (text == null) {
            return new HttpAnswer(status, plain, null, bytes);
        }
        Optional<RawJson> json = type.filter(HttpAnswer::isJson).flatMap(t -> RawJson.of(text));
        return new HttpAnswer(status, plain, json.isPresent() ? json.get() : text, null);
    }

    private static Optional<MediaType> typeOf(HttpHeaders headers) {
        try {
            return Optional.ofNullable(headers.getContentType());
        } catch (InvalidMediaTypeException e) {
            return Optional.empty();
        }
    }

    private static boolean isJson(MediaType type) {
        return type.getSubtype().equalsIgnoreCase("json")
                || type.getSubtype().toLowerCase(Locale.ROOT).endsWith("+json");
    }

    /** The text, or null for bytes that are none: malformed, or with NUL, which no text has. */
    private static @Nullable String decode(byte[] bytes, Optional<MediaType> type) {
        try {
            Charset charset = type.map(MediaType::getCharset).orElse(StandardCharsets.UTF_8);
            String text = charset.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
            if (text.indexOf('\0') >= 0) {
                return null;
            }
            return text.startsWith("\uFEFF") ? text.substring(1) : text;
        } catch (CharacterCodingException | IllegalArgumentException e) {
            return null;
        }
    }
}
