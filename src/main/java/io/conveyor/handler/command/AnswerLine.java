package io.conveyor.handler.command;

import io.conveyor.handler.JobFailure;
import io.conveyor.handler.JobOutput;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.databind.json.JsonMapper;

/**
 * What a resident program answered: one JSON value, which is the output byte for byte, unless it is an object with a
 * member {@code error} that is not null. Then the job failed, for the reason that stands there, and
 * {@code "retryable": true} beside it says that another attempt may succeed. Immutable.
 *
 * @param json the whole answer
 * @param error why the job failed; null when it did not
 * @param retryable whether another attempt may succeed
 */
record AnswerLine(String json, @Nullable String error, boolean retryable) {

    private static final JsonMapper SYNTAX = JsonMapper.shared();

    /** Characters of a line that nobody can read which its client gets to see. */
    private static final int SHOWN = 200;

    /** The answer, if the line is one JSON value in UTF-8. */
    static Optional<AnswerLine> of(byte[] line) {
        try {
            String text = StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(line))
                    .toString()
                    .strip();
            return read(text);
        } catch (CharacterCodingException | JacksonException e) {
            return Optional.empty();
        }
    }

    private static Optional<AnswerLine> read(String text) {
        String error = null;
        boolean retryable = false;
        try (JsonParser parser = SYNTAX.createParser(text)) {
            JsonToken first = parser.nextToken();
            if (first == null) {
                return Optional.empty();
            }
            if (first == JsonToken.START_OBJECT) {
                while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
                    String member = parser.currentName();
                    JsonToken value = parser.nextToken();
                    int from = (int) parser.currentTokenLocation().getCharOffset();
                    if (member.equals("retryable")) {
                        retryable = value == JsonToken.VALUE_TRUE;
                    }
                    boolean failed = member.equals("error") && value != JsonToken.VALUE_NULL;
                    if (failed && value == JsonToken.VALUE_STRING) {
                        error = parser.getString();
                    }
                    parser.skipChildren();
                    parser.finishToken();
                    if (failed && value != JsonToken.VALUE_STRING) {
                        error = text.substring(
                                from, (int) parser.currentLocation().getCharOffset());
                    }
                }
            }
            parser.skipChildren();
            parser.finishToken();
            return parser.nextToken() == null ? Optional.of(new AnswerLine(text, error, retryable)) : Optional.empty();
        }
    }

    /** The beginning of a line, whatever it is. */
    static String beginning(byte[] line) {
        String text = new String(line, StandardCharsets.UTF_8).strip();
        return text.length() > SHOWN ? text.substring(0, SHOWN) + "…" : text;
    }

    /**
     * The output of the job.
     *
     * @throws JobFailure when the program says so
     */
    JobOutput output() throws JobFailure {
        if (error == null) {
            return JobOutput.ofJson(json);
        }
        String detail = error.isBlank() ? "The program does not say why." : error;
        throw retryable ? JobFailure.retryable(detail) : JobFailure.of(detail);
    }
}
