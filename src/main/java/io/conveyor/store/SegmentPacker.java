package io.conveyor.store;

import io.conveyor.job.Job;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
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

    private byte[] buffer = new byte[512];
    private int size;
    private int firstIndex;
    private int jobs;
    private @Nullable String kind;

    /** Adds the next job; its index must follow the one before. */
    public void add(Job job) {
        if (jobs == 0) {
            firstIndex = job.index();
        } else if (job.index() != firstIndex + jobs) {
            throw new IllegalArgumentException("Job " + job.index() + " does not follow " + (firstIndex + jobs - 1));
        }
        boolean newKind = !job.kind().equals(kind);
        String customId = job.customId();
        byte[] metadata = job.metadata();
        byte[] input = job.input();
        byte[] problem = job.problem();
        writeByte((newKind ? NEW_KIND : 0)
                | (customId == null ? 0 : CUSTOM_ID)
                | (job.timeoutMillis() == 0 ? 0 : TIMEOUT)
                | (metadata == null ? 0 : METADATA)
                | (input == null ? 0 : INPUT)
                | (problem == null ? 0 : PROBLEM));
        if (newKind) {
            write(job.kind().getBytes(StandardCharsets.UTF_8));
            kind = job.kind();
        }
        if (customId != null) {
            write(customId.getBytes(StandardCharsets.UTF_8));
        }
        if (job.timeoutMillis() != 0) {
            writeNumber(job.timeoutMillis());
        }
        if (metadata != null) {
            write(metadata);
        }
        if (input != null) {
            write(input);
        }
        if (problem != null) {
            write(problem);
        }
        jobs++;
    }

    /** Whether there is anything to take. */
    public boolean isEmpty() {
        return jobs == 0;
    }

    /** Whether the segment should be taken before the next job is added. */
    public boolean isFull() {
        return jobs == PackedSegment.MAX_JOBS || size >= PackedSegment.FULL_BYTES;
    }

    /** The packed jobs; the packer is empty afterwards. */
    public PackedSegment take() {
        PackedSegment segment = new PackedSegment(firstIndex, jobs, Arrays.copyOf(buffer, size));
        size = 0;
        jobs = 0;
        kind = null;
        return segment;
    }

    private void write(byte[] bytes) {
        writeNumber(bytes.length);
        ensure(bytes.length);
        System.arraycopy(bytes, 0, buffer, size, bytes.length);
        size += bytes.length;
    }

    private void writeNumber(long number) {
        long rest = number;
        while (rest > 0x7f) {
            writeByte((int) (rest & 0x7f) | 0x80);
            rest >>>= 7;
        }
        writeByte((int) rest);
    }

    private void writeByte(int b) {
        ensure(1);
        buffer[size++] = (byte) b;
    }

    private void ensure(int more) {
        if (buffer.length - size < more) {
            buffer = Arrays.copyOf(buffer, Math.max(size + more, buffer.length * 2));
        }
    }
}
