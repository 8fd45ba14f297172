package io.conveyor.store;

import io.conveyor.job.BatchOutcome;
import io.conveyor.job.BatchRules;
import io.conveyor.job.BatchState;
import io.conveyor.job.Job;
import io.conveyor.job.OnError;
import io.conveyor.job.StopReason;
import io.conveyor.job.Tally;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.springframework.dao.DataAccessException;
import org.springframework.jdbc.core.simple.JdbcClient;

/**
 * The reading SQL, on read-only connections. Every query is short and bounded, and nothing is held open between two of
 * them: a slow reader keeps no cursor and no snapshot. No query runs inside another's row mapper, which would need two
 * connections at once. Thread-safe.
 */
final class BatchReader {

    private static final String BATCH = """
            SELECT tenant, batch_no, id, name, metadata, fingerprint, timeout_ms, max_attempts, max_concurrency,
                on_error, deadline_at, retry_of, continuation_of, state, outcome, total, succeeded, failed, cancelled, expired,
                coalesce(index_end, total) AS index_end,
                created_at, started_at, stop_reason, cancel_requested_at, ended_at, expires_at
            FROM batch\s""";

    private final JdbcClient jdbc;
    private final Seals seals;

    BatchReader(JdbcClient jdbc, Seals seals) {
        this.jdbc = jdbc;
        this.seals = seals;
    }

    Optional<StoredBatch> find(String tenant, String id) {
        return jdbc.sql(BATCH + "WHERE tenant = ? AND id = ?")
                .params(tenant, id)
                .query(BatchReader::batch)
                .optional();
    }

    Optional<KeptKey> findKey(String tenant, String key) {
        return jdbc.sql("SELECT batch_no, batch_id, fingerprint FROM idempotency_key WHERE tenant = ? AND key = ?")
                .params(tenant, key)
                .query((row, n) -> new KeptKey(new BatchRef(tenant, row.getLong(1), row.getString(2)), row.getBytes(3)))
                .optional();
    }

