package io.conveyor.store;

import io.conveyor.job.Job;
import java.util.BitSet;
import org.jspecify.annotations.Nullable;

/**
 * Packs jobs into segments. A job is one byte of flags, then what the flags announce, each text and each JSON value
 * as a length and its bytes; a kind is written only where it changes. Not thread-safe.
 */
public final class SegmentPacker {

    static final int NEW_KIND = 1;
    static final int CUSTOM_ID = 1 << 1;
    static final int TIMEOUT = 1 << 2;
    static final int METADATA = 1 << 3;
    static final int INPUT = 1 << 4;
    static final int PROBLEM = 1 << 5;
    static final int MAX_ATTEMPTS = 1 << 6;

    private final PackedOutput packed = new PackedOutput(512);
    private final BitSet places = new BitSet();
    private int firstIndex;
    private int jobs;
    private @Nullable String kind;

    /** Adds the next job; its index must come after the one before, and have a place here. */
    public void add(Job job) {
        if (jobs == 0) {
            firstIndex = job.index();
        }
        int place = job.index() - firstIndex;
        if (place < places.length() || place >= PackedSegment.MAX_JOBS) {
            throw new IllegalArgumentException(
                    "Job " + job.index() + " does not follow " + (firstIndex + places.length() - 1));
        }
        places.set(place);
        boolean newKind = !job.kind().equals(kind);
        String customId = job.customId();
        byte[] metadata = job.metadata();
        byte[] input = job.input();
        byte[] problem = job.problem();
        packed.writeByte((newKind ? NEW_KIND : 0)
                | (customId == null ? 0 : CUSTOM_ID)
                | (job.timeoutMillis() == 0 ? 0 : TIMEOUT)
                | (job.maxAttempts() == 0 ? 0 : MAX_ATTEMPTS)
                | (metadata == null ? 0 : METADATA)
                | (input == null ? 0 : INPUT)
                | (problem == null ? 0 : PROBLEM));
        if (newKind) {
            packed.write(job.kind());
            kind = job.kind();
        }
        if (customId != null) {
            packed.write(customId);
        }
        if (job.timeoutMillis() != 0) {
            packed.writeNumber(job.timeoutMillis());
        }
        if (job.maxAttempts() != 0) {
            packed.writeNumber(job.maxAttempts());
        }
        if (metadata != null) {
            packed.write(metadata);
        }
        if (input != null) {
            packed.write(input);
        }
        if (problem != null) {
            packed.write(problem);
        }
        jobs++;
    }

    /** Whether there is anything to take. */
    public boolean isEmpty() {
        return jobs == 0;
    }

    /** Whether the segment should be taken before the next job is added. */
    public boolean isFull() {
        return jobs == PackedSegment.MAX_JOBS || packed.size() >= PackedSegment.FULL_BYTES;
    }

    /** Whether a job of that index, which comes after the one before, has a place here. */
    public boolean takes(int index) {
        return jobs == 0 || (!isFull() && index - firstIndex < PackedSegment.MAX_JOBS);
    }

    /** The packed jobs; the packer is empty afterwards. */
    public PackedSegment take() {
        PackedSegment segment = new PackedSegment(firstIndex, Places.of(places), packed.take());
        places.clear();
        jobs = 0;
        kind = null;
        return segment;
    }
}
