package io.conveyor.handler;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.JsonParser;
import tools.jackson.databind.DeserializationContext;
import tools.jackson.databind.SerializationContext;
import tools.jackson.databind.ValueDeserializer;
import tools.jackson.databind.ValueSerializer;
import tools.jackson.databind.annotation.JsonDeserialize;
import tools.jackson.databind.annotation.JsonSerialize;
import tools.jackson.databind.json.JsonMapper;

/**
 * One JSON value as text that nobody has interpreted: as a component of an input record it holds the client's own
 * characters, as a component of an output record it is written as it stands ({@code 1.10} stays {@code 1.10}).
 * Immutable.
 *
 * @param text one valid JSON value
 */
@JsonDeserialize(using = RawJson.Reader.class)
@JsonSerialize(using = RawJson.Writer.class)
public record RawJson(String text) {

    /** Only checks syntax, so it has Jackson's default limits (depth 500): the text is bounded by whoever read it. */
    private static final JsonMapper SYNTAX = JsonMapper.shared();

    /** The value, if the whole text is one valid JSON value. */
    public static Optional<RawJson> of(String text) {
        try (JsonParser parser = SYNTAX.createParser(text)) {
            if (parser.nextToken() == null) {
                return Optional.empty();
            }
            parser.skipChildren();
            parser.finishToken();
            return parser.nextToken() == null ? Optional.of(new RawJson(text)) : Optional.empty();
        } catch (JacksonException e) {
            return Optional.empty();
        }
    }

    /** The characters of a JSON string; null when this is another JSON value. */
    public @Nullable String asString() {
        return text.startsWith("\"") ? SYNTAX.readValue(text, String.class) : null;
    }

    /** What a program or server that takes text or JSON should get: the characters of a string, else the JSON. */
    public byte[] payload() {
        String string = asString();
        return (string == null ? text : string).getBytes(StandardCharsets.UTF_8);
    }

    /** Cuts the value out of the bytes that are being parsed, which {@link StrictJson} hands along. */
    static final class Reader extends ValueDeserializer<RawJson> {

        @Override
        public RawJson deserialize(JsonParser parser, DeserializationContext context) {
            byte[] source = (byte[]) context.getAttribute(StrictJson.SOURCE);
            int from = (int) parser.currentTokenLocation().getByteOffset();
            parser.skipChildren();
            parser.finishToken();
            int to = (int) parser.currentLocation().getByteOffset();
            return new RawJson(new String(Arrays.copyOfRange(source, from, to), StandardCharsets.UTF_8));
        }
    }

    /** Writes the text as it stands. */
    static final class Writer extends ValueSerializer<RawJson> {

        @Override
        public void serialize(RawJson value, JsonGenerator generator, SerializationContext context) {
            generator.writeRawValue(value.text());
        }
    }
}
