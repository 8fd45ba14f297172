package io.conveyor.store;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.ResultSetExtractor;
import org.springframework.jdbc.core.simple.JdbcClient;

/**
 * Reads result lines a window at a time, one query each, which also tells whether the batch is there: rows are swept only
 * after it has gone, so what a window shows is all that there was. Holds nothing between two queries. Thread-safe.
 */
final class ResultReader {

    /** Bytes of lines at which a window is full, 256 KiB: a query costs as much as some hundred lines. */
    private static final int WINDOW_BYTES = 256 * 1024;

    /** A block above {@link OutcomeBlock#FULL_BYTES} is one long line; of a segment there may be 256 of them. */
    private static final String BY_INDEX = """
            SELECT s.first_index, s.jobs, s.places, o.first_seq, o.directory, o.facts,
                CASE WHEN length(o.outcomes) <= %d THEN o.outcomes END
            FROM batch b
            LEFT JOIN segment s ON s.tenant = b.tenant AND s.batch_no = b.batch_no
                AND s.first_index > ? AND s.first_index + coalesce(s.span, s.jobs) > ?
            LEFT JOIN outcome_block o
                ON o.tenant = s.tenant AND o.batch_no = s.batch_no AND o.segment = s.first_index
            WHERE b.tenant = ? AND b.batch_no = ?
            ORDER BY s.first_index, o.first_seq""".formatted(OutcomeBlock.FULL_BYTES + Checksum.BYTES);

    /** From the block on that holds the seq, or would. */
    private static final String BY_SEQ = """
            SELECT o.segment, o.first_seq, o.directory, o.facts, o.outcomes
            FROM batch b
            LEFT JOIN outcome_block o ON o.tenant = b.tenant AND o.batch_no = b.batch_no AND o.first_seq >= coalesce(
                (SELECT max(first_seq) FROM outcome_block WHERE tenant = ? AND batch_no = ? AND first_seq <= ?), 1)
            WHERE b.tenant = ? AND b.batch_no = ?
            ORDER BY o.first_seq""";

    private final JdbcClient jdbc;
    private final Seals seals;
    private final ResultRenderer renderer = new ResultRenderer();

    ResultReader(JdbcClient jdbc, Seals seals) {
        this.jdbc = jdbc;
        this.seals = seals;
    }

    @Nullable
    ResultLines byIndex(BatchRef batch, int fromIndex) {
        ResultSetExtractor<Window> read = rows -> {
            Window window = new Window(batch);
            while (!window.isFullOfSegments() && rows.next()) {
                window.batchIsThere = true;
                int segment = rows.getInt(1);
                if (rows.wasNull() || (window.isFull() && segment != window.segment)) {
                    break;
                }
                if (segment != window.segment) {
                    window.startSegment(segment, Places.read(rows.getInt(2), rows.getBytes(3)));
                }
                int firstSeq = rows.getInt(4);
                if (!rows.wasNull()) {
                    // beyond the bytes of a window lines are fetched when they are asked for
                    byte[] values = window.isFull() ? null : rows.getBytes(7);
                    window.add(segment, firstSeq, rows.getBytes(5), rows.getBytes(6), values);
                }
            }
            return window;
        };
        Window window = jdbc.sql(BY_INDEX)
                .params(fromIndex - PackedSegment.MAX_JOBS, fromIndex, batch.tenant(), batch.batchNo())
                .query(read);
        return found(batch, window).byIndex();
    }

    ResultLines bySeq(BatchRef batch, int afterSeq) {
        ResultSetExtractor<Window> read = rows -> {
            Window window = new Window(batch);
            while (!window.isFull() && rows.next()) {
                window.batchIsThere = true;
                int segment = rows.getInt(1);
                if (!rows.wasNull()) {
                    window.add(segment, rows.getInt(2), rows.getBytes(3), rows.getBytes(4), rows.getBytes(5));
                }
            }
            return window;
        };
        Window window = jdbc.sql(BY_SEQ)
                .params(batch.tenant(), batch.batchNo(), afterSeq + 1, batch.tenant(), batch.batchNo())
                .query(read);
        return found(batch, window).bySeq(afterSeq);
    }

    private static Window found(BatchRef batch, Window window) {
        if (!window.batchIsThere) {
            throw gone(batch);
        }
        return window;
    }

    static StoreException gone(BatchRef batch) {
        return new StoreException(
                StoreException.Reason.UNAVAILABLE, "The batch " + batch.id() + " is not here, or not any more");
    }

