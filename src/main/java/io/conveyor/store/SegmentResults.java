package io.conveyor.store;

import io.conveyor.job.JobState;
import java.util.List;

/**
 * The results there are in one segment, in input order. Holds the lines themselves while they are small, else only
 * their places, and fetches each when it is asked for: a segment of large outputs never stands in memory whole.
 * Not thread-safe; holds no connection between calls.
 */
public final class SegmentResults {

    /** One line: where it stands and how long it is. */
    record Entry(int index, JobState state, Block block, int offset, int length) {}

    /** One outcome block: its first seq, and its lines if they were loaded with it. */
    record Block(long firstSeq, byte[] lines) {}

    /** Fetches part of a block's lines. */
    interface Fetch {
        byte[] lines(long firstSeq, int offset, int length);
    }

    private static final byte[] NOT_LOADED = new byte[0];

    private final List<Entry> entries;
    private final int nextIndex;
    private final Fetch fetch;

    SegmentResults(List<Entry> entries, int nextIndex, Fetch fetch) {
        this.entries = entries;
        this.nextIndex = nextIndex;
        this.fetch = fetch;
    }

    static byte[] notLoaded() {
        return NOT_LOADED;
    }

    /** Number of results. */
    public int size() {
        return entries.size();
    }

    /** Index of the job of the n-th result; ascending. */
    public int index(int n) {
        return entries.get(n).index();
    }

    /** State of the n-th result. */
    public JobState state(int n) {
        return entries.get(n).state();
    }

    /** Bytes of the n-th line, with its line feed. */
    public int length(int n) {
        return entries.get(n).length();
    }

    /** Hands the bytes of the n-th line, with its line feed, to the sink. */
    public <X extends Exception> void line(int n, Sink<X> sink) throws X {
        Entry entry = entries.get(n);
        byte[] lines = entry.block().lines();
        if (lines == NOT_LOADED) {
            byte[] line = fetch.lines(entry.block().firstSeq(), entry.offset(), entry.length());
            sink.write(line, 0, line.length);
        } else {
            sink.write(lines, entry.offset(), entry.length());
        }
    }

    /** The first index after this segment: where to go on. */
    public int nextIndex() {
        return nextIndex;
    }

    /** Takes bytes, as an output stream does. */
    public interface Sink<X extends Exception> {
        void write(byte[] bytes, int offset, int length) throws X;
    }
}
