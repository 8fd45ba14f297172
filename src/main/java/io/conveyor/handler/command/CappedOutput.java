package io.conveyor.handler.command;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;

/**
 * One output stream of a program, read without ever waiting, and held up to a limit: either its head, where more than
 * the limit is an error, or its tail, where the rest is forgotten. Confined to the thread of the job.
 */
final class CappedOutput {

    /** Bytes taken at one look: as much as a pipe usually holds. */
    private static final int CHUNK = 65_536;

    private final InputStream stream;
    private final long limit;
    private final boolean tail;

    // Mutable state, of the job's thread alone
    private final ByteArrayOutputStream held = new ByteArrayOutputStream();

    private CappedOutput(InputStream stream, long limit, boolean tail) {
        this.stream = stream;
        this.limit = limit;
        this.tail = tail;
    }

    static CappedOutput head(InputStream stream, long limit) {
        return new CappedOutput(stream, limit, false);
    }

    static CappedOutput tail(InputStream stream, long limit) {
        return new CappedOutput(stream, limit, true);
    }

    /** Takes what is there; false when there is nothing now. */
    boolean take() throws IOException {
        byte[] bytes;
        // At the program's end the JDK empties the pipe into memory and swaps the two, holding this lock.
        synchronized (stream) {
            int there = Math.min(stream.available(), CHUNK);
            if (there == 0) {
                return false;
            }
            bytes = stream.readNBytes(there);
        }
        held.writeBytes(bytes);
        if (tail && held.size() > limit + CHUNK) {
            byte[] kept = bytes();
            held.reset();
            held.writeBytes(kept);
        }
        return true;
    }

    /** Whether there was more than a head may have. */
    boolean isOver() {
        return !tail && held.size() > limit;
    }

    /** The head, or the tail. */
    byte[] bytes() {
        byte[] all = held.toByteArray();
        return all.length > limit ? Arrays.copyOfRange(all, (int) (all.length - limit), all.length) : all;
    }
}
