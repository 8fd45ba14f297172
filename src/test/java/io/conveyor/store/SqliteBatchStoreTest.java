package io.conveyor.store;

import static io.conveyor.store.Batches.batch;
import static org.assertj.core.api.Assertions.assertThat;

import io.conveyor.job.BatchRules;
import io.conveyor.job.BatchState;
import io.conveyor.job.JobState;
import io.conveyor.job.OnError;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import org.junit.jupiter.api.Test;

/** What is special to the store on SQLite. */
final class SqliteBatchStoreTest extends StoreContract<SqliteHarness> {

    SqliteBatchStoreTest() {
        super(new SqliteHarness());
    }

    @Test
    void whatACrashLeftInTheLogIsOnTheDiskBeforeItIsShown() throws SQLException {
        Batches.seal(store, "b1", 300, 256);
        Path copy = SqliteStores.crashCopy(harness.current().file.path(), "sqlite-log");
        try (Connection other = DriverManager.getConnection("jdbc:sqlite:" + copy);
                Statement statement = other.createStatement()) {
            statement.executeQuery("SELECT count(*) FROM batch").close(); // from now on a closing one leaves the log
            assertThat(copy.resolveSibling("conveyor.db-wal")).isNotEmptyFile();

            BatchStore after = harness.open(copy).store;

            assertThat(after.find(Batches.TENANT, "b1")).isPresent();
            assertThat(after.status().walBytes()).isZero();
            assertThat(after.status().databaseBytes()).isPositive();
            assertThat(after.status().freeBytes()).isPositive();
        }
    }

    @Test
    void closingAndOpeningAgainFindsEverything() {
        end("b1", 300);
        NewBatch open = Batches.seal(store, "b2", 20, 256);
        for (int i = 0; i < 5; i++) {
            store.record(Batches.outcome(SegmentRef.fresh(open.ref(), 0), i)); // each knows nothing of the others
        }

        store = harness.reopen();

        assertThat(found("b1").ended()).isTrue();
        assertThat(found("b2").tally().succeeded()).isEqualTo(5);
        assertThat(resultLines(open.ref())).hasSize(found("b2").tally().succeeded());
        assertThat(store.status().backlogJobs()).isEqualTo(found("b2").tally().open());
    }

    @Test
    void batchesOfAnOlderLayoutSayNothingAndACancelledOneStaysSo() throws SQLException {
        Path path = SqliteStores.ofLayout("4");
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + path);
                Statement statement = connection.createStatement()) {
            statement.execute("""
                    INSERT INTO batch (batch_no, tenant, id, fingerprint, timeout_ms, state, total, succeeded, failed,
                        cancelled, expired, created_at, cancel_requested_at)
                    VALUES (1, 'acme', 'old', x'00', 5, 'running', 2, 0, 0, 0, 0, 1, NULL),
                        (2, 'acme', 'cancelled', x'00', 0, 'cancelling', 2, 0, 0, 0, 0, 1, 17)""");
        }

        store = harness.open(path).store;

        assertThat(found("old").rules()).isEqualTo(new BatchRules(5, 0, 0, 0, OnError.CONTINUE));
        assertThat(found("old").origin()).isEqualTo(Origin.CLIENT);
        assertThat(found("cancelled").state()).isEqualTo(BatchState.CANCELLING);
        assertThat(store.cancel(found("cancelled").ref())).isFalse();
    }

    @Test
    void resultsOfAnOlderLayoutAreReadAsTheyWereWritten() throws SQLException {
        Path path = SqliteStores.ofLayout("2");
        String first = "{\"index\":1,\"seq\":1,\"state\":\"failed\",\"error\":{}}\n";
        String second = "{\"index\":0,\"seq\":2,\"state\":\"succeeded\",\"output\":[1]}\n";
        String directory = "0166000000%02x0073000000%02x".formatted(first.length(), second.length());
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + path);
                Statement statement = connection.createStatement()) {
            statement.execute("""
                    INSERT INTO batch (batch_no, tenant, id, fingerprint, timeout_ms, state, outcome, total, succeeded,
                        failed, cancelled, expired, created_at, ended_at, expires_at)
                    VALUES (1, 'acme', 'old', x'00', 0, 'ended', 'partial', 2, 1, 1, 0, 0, 1, 2, 9000000000000)""");
            statement.execute("INSERT INTO segment (tenant, batch_no, first_index, jobs, open, epoch)"
                    + " VALUES ('acme', 1, 0, 2, 0, 0)");
            statement.execute("INSERT INTO outcome_block (tenant, batch_no, segment, first_seq, directory, lines)"
                    + " VALUES ('acme', 1, 0, 1, x'" + directory + "', CAST('" + first + second + "' AS BLOB))");
        }

        store = harness.open(path).store;

        BatchRef batch = new BatchRef("acme", 1, "old");
        assertThat(resultLines(batch)).containsExactly(second, first);
        assertThat(store.resultsBySeq(batch, 1).state(0)).isEqualTo(JobState.SUCCEEDED);
    }
}
