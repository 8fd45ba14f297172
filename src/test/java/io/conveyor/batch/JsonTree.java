package io.conveyor.batch;

import java.io.ByteArrayInputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;

/**
 * A JSON document read as a whole, at leisure, into a tree that keeps what trees usually lose: the order of fields, doubles of
 * them, and numbers digit by digit. What the readers of the service make of a document is held against it. Immutable.
 */
sealed interface JsonTree {

    /** Texts, numbers and words, as they stand. */
    record Scalar(JsonToken type, String text) implements JsonTree {}

    record Elements(List<JsonTree> all) implements JsonTree {}

    /** @param bytes from the opening to the closing brace; two objects are equal whatever it is */
    record Fields(List<Field> all, long bytes) implements JsonTree {

        @Override
        public boolean equals(@Nullable Object other) {
            return other instanceof Fields fields && fields.all.equals(all);
        }

        @Override
        public int hashCode() {
            return all.hashCode();
        }

        /** The value of that field, or null; the first if there are several. */
        @Nullable
        JsonTree get(String name) {
            return all.stream()
                    .filter(field -> field.name().equals(name))
                    .map(Field::value)
                    .findFirst()
                    .orElse(null);
        }

        /** Whether these are its only fields, and none of them stands there twice. */
        boolean hasOnly(List<String> names) {
            List<String> mine = all.stream().map(Field::name).toList();
            return names.containsAll(mine) && mine.stream().distinct().count() == mine.size();
        }
    }

    record Field(String name, JsonTree value) {}

    /** The document, or null if the bytes are none: no JSON, not UTF-8, deeper than 64, or more than one value. */
    static @Nullable JsonTree read(byte[] bytes) {
        try {
            StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes));
        } catch (CharacterCodingException e) {
            return null;
        }
        boolean marked =
                bytes.length >= 3 && bytes[0] == (byte) 0xEF && bytes[1] == (byte) 0xBB && bytes[2] == (byte) 0xBF;
        int from = marked ? 3 : 0;
        try (JsonParser parser = JsonBody.factory()
                .createParser(ObjectReadContext.empty(), new ByteArrayInputStream(bytes, from, bytes.length - from))) {
            JsonToken first = parser.nextToken();
            if (first == null) {
                return null;
            }
            JsonTree tree = value(parser, first);
            return parser.nextToken() == null ? tree : null;
        } catch (JacksonException e) {
            return null;
        }
    }

    private static JsonTree value(JsonParser parser, JsonToken first) {
        return switch (first) {
            case START_ARRAY -> {
                List<JsonTree> all = new ArrayList<>();
                for (JsonToken t = parser.nextToken(); t != JsonToken.END_ARRAY; t = parser.nextToken()) {
                    all.add(value(parser, t));
                }
                yield new Elements(all);
            }
            case START_OBJECT -> {
                long start = parser.currentTokenLocation().getByteOffset();
                List<Field> all = new ArrayList<>();
                while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
                    String name = parser.currentName();
                    all.add(new Field(name, value(parser, parser.nextToken())));
                }
                yield new Fields(all, parser.currentLocation().getByteOffset() - start);
            }
            default -> new Scalar(first, parser.getString());
        };
    }
}
