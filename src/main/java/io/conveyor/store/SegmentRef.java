package io.conveyor.store;

import java.util.BitSet;

/**
 * One segment while its jobs are under way: its place, the epoch under which outcomes are accepted, and which of its
 * jobs have one. Two references to one segment may be in use; the store sorts out what they bring.
 *
 * <p>Threads and state: the set of recorded places is built by the thread that opens the segment, before the reference
 * is shared; from then on only the store's writer thread touches it.
 */
public final class SegmentRef {

    private final BatchRef batch;
    private final int firstIndex;
    private final int epoch;
    private final BitSet recorded;

    SegmentRef(BatchRef batch, int firstIndex, int epoch, BitSet recorded) {
        this.batch = batch;
        this.firstIndex = firstIndex;
        this.epoch = epoch;
        this.recorded = recorded;
    }

    /** A segment that was just written by this process: nothing recorded, first epoch. */
    public static SegmentRef fresh(BatchRef batch, int firstIndex) {
        return new SegmentRef(batch, firstIndex, 0, new BitSet());
    }

    public BatchRef batch() {
        return batch;
    }

    /** Index of its first job. */
    public int firstIndex() {
        return firstIndex;
    }

    int epoch() {
        return epoch;
    }

    /** Takes the place for an outcome; false when it has one. Writer thread only. */
    boolean claim(int index) {
        int place = index - firstIndex;
        if (recorded.get(place)) {
            return false;
        }
        recorded.set(place);
        return true;
    }

    /** Number of places that have their outcome. Writer thread only. */
    int recordedPlaces() {
        return recorded.cardinality();
    }

    /** The places that have their outcome. Writer thread only. */
    BitSet copyOfRecorded() {
        return (BitSet) recorded.clone();
    }

    /** Replaces what is known of the places. Writer thread only. */
    void learn(BitSet places) {
        recorded.clear();
        recorded.or(places);
    }
}
