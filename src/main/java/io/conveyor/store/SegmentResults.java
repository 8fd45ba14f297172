package io.conveyor.store;

import io.conveyor.job.JobState;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The results there are in one segment, in input order. Holds the lines themselves while they are small, else one block
 * of them at a time, fetched when a line of it is asked for: however large the outputs and however slow the reader, no
 * more than 256 KiB or one line stand in memory. Not thread-safe; holds no connection between calls.
 */
public final class SegmentResults {

    /** One line: where it stands and how long it is. */
    record Entry(int index, JobState state, Block block, int offset, int length) {}

    /** One outcome block: its first seq, and its lines if they were loaded with it. */
    record Block(long firstSeq, byte @Nullable [] lines) {}

    /** Fetches the lines of a block. */
    interface Fetch {
        byte[] lines(long firstSeq);
    }

    private final List<Entry> entries;
    private final int nextIndex;
    private final Fetch fetch;

    // Mutable state
    private long fetchedSeq;
    private byte @Nullable [] fetched;

    SegmentResults(List<Entry> entries, int nextIndex, Fetch fetch) {
        this.entries = entries;
        this.nextIndex = nextIndex;
        this.fetch = fetch;
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

    /**
     * Hands the bytes of the n-th line, with its line feed, to the sink.
     *
     * @throws StoreException if the line had to be fetched and is not there any more, or the store does not answer
     */
    public <X extends Exception> void line(int n, Sink<X> sink) throws X {
        Entry entry = entries.get(n);
        byte[] lines = entry.block().lines();
        sink.write(lines == null ? fetched(entry.block().firstSeq()) : lines, entry.offset(), entry.length());
    }

    /** The first index after this segment: where to go on. */
    public int nextIndex() {
        return nextIndex;
    }

    private byte[] fetched(long firstSeq) {
        byte[] lines = fetched;
        if (lines == null || fetchedSeq != firstSeq) {
            fetched = null; // two blocks in memory would be one too many
            lines = fetch.lines(firstSeq);
            fetched = lines;
            fetchedSeq = firstSeq;
        }
        return lines;
    }

    /** Takes bytes, as an output stream does. */
    public interface Sink<X extends Exception> {
        void write(byte[] bytes, int offset, int length) throws X;
    }
}
