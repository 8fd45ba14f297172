package io.conveyor.store;

import io.conveyor.job.Job;

/** Walks the jobs of a packed segment from the first to the last. Not thread-safe. */
public final class SegmentCursor {

    private final PackedInput packed;
    private final int firstIndex;
    private final Places places;
    private final int end;
    private int next;
    private String kind = "";

    public SegmentCursor(PackedSegment segment) {
        packed = new PackedInput(segment.data());
        firstIndex = segment.firstIndex();
        places = segment.places();
        next = firstIndex;
        end = segment.endIndex();
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
        String customId = has(flags, SegmentPacker.CUSTOM_ID) ? packed.readText() : null;
        long timeout = has(flags, SegmentPacker.TIMEOUT) ? packed.readNumber() : 0;
        int attempts = has(flags, SegmentPacker.MAX_ATTEMPTS) ? (int) packed.readNumber() : 0;
        byte[] metadata = has(flags, SegmentPacker.METADATA) ? packed.read() : null;
        byte[] input = has(flags, SegmentPacker.INPUT) ? packed.read() : null;
        byte[] problem = has(flags, SegmentPacker.PROBLEM) ? packed.read() : null;
        return new Job(passNext(), kind, customId, timeout, attempts, metadata, input, problem);
    }

    /** Passes over the next job without copying it. */
    public void skip() {
        int flags = flagsAndKind();
        if (has(flags, SegmentPacker.CUSTOM_ID)) {
            packed.pass();
        }
        if (has(flags, SegmentPacker.TIMEOUT)) {
            packed.readNumber();
        }
        if (has(flags, SegmentPacker.MAX_ATTEMPTS)) {
            packed.readNumber();
        }
        if (has(flags, SegmentPacker.METADATA)) {
            packed.pass();
        }
        if (has(flags, SegmentPacker.INPUT)) {
            packed.pass();
        }
        if (has(flags, SegmentPacker.PROBLEM)) {
            packed.pass();
        }
        passNext();
    }

    private int passNext() {
        int passed = next;
        next = firstIndex + places.next(passed + 1 - firstIndex);
        return passed;
    }

    private int flagsAndKind() {
        if (!hasNext()) {
            throw new IllegalStateException("The segment has no job " + next);
        }
        int flags = packed.readByte();
        if (has(flags, SegmentPacker.NEW_KIND)) {
            kind = packed.readText();
        }
        return flags;
    }

    private static boolean has(int flags, int flag) {
        return (flags & flag) != 0;
    }
}
