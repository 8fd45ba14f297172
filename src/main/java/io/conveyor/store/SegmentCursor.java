package io.conveyor.store;

import io.conveyor.job.Job;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Walks the jobs of a packed segment from the first to the last. Not thread-safe. */
public final class SegmentCursor {

    private final byte[] data;
    private final int end;
    private int position;
    private int next;
    private String kind = "";

    public SegmentCursor(PackedSegment segment) {
        data = segment.data();
        next = segment.firstIndex();
        end = next + segment.jobs();
    }

    /** Whether a job is left. */
    public boolean hasNext() {
        return next < end;
    }

    /** Index of the job that {@link #next()} or {@link #skip()} takes. */
    public int nextIndex() {
        return next;
    }

    /** Takes the next job; its bytes are copies, so that a waiting job does not hold the whole segment in memory. */
    public Job next() {
        int flags = flagsAndKind();
        String customId = has(flags, SegmentPacker.CUSTOM_ID) ? new String(read(), StandardCharsets.UTF_8) : null;
        long timeout = has(flags, SegmentPacker.TIMEOUT) ? readNumber() : 0;
        byte[] metadata = has(flags, SegmentPacker.METADATA) ? read() : null;
        byte[] input = has(flags, SegmentPacker.INPUT) ? read() : null;
        byte[] problem = has(flags, SegmentPacker.PROBLEM) ? read() : null;
        return new Job(next++, kind, customId, timeout, metadata, input, problem);
    }

    /** Passes over the next job without copying it. */
    public void skip() {
        int flags = flagsAndKind();
        if (has(flags, SegmentPacker.CUSTOM_ID)) {
            pass();
        }
        if (has(flags, SegmentPacker.TIMEOUT)) {
            readNumber();
        }
        if (has(flags, SegmentPacker.METADATA)) {
            pass();
        }
        if (has(flags, SegmentPacker.INPUT)) {
            pass();
        }
        if (has(flags, SegmentPacker.PROBLEM)) {
            pass();
        }
        next++;
    }

    private int flagsAndKind() {
        if (!hasNext()) {
            throw new IllegalStateException("The segment has no job " + next);
        }
        int flags = data[position++];
        if (has(flags, SegmentPacker.NEW_KIND)) {
            kind = new String(read(), StandardCharsets.UTF_8);
        }
        return flags;
    }

    private byte[] read() {
        int length = (int) readNumber();
        byte[] bytes = Arrays.copyOfRange(data, position, position + length);
        position += length;
        return bytes;
    }

    private void pass() {
        int length = (int) readNumber();
        position += length;
    }

    private long readNumber() {
        long number = 0;
        int shift = 0;
        byte b;
        do {
            b = data[position++];
            number |= (long) (b & 0x7f) << shift;
            shift += 7;
        } while (b < 0);
        return number;
    }

    private static boolean has(int flags, int flag) {
        return (flags & flag) != 0;
    }
}
