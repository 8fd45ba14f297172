package io.conveyor.store;

import java.sql.SQLException;
import java.util.List;

/**
 * One step of sweeping: some of what hung on batches and uploads that are gone, no more than a short transaction takes, be
 * it of one large batch or of many small ones. Lives for that transaction; writer thread only.
 */
final class SweepStep {

    /** Rows deleted in one step: a few milliseconds. */
    static final int ROWS = 256;

    /** Bytes of values deleted in one step, 2 MiB, since the pages of long ones are read for it; or one value that is longer. */
    static final int BYTES = 2 * 1024 * 1024;

    private static final String UNOWNED =
            "SELECT tenant, batch_no FROM unowned WHERE uploading = 0 ORDER BY batch_no LIMIT " + ROWS;
    private static final String SWEEP_SUSPECTS = "DELETE FROM suspect WHERE tenant = ? AND batch_no = ?";
    private static final String SWEPT = "DELETE FROM unowned WHERE batch_no = ?";

    private static final List<Table> TABLES = List.of(
            Table.of("outcome_block", "first_seq", "length(outcomes)"),
            Table.of("attempt", "job_index", "0"),
            Table.of("segment_input", "first_index", "length(data)"),
            Table.of("segment", "first_index", "0"));

    /** What is swept row by row; asking for a length does not read the value. */
    private record Table(String rows, String delete) {

        static Table of(String name, String order, String bytes) {
            return new Table(
                    "SELECT %s, %s FROM %s WHERE tenant = ? AND batch_no = ? ORDER BY 1 LIMIT ?"
                            .formatted(order, bytes, name),
                    "DELETE FROM %s WHERE tenant = ? AND batch_no = ? AND %s <= ?".formatted(name, order));
        }
    }

    private record Row(long order, long bytes) {}

    private final WriteSession session;

    // Mutable state
    private int rows;
    private long bytes;

    SweepStep(WriteSession session) {
        this.session = session;
    }

    /** False when there was nothing to do. */
    boolean take() throws SQLException {
        List<BatchRef> gone = session.refs(UNOWNED);
        for (BatchRef batch : gone) {
            if (!sweep(batch)) {
                return true;
            }
            session.update(SWEEP_SUSPECTS, batch.tenant(), batch.batchNo());
            session.update(SWEPT, batch.batchNo());
        }
        return !gone.isEmpty();
    }

    /** False when the step is full before nothing of the batch is left. */
    private boolean sweep(BatchRef batch) throws SQLException {
        for (Table table : TABLES) {
            if (!sweep(table, batch)) {
                return false;
            }
        }
        return true;
    }

    private boolean sweep(Table table, BatchRef batch) throws SQLException {
        List<Row> found = session.list(
                table.rows(),
                row -> new Row(row.getLong(1), row.getLong(2)),
                batch.tenant(),
                batch.batchNo(),
                ROWS - rows + 1);
        int fit = 0;
        while (fit < found.size() && fits(found.get(fit))) {
            rows++;
            bytes += found.get(fit).bytes();
            fit++;
        }
        if (fit > 0) {
            session.update(
                    table.delete(),
                    batch.tenant(),
                    batch.batchNo(),
                    found.get(fit - 1).order());
        }
        return fit == found.size();
    }

    private boolean fits(Row row) {
        return rows == 0 || (rows < ROWS && bytes + row.bytes() <= BYTES);
    }
}
