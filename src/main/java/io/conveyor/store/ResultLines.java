package io.conveyor.store;

import io.conveyor.job.JobState;
import java.nio.ByteBuffer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Some results of a batch, in input order or in the order of completion. Holds the lines themselves while they are small,
 * else one block of them at a time, fetched when a line of it is asked for: however large the outputs and however slow
 * the reader, little more than 256 KiB or one line stand in memory. Not thread-safe; holds no connection between calls.
 */
public final class ResultLines {

    /** One line: where it stands and how long it is. */
    record Entry(int index, int seq, JobState state, Block block, int offset, int length) {}

    /** One outcome block: its key, and its lines if they were loaded with it. */
    record Block(int segment, int firstSeq, byte @Nullable [] lines) {}

    /** A segment that the results are of: which indexes there are. */
    record Segment(int firstIndex, Places places) {

        int endIndex() {
            return firstIndex + places.span();
        }
    }

    /** Fetches the lines of a block. */
    interface Fetch {
        byte[] lines(Block block);
    }

    private final List<Entry> entries;
    private final List<Segment> segments;
    private final Fetch fetch;

    // Mutable state
    private int fetchedSeq;
    private byte @Nullable [] fetched;

    /** @param segments in input order: all that these results are of, without a job left out */
    ResultLines(List<Entry> entries, List<Segment> segments, Fetch fetch) {
        this.entries = entries;
        this.segments = segments;
        this.fetch = fetch;
    }

    /** Number of results. */
    public int size() {
        return entries.size();
    }

    /** Index of the job of the n-th result. */
    public int index(int n) {
        return entries.get(n).index();
    }

    /** Completion number of the n-th result. */
    public int seq(int n) {
        return entries.get(n).seq();
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
        sink.write(lines(entry.block()), entry.offset(), entry.length());
    }

    /**
     * Copies bytes of the n-th line from a place in it on, as many as there is room for, but none from {@code end} on.
     *
     * @return the place to go on from
     * @throws StoreException as {@link #line}
     */
    public int copy(int n, int from, int end, ByteBuffer to) {
        Entry entry = entries.get(n);
        int count = Math.min(end - from, to.remaining());
        to.put(lines(entry.block()), entry.offset() + from, count);
        return from + count;
    }

    /** In input order: the first index after the segments that these results are of, where to go on. */
    public int nextIndex() {
        return segments.get(segments.size() - 1).endIndex();
    }

    /**
     * In input order: the index of the first job, in the segments that these results are of, from that index on, be its
     * result there or not; {@link #nextIndex} if there is none.
     */
    public int jobFrom(int index) {
        int low = 0;
        int high = segments.size();
        while (low < high) { // the first segment that ends behind the index
            int middle = (low + high) >>> 1;
            if (segments.get(middle).endIndex() > index) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        if (low == segments.size()) {
            return nextIndex();
        }
        Segment segment = segments.get(low);
        return segment.firstIndex() + segment.places().next(Math.max(0, index - segment.firstIndex()));
    }

    private byte[] lines(Block block) {
        byte[] lines = block.lines();
        return lines == null ? fetched(block) : lines;
    }

    private byte[] fetched(Block block) {
        byte[] lines = fetched;
        if (lines == null || fetchedSeq != block.firstSeq()) {
            fetched = null; // two blocks in memory would be one too many
            lines = fetch.lines(block);
            fetched = lines;
            fetchedSeq = block.firstSeq();
        }
        return lines;
    }

    /** Takes bytes, as an output stream does. */
    public interface Sink<X extends Exception> {
        void write(byte[] bytes, int offset, int length) throws X;
    }
}
