package io.conveyor.store;

/** What the store is to remember of one job, on its way to the disk: an outcome, or an attempt that is not the last. */
public sealed interface JobEntry permits OutcomeEntry, AttemptEntry {

    /** Where the job stands. */
    SegmentRef segment();

    /** Index of the job in its batch. */
    int index();

    /** Bytes that wait with it in memory, 0 or more. */
    int bytes();

    /**
     * Checks that the job stands in the segment.
     *
     * @throws IllegalArgumentException if not
     */
    static void check(SegmentRef segment, int index) {
        int place = index - segment.firstIndex();
        if (place < 0 || place >= PackedSegment.MAX_JOBS) {
            throw new IllegalArgumentException(
                    "Job " + index + " does not stand in the segment of " + segment.firstIndex());
        }
    }
}
