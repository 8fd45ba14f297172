package io.conveyor.store;

import java.util.BitSet;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Which places of a segment have a job: all from the first on, or, in a batch that was made of some jobs of another, the
 * first, the last and some between. Immutable.
 */
public final class Places {

    private final int count;
    /** Null when there are no gaps. Never changed. */
    private final @Nullable BitSet taken;

    private Places(int count, @Nullable BitSet taken) {
        this.count = count;
        this.taken = taken;
        if (count < 1 || span() > PackedSegment.MAX_JOBS) {
            throw new IllegalArgumentException(
                    "A segment holds 1 to " + PackedSegment.MAX_JOBS + " jobs, within as many places");
        }
        if (taken != null && !taken.get(0)) {
            throw new IllegalArgumentException("A segment begins with a job");
        }
    }

    /** So many without a gap. */
    static Places first(int count) {
        return new Places(count, null);
    }

    /** These, of which place 0 is one. */
    static Places of(BitSet places) {
        int count = places.cardinality();
        return new Places(count, places.length() == count ? null : (BitSet) places.clone());
    }

    /** What {@link #packed} wrote; null for so many without a gap. */
    static Places read(int count, byte @Nullable [] packed) {
        return packed == null ? first(count) : of(BitSet.valueOf(packed));
    }

    /** A bit for each place, lowest first; null without a gap. */
    byte @Nullable [] packed() {
        return taken == null ? null : taken.toByteArray();
    }

    /** Number of jobs. */
    public int count() {
        return count;
    }

    /** Number of places from the first to the last job. */
    public int span() {
        return taken == null ? count : taken.length();
    }

    /** The first place with a job from that one on, which is 0 or more; the span if there is none. */
    int next(int place) {
        if (taken == null) {
            return Math.min(place, count);
        }
        int next = taken.nextSetBit(place);
        return next < 0 ? span() : next;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Places places && count == places.count && Objects.equals(taken, places.taken);
    }

    @Override
    public int hashCode() {
        return Objects.hash(count, taken);
    }

    @Override
    public String toString() {
        return taken == null ? "first " + count : taken.toString();
    }
}
