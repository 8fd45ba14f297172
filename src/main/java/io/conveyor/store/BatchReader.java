package io.conveyor.store;

import io.conveyor.job.BatchOutcome;
import io.conveyor.job.BatchState;
import io.conveyor.job.Job;
import io.conveyor.job.Tally;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;

/**
 * The reading SQL, on read-only connections. Every query is short and bounded, and nothing is held open between two of
 * them: a slow reader keeps no cursor and no snapshot. Thread-safe.
 */
final class BatchReader {

    /** Lines of one segment that are loaded together, 4 MiB; above it each is fetched when it is asked for. */
    private static final long LOADED_BYTES = 4L * 1024 * 1024;

    private static final String BATCH = """
            SELECT tenant, batch_no, id, name, metadata, fingerprint, timeout_ms, state, outcome,
                total, succeeded, failed, cancelled, expired, created_at, started_at, ended_at, expires_at
            FROM batch\s""";

    private final JdbcClient jdbc;

    BatchReader(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    Optional<StoredBatch> find(String tenant, String id) {
        return jdbc.sql(BATCH + "WHERE tenant = ? AND id = ?")
                .params(tenant, id)
                .query(BatchReader::batch)
                .optional();
    }

    List<StoredBatch> list(String tenant, BatchFilter filter) {
        StringBuilder sql = new StringBuilder(BATCH + "WHERE tenant = ? AND batch_no < ?");
        List<Object> values = new ArrayList<>(List.of(tenant, filter.before()));
        if (filter.state() != null) {
            sql.append(" AND state = ?");
            values.add(filter.state().wireName());
        }
        if (filter.name() != null) {
            sql.append(" AND name = ?");
            values.add(filter.name());
        }
        values.add(filter.limit());
        return jdbc.sql(sql.append(" ORDER BY batch_no DESC LIMIT ?").toString())
                .params(values)
                .query(BatchReader::batch)
                .list();
    }

    List<StoredBatch> unfinished(long afterBatchNo, int limit) {
        return jdbc.sql(BATCH + "WHERE state <> 'ended' AND batch_no > ? ORDER BY batch_no LIMIT ?")
                .params(afterBatchNo, limit)
                .query(BatchReader::batch)
                .list();
    }

    Map<BatchState, Long> countBatches() {
        Map<BatchState, Long> counts = new EnumMap<>(BatchState.class);
        jdbc.sql("SELECT state, count(*) FROM batch GROUP BY state").query(row -> {
            counts.put(BatchState.valueOf(row.getString(1).toUpperCase(Locale.ROOT)), row.getLong(2));
        });
        return counts;
    }

    long countOpenJobs() {
        return jdbc.sql("SELECT coalesce(sum(total - succeeded - failed - cancelled - expired), 0)"
                        + " FROM batch WHERE state <> 'ended'")
                .query(Long.class)
                .single();
    }

    /** The highest batch number that was ever written, be it of a batch, an upload or one that is being swept. */
    long lastBatchNo() {
        return jdbc.sql("SELECT max(coalesce((SELECT max(batch_no) FROM batch), 0),"
                        + " coalesce((SELECT max(batch_no) FROM unowned), 0))")
                .query(Long.class)
                .single();
    }

    @Nullable
    OpenSegment openSegment(BatchRef batch, int fromIndex) {
        OpenSegment open = jdbc.sql("""
                        SELECT s.first_index, s.jobs, s.open, s.epoch, i.data
                        FROM segment s JOIN segment_input i
                            ON i.tenant = s.tenant AND i.batch_no = s.batch_no AND i.first_index = s.first_index
                        WHERE s.tenant = ? AND s.batch_no = ? AND s.first_index > ? AND s.open > 0
                            AND s.first_index + s.jobs > ?
                        ORDER BY s.first_index LIMIT 1""")
                .params(batch.tenant(), batch.batchNo(), fromIndex - PackedSegment.MAX_JOBS, fromIndex)
                .query((row, n) -> {
                    PackedSegment segment = new PackedSegment(row.getInt(1), row.getInt(2), row.getBytes(5));
                    BitSet recorded = new BitSet();
                    if (row.getInt(3) < row.getInt(2)) {
                        recorded.set(0);
                    }
                    return new OpenSegment(
                            new SegmentRef(batch, segment.firstIndex(), row.getInt(4), new BitSet()),
                            segment,
                            recorded);
                })
                .optional()
                .orElse(null);
        return open == null || open.recorded().isEmpty() ? open : withRecorded(open);
    }

    /** The same segment, knowing which of its jobs have their outcome. */
    private OpenSegment withRecorded(OpenSegment open) {
        BatchRef batch = open.ref().batch();
        BitSet recorded = new BitSet();
        jdbc.sql("SELECT directory FROM outcome_block WHERE tenant = ? AND batch_no = ? AND segment = ?")
                .params(batch.tenant(), batch.batchNo(), open.ref().firstIndex())
                .query(row -> {
                    byte[] directory = row.getBytes(1);
                    for (int entry = 0; entry < OutcomeLines.count(directory); entry++) {
                        recorded.set(OutcomeLines.place(directory, entry));
                    }
                });
        SegmentRef ref =
                new SegmentRef(batch, open.ref().firstIndex(), open.ref().epoch(), (BitSet) recorded.clone());
        return new OpenSegment(ref, open.segment(), recorded);
    }

    @Nullable
    SegmentResults results(BatchRef batch, int fromIndex) {
        int[] segment = jdbc.sql("""
                        SELECT first_index, jobs FROM segment
                        WHERE tenant = ? AND batch_no = ? AND first_index > ? AND first_index + jobs > ?
                        ORDER BY first_index LIMIT 1""")
                .params(batch.tenant(), batch.batchNo(), fromIndex - PackedSegment.MAX_JOBS, fromIndex)
                .query((row, n) -> new int[] {row.getInt(1), row.getInt(2)})
                .optional()
                .orElse(null);
        return segment == null ? null : results(batch, segment[0], segment[0] + segment[1]);
    }

    private SegmentResults results(BatchRef batch, int segment, int nextIndex) {
        long bytes = jdbc.sql("SELECT coalesce(sum(length(lines)), 0) FROM outcome_block"
                        + " WHERE tenant = ? AND batch_no = ? AND segment = ?")
                .params(batch.tenant(), batch.batchNo(), segment)
                .query(Long.class)
                .single();
        String lines = bytes <= LOADED_BYTES ? "lines" : "NULL";
        List<SegmentResults.Entry> entries = new ArrayList<>();
        jdbc.sql("SELECT first_seq, directory, " + lines + " FROM outcome_block"
                        + " WHERE tenant = ? AND batch_no = ? AND segment = ?")
                .params(batch.tenant(), batch.batchNo(), segment)
                .query(row -> {
                    byte[] loaded = row.getBytes(3);
                    addEntries(
                            entries,
                            segment,
                            row.getBytes(2),
                            new SegmentResults.Block(
                                    row.getLong(1), loaded == null ? SegmentResults.notLoaded() : loaded));
                });
        entries.sort(Comparator.comparingInt(SegmentResults.Entry::index));
        return new SegmentResults(
                entries, nextIndex, (firstSeq, offset, length) -> lines(batch, segment, firstSeq, offset, length));
    }

    private static void addEntries(
            List<SegmentResults.Entry> entries, int segment, byte[] directory, SegmentResults.Block block) {
        int offset = 0;
        for (int entry = 0; entry < OutcomeLines.count(directory); entry++) {
            int length = OutcomeLines.length(directory, entry);
            entries.add(new SegmentResults.Entry(
                    segment + OutcomeLines.place(directory, entry),
                    OutcomeLines.state(directory, entry),
                    block,
                    offset,
                    length));
            offset += length;
        }
    }

    private byte[] lines(BatchRef batch, int segment, long firstSeq, int offset, int length) {
        return jdbc.sql("SELECT substr(lines, ?, ?) FROM outcome_block"
                        + " WHERE tenant = ? AND batch_no = ? AND segment = ? AND first_seq = ?")
                .params(offset + 1, length, batch.tenant(), batch.batchNo(), segment, firstSeq)
                .query((row, n) -> row.getBytes(1))
                .single();
    }

    @Nullable
    Job job(BatchRef batch, int index) {
        PackedSegment segment = jdbc.sql("""
                        SELECT s.first_index, s.jobs, i.data
                        FROM segment s JOIN segment_input i
                            ON i.tenant = s.tenant AND i.batch_no = s.batch_no AND i.first_index = s.first_index
                        WHERE s.tenant = ? AND s.batch_no = ? AND s.first_index <= ? AND s.first_index + s.jobs > ?
                        ORDER BY s.first_index DESC LIMIT 1""")
                .params(batch.tenant(), batch.batchNo(), index, index)
                .query((row, n) -> new PackedSegment(row.getInt(1), row.getInt(2), row.getBytes(3)))
                .optional()
                .orElse(null);
        if (segment == null) {
            return null;
        }
        SegmentCursor cursor = new SegmentCursor(segment);
        while (cursor.nextIndex() < index) {
            cursor.skip();
        }
        return cursor.next();
    }

    private static StoredBatch batch(ResultSet row, int n) throws SQLException {
        String outcome = row.getString("outcome");
        return new StoredBatch(
                new BatchRef(row.getString("tenant"), row.getLong("batch_no"), row.getString("id")),
                row.getString("name"),
                row.getBytes("metadata"),
                row.getBytes("fingerprint"),
                row.getLong("timeout_ms"),
                BatchState.valueOf(row.getString("state").toUpperCase(Locale.ROOT)),
                outcome == null ? null : BatchOutcome.valueOf(outcome.toUpperCase(Locale.ROOT)),
                new Tally(
                        row.getInt("total"),
                        row.getInt("succeeded"),
                        row.getInt("failed"),
                        row.getInt("cancelled"),
                        row.getInt("expired")),
                row.getLong("created_at"),
                time(row, "started_at"),
                time(row, "ended_at"),
                time(row, "expires_at"));
    }

    private static @Nullable Long time(ResultSet row, String column) throws SQLException {
        long millis = row.getLong(column);
        return row.wasNull() ? null : millis;
    }
}