    private byte[] lines(BatchRef batch, ResultLines.Block block) {
        return BatchReader.reading(() -> jdbc.sql("SELECT directory, facts, outcomes FROM outcome_block"
                        + " WHERE tenant = ? AND batch_no = ? AND segment = ? AND first_seq = ?")
                .params(batch.tenant(), batch.batchNo(), block.segment(), block.firstSeq())
                .query((row, n) -> Objects.requireNonNull(lines(
                                batch,
                                block.segment(),
                                block.firstSeq(),
                                seals.openDirectory(batch, block.segment(), block.firstSeq(), row.getBytes(1)),
                                row.getBytes(2),
                                row.getBytes(3))
                        .bytes()))
                .optional()
                .orElseThrow(() -> gone(batch)));
    }

    /** Blocks without facts were written by a version that stored the lines themselves. */
    private ResultRenderer.Lines lines(
            BatchRef batch,
            int segment,
            int firstSeq,
            byte[] directory,
            byte @Nullable [] facts,
            byte @Nullable [] values) {
        if (facts == null) {
            return new ResultRenderer.Lines(values, OutcomeBlock.lengths(directory));
        }
        byte[] opened = values == null ? null : seals.openValues(batch, segment, firstSeq, facts, values);
        return renderer.render(segment, firstSeq, directory, facts, opened);
    }

    /** What a query has found so far. Not thread-safe. */
    private final class Window {

        private final BatchRef batch;
        private final List<ResultLines.Entry> entries = new ArrayList<>();
        private boolean batchIsThere;
        private final List<ResultLines.Segment> segments = new ArrayList<>();
        private int segment = -1;
        private int jobs;
        private int firstOfSegment;
        private long bytes;

        Window(BatchRef batch) {
            this.batch = batch;
        }

        boolean isFull() {
            return bytes >= WINDOW_BYTES;
        }

        /** Whether no row of the segments begun is missing, and there are lines enough. */
        boolean isFullOfSegments() {
            return isFull() && entries.size() - firstOfSegment == jobs;
        }

        void startSegment(int firstIndex, Places places) {
            segment = firstIndex;
            jobs = places.count();
            firstOfSegment = entries.size();
            segments.add(new ResultLines.Segment(firstIndex, places));
        }

        void add(int inSegment, int firstSeq, byte[] sealed, byte @Nullable [] facts, byte @Nullable [] values) {
            byte[] directory = seals.openDirectory(batch, inSegment, firstSeq, sealed);
            ResultRenderer.Lines lines = lines(batch, inSegment, firstSeq, directory, facts, values);
            ResultLines.Block block = new ResultLines.Block(inSegment, firstSeq, lines.bytes());
            int offset = 0;
            for (int entry = 0; entry < lines.lengths().length; entry++) {
                int length = lines.lengths()[entry];
                entries.add(new ResultLines.Entry(
                        inSegment + OutcomeBlock.place(directory, entry),
                        firstSeq + entry,
                        OutcomeBlock.state(directory, entry),
                        block,
                        offset,
                        length));
                offset += length;
            }
            bytes += offset;
        }

        /** Null if there was no segment. */
        @Nullable
        ResultLines byIndex() {
            if (segment < 0) {
                return null;
            }
            return new ResultLines(inOrder(), segments, block -> lines(batch, block));
        }

        /** Each segment's entries stand together; within it every place is there once at the most. */
        private List<ResultLines.Entry> inOrder() {
            ResultLines.@Nullable Entry[] places = new ResultLines.Entry[PackedSegment.MAX_JOBS];
            List<ResultLines.Entry> sorted = new ArrayList<>(entries.size());
            int begin = 0;
            while (begin < entries.size()) {
                int first = entries.get(begin).block().segment();
                int end = begin;
                while (end < entries.size() && entries.get(end).block().segment() == first) {
                    ResultLines.Entry entry = entries.get(end++);
                    places[entry.index() - first] = entry;
                }
                for (int place = 0; place < places.length; place++) {
                    ResultLines.Entry entry = places[place];
                    if (entry != null) {
                        sorted.add(entry);
                        places[place] = null;
                    }
                }
                begin = end;
            }
            return sorted;
        }

        ResultLines bySeq(int afterSeq) {
            int skip = 0;
            while (skip < entries.size() && entries.get(skip).seq() <= afterSeq) {
                skip++;
            }
            return new ResultLines(entries.subList(skip, entries.size()), segments, block -> lines(batch, block));
        }
    }
}