    List<StoredBatch> list(String tenant, BatchFilter filter) {
        StringBuilder sql = new StringBuilder(BATCH + "WHERE tenant = ? AND batch_no < ?");
        List<Object> values = new ArrayList<>(List.of(tenant, filter.before()));
        if (filter.state() != null) {
            // the second condition opens the small index of what has not ended
            sql.append(filter.state() == BatchState.ENDED ? " AND state = ?" : " AND state = ? AND state <> 'ended'");
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
        return jdbc.sql(BATCH
                        + "WHERE state <> 'ended' AND state <> 'paused' AND batch_no > ? ORDER BY batch_no LIMIT ?")
                .params(afterBatchNo, limit)
                .query(BatchReader::batch)
                .list();
    }

    /** When the next deadline is, by the steady clock, of a batch that has not been stopped. */
    OptionalLong nextDue() {
        Long due = jdbc.sql("SELECT min(due_at) FROM batch"
                        + " WHERE due_at IS NOT NULL AND stop_reason IS NULL AND state <> 'ended'")
                .query(Long.class)
                .optional()
                .orElse(null);
        return due == null ? OptionalLong.empty() : OptionalLong.of(due);
    }

    Map<BatchState, Long> countBatches() {
        Map<BatchState, Long> counts = new EnumMap<>(BatchState.class);
        jdbc.sql("""
                        SELECT state, count(*) FROM batch WHERE state <> 'ended' GROUP BY state
                        UNION ALL SELECT 'ended', count(*) FROM batch WHERE expires_at IS NOT NULL""").query(row -> {
            counts.put(BatchState.valueOf(row.getString(1).toUpperCase(Locale.ROOT)), row.getLong(2));
        });
        return counts;
    }

    /** Bytes that the database has and nobody uses. */
    long unusedBytes(SqlDialect dialect) {
        return jdbc.sql(dialect.unusedBytes()).query(Long.class).single();
    }

    long countOpenJobs() {
        return jdbc.sql("SELECT coalesce(sum(total - succeeded - failed - cancelled - expired), 0)"
                        + " FROM batch WHERE state <> 'ended'")
                .query(Long.class)
                .single();
    }

    long countAttempts() {
        return Attempts.count(jdbc);
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
        return jdbc.sql("""
                        SELECT s.first_index, s.jobs, s.places, i.data, s.open, s.epoch, (
                            SELECT string_agg(CAST(a.job_index - s.first_index AS TEXT), ',') FROM attempt a
                            WHERE a.tenant = s.tenant AND a.batch_no = s.batch_no
                                AND a.job_index >= s.first_index AND a.job_index < s.first_index + coalesce(s.span, s.jobs))
                        FROM batch b
                        JOIN segment s ON s.tenant = b.tenant AND s.batch_no = b.batch_no
                        JOIN segment_input i
                            ON i.tenant = s.tenant AND i.batch_no = s.batch_no AND i.first_index = s.first_index
                        WHERE b.tenant = ? AND b.batch_no = ? AND s.first_index > ? AND s.open > 0
                            AND s.first_index + coalesce(s.span, s.jobs) > ?
                        ORDER BY s.first_index LIMIT 1""")
                .params(batch.tenant(), batch.batchNo(), fromIndex - PackedSegment.MAX_JOBS, fromIndex)
                .query((row, n) ->
                        new Found(segment(batch, row), row.getInt(5), row.getInt(6), places(row.getString(7))))
                .optional()
                .map(found -> open(batch, found))
                .orElse(null);
    }

    private OpenSegment open(BatchRef batch, Found found) {
        int firstIndex = found.segment().firstIndex();
        boolean begun = found.open() < found.segment().jobs();
        BitSet recorded = begun ? recordedPlaces(batch, firstIndex) : new BitSet();
        SegmentRef ref = new SegmentRef(batch, firstIndex, found.epoch(), (BitSet) recorded.clone());
        return new OpenSegment(ref, found.segment(), recorded, found.tried());
    }

    /** Numbers with a comma between. */
    private static BitSet places(@Nullable String list) {
        BitSet places = new BitSet();
        if (list != null) {
            for (String place : list.split(",", -1)) {
                places.set(Integer.parseInt(place));
            }
        }
        return places;
    }

    private BitSet recordedPlaces(BatchRef batch, int segment) {
        BitSet recorded = new BitSet();
        jdbc.sql("SELECT directory, first_seq FROM outcome_block WHERE tenant = ? AND batch_no = ? AND segment = ?")
                .params(batch.tenant(), batch.batchNo(), segment)
                .query(row -> {
                    OutcomeBlock.addPlaces(
                            seals.openDirectory(batch, segment, row.getInt(2), row.getBytes(1)), recorded);
                });
        return recorded;
    }

    @Nullable
    Job job(BatchRef batch, int index) {
        PackedSegment segment = segmentOf(batch, index);
        if (segment == null) {
            return null;
        }
        SegmentCursor cursor = new SegmentCursor(segment);
        while (cursor.nextIndex() < index) {
            cursor.skip();
        }
        return cursor.nextIndex() == index ? cursor.next() : null;
    }

    /** The segment within which that index stands, or null. */
    @Nullable
    PackedSegment segmentOf(BatchRef batch, int index) {
        return jdbc.sql("""
                        SELECT s.first_index, s.jobs, s.places, i.data
                        FROM batch b
                        JOIN segment s ON s.tenant = b.tenant AND s.batch_no = b.batch_no
                        JOIN segment_input i
                            ON i.tenant = s.tenant AND i.batch_no = s.batch_no AND i.first_index = s.first_index
                        WHERE b.tenant = ? AND b.batch_no = ? AND s.first_index <= ?
                            AND s.first_index + coalesce(s.span, s.jobs) > ?
                        ORDER BY s.first_index DESC LIMIT 1""")
                .params(batch.tenant(), batch.batchNo(), index, index)
                .query((row, n) -> segment(batch, row))
                .optional()
                .orElse(null);
    }

    /** Of a row that begins with a segment: first index, jobs, places, data. */
    private PackedSegment segment(BatchRef batch, ResultSet row) throws SQLException {
        int firstIndex = row.getInt(1);
        Places places = Places.read(row.getInt(2), row.getBytes(3));
        return new PackedSegment(firstIndex, places, seals.openInput(batch, firstIndex, places, row.getBytes(4)));
    }

    /** Runs a query; what Spring throws leaves as what the port promises. */
    static <T extends @Nullable Object> T reading(Supplier<T> query) {
        try {
            return query.get();
        } catch (DataAccessException e) {
            if (SqliteDialect.isDamaged(e.getRootCause())) {
                throw new StoreException(StoreException.Reason.DAMAGED, "The file of the store is damaged", e);
            }
            throw new StoreException(StoreException.Reason.UNAVAILABLE, "The store cannot be read", e);
        }
    }

    private static StoredBatch batch(ResultSet row, int n) throws SQLException {
        String outcome = row.getString("outcome");
        String reason = row.getString("stop_reason");
        return new StoredBatch(
                new BatchRef(row.getString("tenant"), row.getLong("batch_no"), row.getString("id")),
                row.getString("name"),
                row.getBytes("metadata"),
                row.getBytes("fingerprint"),
                rules(row),
                new Origin(row.getString("retry_of"), row.getString("continuation_of")),
                BatchState.valueOf(row.getString("state").toUpperCase(Locale.ROOT)),
                outcome == null ? null : BatchOutcome.valueOf(outcome.toUpperCase(Locale.ROOT)),
                new Tally(
                        row.getInt("total"),
                        row.getInt("succeeded"),
                        row.getInt("failed"),
                        row.getInt("cancelled"),
                        row.getInt("expired")),
                row.getInt("index_end"),
                row.getLong("created_at"),
                time(row, "started_at"),
                reason == null ? null : StopReason.ofWireName(reason).orElseThrow(),
                time(row, "cancel_requested_at"),
                time(row, "ended_at"),
                time(row, "expires_at"));
    }

    private static BatchRules rules(ResultSet row) throws SQLException {
        Long deadlineAt = time(row, "deadline_at");
        return new BatchRules(
                row.getLong("timeout_ms"),
                row.getInt("max_attempts"),
                row.getInt("max_concurrency"),
                deadlineAt == null ? 0 : deadlineAt - row.getLong("created_at"),
                OnError.ofText(row.getString("on_error")));
    }

    private static @Nullable Long time(ResultSet row, String column) throws SQLException {
        long millis = row.getLong(column);
        return row.wasNull() ? null : millis;
    }

    /** What one query has read at one moment: a job that is not among those tried had its outcome by then, or was new. */
    private record Found(PackedSegment segment, int open, int epoch, BitSet tried) {}
}
