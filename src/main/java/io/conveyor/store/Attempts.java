package io.conveyor.store;

import static io.conveyor.store.BatchReader.reading;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import org.springframework.jdbc.core.simple.JdbcClient;

/**
 * Jobs that wait for another attempt: one row each, from the first failed attempt to the outcome. Those that somebody
 * has in hand (they are on their way to the pool, or run) have no due time; whoever takes their batch up anew lets them
 * go. Writes by the common writer, reads on connections of its own. Thread-safe.
 */
final class Attempts {

    private static final String NOTE = """
            INSERT INTO attempt (tenant, batch_no, job_index, attempts, started_at, duration_ms, target, due_at)
            SELECT ?, ?, ?, ?, ?, ?, ?, ? FROM segment
            WHERE tenant = ? AND batch_no = ? AND first_index = ? AND epoch = ? AND open > 0
            ON CONFLICT (tenant, batch_no, job_index) DO UPDATE SET attempts = excluded.attempts,
                started_at = excluded.started_at, duration_ms = excluded.duration_ms, target = excluded.target,
                due_at = excluded.due_at""";
    private static final String STARTED = """
            UPDATE batch SET started_at = min(coalesce(started_at, ?), ?)
            WHERE tenant = ? AND batch_no = ? AND state <> 'ended'""";
    private static final String SETTLE = "DELETE FROM attempt WHERE tenant = ? AND batch_no = ? AND job_index = ?";
    private static final String TAKE = """
            UPDATE attempt SET due_at = NULL
            WHERE tenant = ? AND batch_no = ? AND job_index = ? AND due_at IS NOT NULL""";
    private static final String PUT_OFF = """
            UPDATE attempt SET due_at = ? WHERE tenant = ? AND batch_no = ? AND job_index = ?""";
    private static final String LET_GO =
            "UPDATE attempt SET due_at = 0 WHERE tenant = ? AND batch_no = ? AND due_at IS NULL";
    private static final String BRING_FORWARD = "UPDATE attempt SET due_at = ? WHERE due_at > ?";
    private static final String WAITING = """
            SELECT job_index, attempts, started_at, duration_ms, target
            FROM attempt WHERE tenant = ? AND batch_no = ?\s""";

    private final GroupCommitter committer;
    private final JdbcClient jdbc;

    Attempts(GroupCommitter committer, JdbcClient jdbc) {
        this.committer = committer;
        this.jdbc = jdbc;
    }

    /** Notes a failed attempt; false when its segment is gone, done, or another's. Writer thread only, as the next three. */
    static boolean note(WriteSession session, AttemptEntry attempt) throws SQLException {
        SegmentRef segment = attempt.segment();
        BatchRef batch = segment.batch();
        return session.update(
                        NOTE,
                        batch.tenant(),
                        batch.batchNo(),
                        attempt.index(),
                        attempt.run().attempts(),
                        attempt.run().startedAt(),
                        attempt.run().durationNanos() / 1_000_000,
                        attempt.target(),
                        attempt.dueAt(),
                        batch.tenant(),
                        batch.batchNo(),
                        segment.firstIndex(),
                        segment.epoch())
                == 1;
    }

    /** The first job of a batch started then, if none is known to have started before. */
    static void started(WriteSession session, BatchRef batch, long startedAt) throws SQLException {
        session.update(STARTED, startedAt, startedAt, batch.tenant(), batch.batchNo());
    }

    /** A job has its outcome; how many rows are gone for it. */
    static int settle(WriteSession session, BatchRef batch, int index) throws SQLException {
        return session.update(SETTLE, batch.tenant(), batch.batchNo(), index);
    }

    /** Nobody has anything of the batch in hand any more. */
    static void letGo(WriteSession session, BatchRef batch) throws SQLException {
        session.update(LET_GO, batch.tenant(), batch.batchNo());
    }

    Set<Integer> take(BatchRef batch, Collection<Integer> indexes, Map<Integer, Long> putOff) {
        return committer.write(session -> {
            Set<Integer> taken = new HashSet<>();
            for (int index : indexes) {
                if (session.update(TAKE, batch.tenant(), batch.batchNo(), index) == 1) {
                    taken.add(index);
                }
            }
            for (Map.Entry<Integer, Long> later : putOff.entrySet()) {
                session.update(PUT_OFF, later.getValue(), batch.tenant(), batch.batchNo(), later.getKey());
            }
            return taken;
        });
    }

    void bringForward(long latest) {
        committer.write(session -> session.update(BRING_FORWARD, latest, latest));
    }

    List<WaitingAttempt> due(BatchRef batch, long now, int limit) {
        return waiting("AND due_at <= ? ORDER BY due_at LIMIT ?", batch, now, limit);
    }

    List<WaitingAttempt> after(BatchRef batch, int index, int limit) {
        return waiting("AND job_index > ? AND due_at IS NOT NULL ORDER BY job_index LIMIT ?", batch, index, limit);
    }

    private List<WaitingAttempt> waiting(String which, BatchRef batch, long from, int limit) {
        return reading(() -> jdbc.sql(WAITING + which)
                .params(batch.tenant(), batch.batchNo(), from, limit)
                .query(Attempts::attempt)
                .list());
    }

    private static WaitingAttempt attempt(ResultSet row, int n) throws SQLException {
        return new WaitingAttempt(row.getInt(1), row.getInt(2), row.getLong(3), row.getLong(4), row.getString(5));
    }

    OptionalLong next(BatchRef batch) {
        List<Long> next = reading(
                () -> jdbc.sql("SELECT due_at FROM attempt WHERE tenant = ? AND batch_no = ? AND due_at IS NOT NULL"
                                + " ORDER BY due_at LIMIT 1")
                        .params(batch.tenant(), batch.batchNo())
                        .query(Long.class)
                        .list());
        return next.isEmpty() ? OptionalLong.empty() : OptionalLong.of(next.get(0));
    }

    /** Batches that are not paused, the first due first. Looks at all that waits: not for every day. */
    List<DueBatch> batches(int limit) {
        return reading(() -> jdbc.sql("""
                        SELECT b.batch_no, min(a.due_at) AS due
                        FROM attempt a JOIN batch b ON b.tenant = a.tenant AND b.batch_no = a.batch_no
                        WHERE a.due_at IS NOT NULL AND b.state NOT IN ('paused', 'ended')
                        GROUP BY b.batch_no ORDER BY due LIMIT ?""")
                .params(limit)
                .query((row, n) -> new DueBatch(row.getLong(1), row.getLong(2)))
                .list());
    }

    /** How many rows there are. */
    static long count(JdbcClient jdbc) {
        return jdbc.sql("SELECT count(*) FROM attempt").query(Long.class).single();
    }
}
