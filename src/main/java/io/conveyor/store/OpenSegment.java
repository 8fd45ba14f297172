package io.conveyor.store;

import java.util.BitSet;

/**
 * A segment with jobs to run, as loaded from the store.
 *
 * @param ref what its outcomes are recorded under
 * @param segment its jobs
 * @param recorded places (index minus first index) that already have their outcome; the caller's own copy
 * @param tried places that have failed an attempt and get another: those have their own time
 */
public record OpenSegment(SegmentRef ref, PackedSegment segment, BitSet recorded, BitSet tried) {}
