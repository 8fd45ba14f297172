package io.conveyor.batch;

import io.conveyor.web.ApiException;
import io.conveyor.web.Problem;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;

/**
 * A look at the beginning of a body whose type nobody declared, as {@code curl -T} sends it. An array is JSON. An object
 * may be a job on a line of its own or the envelope of a JSON batch: the first field that only one of them has decides;
 * without one, an object that ends with its line and is followed by something is a job. Everything else is left to the
 * reader of JSON, which says what is wrong with it.
 *
 * @param lines whether the body is NDJSON
 * @param body the body from its first byte
 */
record FirstLook(boolean lines, InputStream body) {

    /** Bytes looked at, at the most; enough for the fields of a job before an input of any size. */
    private static final int WINDOW = 8 * 1024;

    private static final byte[] GZIP_MAGIC = {0x1f, (byte) 0x8b};

    private static final byte[] BYTE_ORDER_MARK = {(byte) 0xef, (byte) 0xbb, (byte) 0xbf};

    /** Waits for the first line or the first 8 KiB, whichever is less. */
    static FirstLook at(InputStream body) throws IOException {
        byte[] seen = new byte[WINDOW];
        int n = 0;
        int more = 0;
        while (n < WINDOW && !decided(seen, n) && more >= 0) {
            more = body.read(seen, n, WINDOW - n);
            n += Math.max(0, more);
        }
        refuseGzip(seen, n);
        // Hands out what has been seen by itself: a reader of it does not wait for what follows.
        InputStream all = new SequenceInputStream(new ByteArrayInputStream(seen, 0, n), body);
        return new FirstLook(isLines(seen, n), all);
    }

    private static void refuseGzip(byte[] seen, int n) {
        if (startsWith(GZIP_MAGIC, seen, n)) {
            throw ApiException.of(
                    Problem.MALFORMED_JSON,
                    "This is gzip, and nothing says so; send it with -H 'Content-Encoding: gzip'.");
        }
    }

    /** Whether more bytes cannot change the verdict: an array, or an object with a field that decides. */
    private static boolean decided(byte[] seen, int n) {
        if (isCutIn(GZIP_MAGIC, seen, n) || isCutIn(BYTE_ORDER_MARK, seen, n)) {
            return false;
        }
        int first = firstByte(seen, n);
        if (first < n && seen[first] != '{') {
            return true;
        }
        for (int i = first; i < n; i++) {
            if (seen[i] == '\n') {
                return verdict(seen, first, n) != null;
            }
        }
        return false;
    }

    private static boolean isLines(byte[] seen, int n) {
        int first = firstByte(seen, n);
        if (first == n || seen[first] != '{') {
            return false;
        }
        Boolean verdict = verdict(seen, first, n);
        return verdict != null && verdict;
    }

    private static int firstByte(byte[] seen, int n) {
        int i = startsWith(BYTE_ORDER_MARK, seen, n) ? BYTE_ORDER_MARK.length : 0;
        while (i < n && (seen[i] == ' ' || seen[i] == '\t' || seen[i] == '\r' || seen[i] == '\n')) {
            i++;
        }
        return i;
    }

    private static boolean startsWith(byte[] mark, byte[] seen, int n) {
        return n >= mark.length && Arrays.equals(seen, 0, mark.length, mark, 0, mark.length);
    }

    /** Whether the next byte tells if this is the mark: a network cuts anywhere. */
    private static boolean isCutIn(byte[] mark, byte[] seen, int n) {
        return n < mark.length && Arrays.equals(seen, 0, n, mark, 0, n);
    }

    /** True for lines, false for JSON, null while it is open. */
    private static @Nullable Boolean verdict(byte[] seen, int from, int to) {
        try (JsonParser parser = JsonBody.factory()
                .createParser(ObjectReadContext.empty(), new ByteArrayInputStream(seen, from, to - from))) {
            parser.nextToken();
            JsonToken token = parser.nextToken();
            while (token == JsonToken.PROPERTY_NAME) {
                String name = parser.currentName();
                boolean ofJob = JobReader.FIELDS.contains(name);
                boolean ofEnvelope = BatchParser.FIELDS.contains(name);
                if (ofJob != ofEnvelope) {
                    return ofJob;
                }
                parser.nextToken();
                parser.skipChildren();
                token = parser.nextToken();
            }
            return token == JsonToken.END_OBJECT
                    ? followed(seen, from + (int) parser.currentLocation().getByteOffset(), to)
                    : null;
        } catch (JacksonException e) {
            return null; // broken, or cut where the window ends
        }
    }

    private static @Nullable Boolean followed(byte[] seen, int from, int to) {
        boolean nextLine = false;
        for (int i = from; i < to; i++) {
            if (seen[i] == '\n') {
                nextLine = true;
            } else if (seen[i] != ' ' && seen[i] != '\t' && seen[i] != '\r') {
                return nextLine;
            }
        }
        return null;
    }
}
