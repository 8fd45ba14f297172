package io.conveyor.store;

/**
 * Up to 256 jobs in a row of a batch, packed for the store; made by {@link SegmentPacker}, read by
 * {@link SegmentCursor}.
 *
 * @param firstIndex index of its first job
 * @param jobs number of its jobs, 1 to 256
 * @param data the packed jobs
 */
public record PackedSegment(int firstIndex, int jobs, byte[] data) {

    /** Jobs in one segment at the most: a place in a segment fits one byte. */
    public static final int MAX_JOBS = 256;

    /** Bytes at which a segment is full, 256 KiB; one job more may go over it. */
    public static final int FULL_BYTES = 256 * 1024;

    public PackedSegment {
        if (jobs < 1 || jobs > MAX_JOBS) {
            throw new IllegalArgumentException("A segment holds 1 to " + MAX_JOBS + " jobs");
        }
    }
}
