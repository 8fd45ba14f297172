package io.conveyor.store;

import java.sql.SQLException;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * The jobs that ran when a process died: counted at the start of the next, cleared by the end of their next run, whichever it
 * is. Writer thread only. Costs nothing while there are none.
 */
final class Suspects {

    private static final String COUNT_RUN = "INSERT INTO crash (run) VALUES (?) ON CONFLICT DO NOTHING";
    private static final String FORGET_RUNS = "DELETE FROM crash WHERE run <> ?";
    private static final String TENANT = "SELECT tenant, batch_no FROM batch WHERE batch_no = ? AND state <> 'ended'";
    private static final String CRASHES =
            "SELECT crashes FROM suspect WHERE tenant = ? AND batch_no = ? AND job_index = ?";
    private static final String NOTE = """
            INSERT INTO suspect (tenant, batch_no, job_index, crashes) VALUES (?, ?, ?, ?)
            ON CONFLICT (tenant, batch_no, job_index) DO UPDATE SET crashes = excluded.crashes""";
    private static final String ALL =
            "SELECT tenant, batch_no, job_index, crashes FROM suspect ORDER BY batch_no, job_index";
    private static final String CLEAR = "DELETE FROM suspect WHERE tenant = ? AND batch_no = ? AND job_index = ?";

    // Mutable state
    /** Those that may have a row. None comes while a process runs. */
    private final Set<RunningLog.Entry> known = new HashSet<>();

    /** Counts the end of a process, once however often it is told of; all there are then. */
    List<Suspect> crashed(WriteSession session, long run, List<RunningLog.Entry> running) throws SQLException {
        if (!running.isEmpty() && session.update(COUNT_RUN, run) == 1) {
            session.update(FORGET_RUNS, run);
            for (RunningLog.Entry entry : running) {
                note(session, entry, running.size() == 1);
            }
        }
        List<Suspect> all = session.list(
                ALL,
                row -> new Suspect(new BatchRef(row.getString(1), row.getLong(2), ""), row.getInt(3), row.getInt(4)));
        all.forEach(suspect -> known.add(new RunningLog.Entry(suspect.batch().batchNo(), suspect.index())));
        return all;
    }

    private static void note(WriteSession session, RunningLog.Entry entry, boolean alone) throws SQLException {
        for (BatchRef batch : session.refs(TENANT, entry.batchNo())) {
            List<Integer> before =
                    session.list(CRASHES, row -> row.getInt(1), batch.tenant(), batch.batchNo(), entry.index());
            int crashes = Suspect.after(before.isEmpty() ? 0 : before.get(0), alone);
            session.update(NOTE, batch.tenant(), batch.batchNo(), entry.index(), crashes);
        }
    }

    /** The job has come to an end of some sort. */
    void clear(WriteSession session, BatchRef batch, int index) throws SQLException {
        if (!known.isEmpty() && known.contains(new RunningLog.Entry(batch.batchNo(), index))) {
            session.update(CLEAR, batch.tenant(), batch.batchNo(), index);
        }
    }
}
