package io.conveyor.handler;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import tools.jackson.databind.json.JsonMapper;

/**
 * What a job brought: one JSON value as bytes of UTF-8, kept and handed out unchanged, but for line breaks: results
 * travel as one line each, so a line break (which JSON allows between tokens only) becomes a space.
 *
 * @param json the JSON value; not copied when it is on one line already, so not to be changed afterwards
 */
public record JobOutput(byte[] json) {

    private static final JsonMapper MAPPER = JsonMapper.shared();
    private static final VarHandle WORDS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.nativeOrder());

    /** The byte 1, eight times. */
    private static final long EACH = 0x0101_0101_0101_0101L;

    public JobOutput {
        json = onOneLine(json);
    }

    /** The value as Jackson writes it: a record, a map, a list, a string, a number. */
    public static JobOutput json(Object value) {
        return new JobOutput(MAPPER.writeValueAsBytes(value));
    }

    /** A text as a JSON string. */
    public static JobOutput text(CharSequence text) {
        return json(text.toString());
    }

    /** JSON that is there already, as text. The caller vouches that it is one valid JSON value. */
    public static JobOutput ofJson(String json) {
        return new JobOutput(json.getBytes(StandardCharsets.UTF_8));
    }

    private static byte[] onOneLine(byte[] json) {
        int from = 0;
        while (from <= json.length - Long.BYTES && !mayHoldBreak((long) WORDS.get(json, from))) {
            from += Long.BYTES;
        }
        for (int i = from; i < json.length; i++) {
            if (isBreak(json[i])) {
                return withoutBreaks(json.clone(), i);
            }
        }
        return json;
    }

    /** Whether a byte of the word is a line break; seldom true of others. Looking at each byte was a tenth of a tiny job. */
    private static boolean mayHoldBreak(long word) {
        return hasZero(word ^ EACH * '\n') || hasZero(word ^ EACH * '\r');
    }

    private static boolean hasZero(long word) {
        return ((word - EACH) & ~word & EACH << 7) != 0;
    }

    private static byte[] withoutBreaks(byte[] line, int from) {
        for (int i = from; i < line.length; i++) {
            if (isBreak(line[i])) {
                line[i] = ' ';
            }
        }
        return line;
    }

    private static boolean isBreak(byte b) {
        return b == '\n' || b == '\r';
    }
}
