package io.conveyor.web;

import java.io.EOFException;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;
import org.jspecify.annotations.Nullable;

/**
 * A gzip body, unpacked while it is read. What unpacks out of all proportion, as a bomb does, ends in a 413 long before it
 * fills anything; what is not gzip, or is cut, in a 400. Not thread-safe, like any stream.
 */
final class GzipBody extends InputStream {

    /** Unpacked bytes that are let through whatever the ratio, 1 MiB: small bodies of one pattern pack very well. */
    private static final long FREE_BYTES = 1024 * 1024;

    private static final int BUFFER_BYTES = 8 * 1024;

    private final Counted packed;
    private final int maxRatio;

    // Mutable state
    private @Nullable GZIPInputStream unpacking;
    private long unpacked;

    GzipBody(InputStream packed, int maxRatio) {
        this.packed = new Counted(packed);
        this.maxRatio = maxRatio;
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
        int n;
        try {
            n = unpacking().read(target, offset, length);
        } catch (EOFException e) {
            throw broken("It ends too early.");
        } catch (ZipException e) {
            throw broken("Check how it was made and sent: curl needs --data-binary or -T.");
        }
        if (n > 0) {
            unpacked += n;
            if (unpacked > FREE_BYTES && unpacked / maxRatio > packed.count) {
                throw ApiException.packedTooTightly(maxRatio);
            }
        }
        return n;
    }

    /** Reads the header with the first bytes, not before: until then nothing is asked of the client. */
    private GZIPInputStream unpacking() throws IOException {
        GZIPInputStream stream = unpacking;
        if (stream == null) {
            stream = new GZIPInputStream(packed, BUFFER_BYTES);
            unpacking = stream;
        }
        return stream;
    }

    private static ApiException broken(String hint) {
        return ApiException.of(Problem.BAD_REQUEST, "The body is declared as gzip and cannot be unpacked. " + hint);
    }

    /** What is surely there; the unpacker may hold more. */
    @Override
    public int available() throws IOException {
        return packed.available() > 0 ? 1 : 0;
    }

    @Override
    public void close() throws IOException {
        packed.close();
    }

    private static final class Counted extends FilterInputStream {

        private long count;

        Counted(InputStream in) {
            super(in);
        }

        @Override
        public int read() throws IOException {
            int b = in.read();
            count += b < 0 ? 0 : 1;
            return b;
        }

        @Override
        public int read(byte[] target, int offset, int length) throws IOException {
            int n = in.read(target, offset, length);
            count += Math.max(0, n);
            return n;
        }
    }
}
