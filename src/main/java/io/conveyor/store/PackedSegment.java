package io.conveyor.store;

/**
 * Up to 256 jobs of a batch, in the order of their indexes, packed for the store; made by {@link SegmentPacker}, read by
 * {@link SegmentCursor}.
 *
 * @param firstIndex index of its first job
 * @param places which of the indexes from there on have a job
 * @param data the packed jobs
 */
public record PackedSegment(int firstIndex, Places places, byte[] data) {

    /** Jobs in one segment at the most, and places: a place in a segment fits one byte. */
    public static final int MAX_JOBS = 256;

    /** Bytes at which a segment is full, 256 KiB; one job more may go over it. */
    public static final int FULL_BYTES = 256 * 1024;

    /** A segment of so many jobs without a gap. */
    public PackedSegment(int firstIndex, int jobs, byte[] data) {
        this(firstIndex, Places.first(jobs), data);
    }

    /** Number of its jobs. */
    public int jobs() {
        return places.count();
    }

    /** The index after that of its last job. */
    public int endIndex() {
        return firstIndex + places.span();
    }
}
