package io.conveyor.store;

import io.conveyor.job.JobState;

/**
 * An outcome on its way to the disk.
 *
 * @param segment where its job stands
 * @param index index of its job in the batch
 * @param state terminal state of its job
 * @param tail its result line after {@code index} and {@code seq}, which the store writes: starts with a comma, ends
 *     with the closing brace, holds no line break
 * @param startedAtMillis when the job started, milliseconds since the epoch
 */
public record OutcomeEntry(SegmentRef segment, int index, JobState state, byte[] tail, long startedAtMillis) {

    public OutcomeEntry {
        if (!state.isTerminal()) {
            throw new IllegalArgumentException("An outcome has a terminal state, not " + state);
        }
        int place = index - segment.firstIndex();
        if (place < 0 || place >= PackedSegment.MAX_JOBS) {
            throw new IllegalArgumentException(
                    "Job " + index + " does not stand in the segment of " + segment.firstIndex());
        }
    }
}
