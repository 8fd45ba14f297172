package io.conveyor.store;

import java.util.BitSet;

/**
 * Some jobs of one segment.
 *
 * @param segment the segment that they stand in
 * @param places where they stand in it: index minus first index; at least one
 */
public record PickedJobs(PackedSegment segment, BitSet places) {}
