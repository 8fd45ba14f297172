package io.conveyor.batch;

import io.conveyor.web.ApiException;
import java.io.IOException;
import java.io.InputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The body on its way to the JSON parser: lets everything through, and keeps the bytes since a mark, so that a value
 * can be had exactly as it was sent after the parser has passed it. On the way it checks that the text is UTF-8, takes
 * a digest of it, and can say line and column of a place that it keeps. Skips a byte order mark. Not thread-safe.
 *
 * <p>What it keeps is bounded: where more has come since the mark than the limit allows, all of it is dropped and
 * {@link #copy} answers null for it. Offsets count from the first byte after the byte order mark.
 */
final class RawWindow extends InputStream {

    /**
     * Bytes kept above the limit. The parser reads ahead by its buffer of 8000 bytes, and a token may begin in the read
     * before the last: two buffers, so that a value within the limit is never dropped.
     */
    private static final int READ_AHEAD = 16 * 1024;

    private final InputStream source;
    private final int limit;
    private final MessageDigest digest = sha256();
    private final Utf8Check utf8 = new Utf8Check();

    // Mutable state: kept[0, size) are the bytes from the offset base on, whose first is at line and column
    private byte[] kept = new byte[READ_AHEAD];
    private int size;
    private long base;
    private Place place = new Place(1, 1);
    private long mark;
    private boolean begun;
    private boolean broken;

    /** A line and a column in characters, both from 1. */
    record Place(long line, long column) {}

    RawWindow(InputStream source, int limit) {
        this.source = source;
        this.limit = limit;
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
        if (length == 0) {
            return 0;
        }
        if (broken) {
            throw notUtf8("The text is not UTF-8 here; send the body in UTF-8.");
        }
        if (!begun) {
            begun = true;
            return readFirst(target, offset, length);
        }
        int n = source.read(target, offset, length);
        if (n > 0) {
            digest.update(target, offset, n);
        }
        return pass(target, offset, n);
    }

    /** Reads on until it is sure whether a byte order mark stands at the beginning. */
    private int readFirst(byte[] target, int offset, int length) throws IOException {
        byte[] first = source.readNBytes(Math.min(3, length));
        digest.update(first);
        boolean marked =
                first.length == 3 && first[0] == (byte) 0xEF && first[1] == (byte) 0xBB && first[2] == (byte) 0xBF;
        if (marked) {
            return read(target, offset, length);
        }
        System.arraycopy(first, 0, target, offset, first.length);
        return pass(target, offset, first.length == 0 ? -1 : first.length);
    }

    /** Hands out the bytes up to the first that is no UTF-8, so that a mistake before it is found first. */
    private int pass(byte[] target, int offset, int n) {
        if (n <= 0) {
            if (n < 0 && !utf8.complete()) {
                throw notUtf8("The text ends in the middle of a character.");
            }
            return n;
        }
        int good = utf8.check(target, offset, n);
        broken = good < n;
        if (good == 0) {
            throw notUtf8("The text is not UTF-8 here; send the body in UTF-8.");
        }
        append(target, offset, good);
        return good;
    }

    private ApiException notUtf8(String detail) {
        Place at = place(base + size);
        return ApiException.malformedJson(detail, at.line(), at.column());
    }

    private void append(byte[] bytes, int offset, int n) {
        int drop = (int) Math.max(0, Math.min(mark - base, size));
        if (size - drop + n > limit + READ_AHEAD) {
            drop = size;
        }
        if (drop > 0) {
            place = place(base + drop);
            base += drop;
            size -= drop;
            System.arraycopy(kept, drop, kept, 0, size);
        }
        if (kept.length - size < n) {
            kept = Arrays.copyOf(kept, Math.max(size + n, 2 * kept.length));
        }
        System.arraycopy(bytes, offset, kept, size, n);
        size += n;
    }

    /** Says that nothing before that offset will be asked for any more. */
    void markFrom(long offset) {
        mark = offset;
    }

    /** The bytes of that range as they were sent, or null if they were too many to be kept. */
    byte @Nullable [] copy(long from, long to) {
        return from < base ? null : Arrays.copyOfRange(kept, (int) (from - base), (int) (to - base));
    }

    /** Where that offset stands, or the nearest place that is known. */
    Place place(long offset) {
        int end = (int) Math.max(0, Math.min(offset - base, size));
        long line = place.line();
        long column = place.column();
        for (int i = 0; i < end; i++) {
            if (kept[i] == '\n') {
                line++;
                column = 1;
            } else if ((kept[i] & 0xC0) != 0x80) {
                column++;
            }
        }
        return new Place(line, column);
    }

    /** SHA-256 of everything read so far; once. */
    byte[] digest() {
        return digest.digest();
    }

    static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("Every Java has SHA-256", e);
        }
    }
}
