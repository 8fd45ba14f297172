package io.conveyor.batch;

import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;

/**
 * A body cut into lines: LF or CRLF ends a line, blank lines are passed over, and so is a byte order mark. A line is handed
 * out where it lies in the buffer, without a copy. What it holds is bounded: of a line longer than allowed it keeps nothing
 * but the fact. Not thread-safe.
 */
final class LineReader {

    /** Bytes read at once at the most; the buffer grows only for a line that is longer. */
    private static final int BUFFER_BYTES = 64 * 1024;

    /** A byte order mark in UTF-8, which may stand before the first line and is no part of it. */
    private static final int MARK_BYTES = 3;

    private final InputStream body;
    private final int maxLine;
    private final Runnable beforeWaiting;

    // Mutable state: buffer[next, limit) has been read and not been looked at; buffer[start, end) is the present line
    private byte[] buffer = new byte[BUFFER_BYTES];
    private int next;
    private int limit;
    private int start;
    private int end;
    private long number;
    private boolean tooLong;
    private boolean atEnd;
    /** How far the last fill moved what was in the buffer. */
    private int moved;

    /**
     * @param maxLine bytes of the longest line, without what ends it
     * @param beforeWaiting called, by {@link #next()}, whenever the client has sent nothing more yet
     */
    LineReader(InputStream body, int maxLine, Runnable beforeWaiting) {
        this.body = body;
        this.maxLine = maxLine;
        this.beforeWaiting = beforeWaiting;
    }

    /** Goes to the next line that is not blank; waits for it. False at the end of the body. */
    boolean next() throws IOException {
        do {
            if (!cut()) {
                return false;
            }
        } while (!tooLong && isBlank());
        return true;
    }

    /** Where the present line lies, from {@link #start()} to before {@link #end()}; good until the next call of {@link #next()}. */
    byte[] buffer() {
        return buffer;
    }

    int start() {
        return start;
    }

    int end() {
        return end;
    }

    /** Number of the present line, from 1, blank ones counted. */
    long number() {
        return number;
    }

    /** Whether the present line is longer than allowed; then there is nothing of it in the buffer. */
    boolean isTooLong() {
        return tooLong;
    }

    private boolean cut() throws IOException {
        tooLong = false;
        int searched = next;
        while (true) {
            int feed = indexOfLineFeed(searched);
            if (feed >= 0) {
                finish(feed, feed + 1);
                return true;
            }
            if (limit - next
                    > maxLine + 1 + (number == 0 ? MARK_BYTES : 0)) { // one more than the line: its carriage return
                tooLong = true;
                next = limit;
            }
            searched = limit;
            if (atEnd || !fill()) {
                boolean last = next < limit || tooLong;
                if (last) {
                    finish(limit, limit);
                }
                return last;
            }
            searched -= moved;
        }
    }

    private void finish(int lineEnd, int goOn) {
        number++;
        start = next;
        end = lineEnd;
        if (end > start && buffer[end - 1] == '\r') {
            end--;
        }
        if (number == 1 && startsWithMark()) {
            start += MARK_BYTES;
        }
        if (end - start > maxLine) {
            tooLong = true;
        }
        if (tooLong) {
            start = end;
        }
        next = goOn;
    }

    private boolean startsWithMark() {
        return end - start >= MARK_BYTES
                && buffer[start] == (byte) 0xEF
                && buffer[start + 1] == (byte) 0xBB
                && buffer[start + 2] == (byte) 0xBF;
    }

    private int indexOfLineFeed(int from) {
        byte[] bytes = buffer;
        for (int i = from; i < limit; i++) {
            if (bytes[i] == '\n') {
                return i;
            }
        }
        return -1;
    }

    /** Reads more behind what is there; false at the end of the body. */
    private boolean fill() throws IOException {
        moved = next;
        if (next > 0) {
            System.arraycopy(buffer, next, buffer, 0, limit - next);
            limit -= next;
            next = 0;
        }
        if (limit == buffer.length) {
            buffer = Arrays.copyOf(buffer, (int) Math.min(2L * buffer.length, (long) maxLine + BUFFER_BYTES));
        }
        if (body.available() <= 0) {
            beforeWaiting.run();
        }
        int n = body.read(buffer, limit, buffer.length - limit);
        if (n < 0) {
            atEnd = true;
            return false;
        }
        limit += n;
        return true;
    }

    private boolean isBlank() {
        for (int i = start; i < end; i++) {
            if (buffer[i] != ' ' && buffer[i] != '\t' && buffer[i] != '\r') {
                return false;
            }
        }
        return true;
    }
}
