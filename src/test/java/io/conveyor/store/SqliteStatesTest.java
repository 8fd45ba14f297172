package io.conveyor.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.conveyor.job.BatchState;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Arrays;
import java.util.stream.Stream;
import org.flywaydb.core.Flyway;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The database lets a batch go where {@link BatchState} lets it, and nowhere else; every other test of the store runs on it. */
class SqliteStatesTest {

    @SuppressWarnings("NullAway.Init")
    private static Connection connection;

    @BeforeAll
    static void open() throws SQLException {
        Path path = SqliteStores.fresh("sqlite-states");
        Flyway.configure()
                .dataSource("jdbc:sqlite:" + path, null, null)
                .locations("classpath:db/migration/sqlite")
                .load()
                .migrate();
        connection = DriverManager.getConnection("jdbc:sqlite:" + path);
    }

    @AfterAll
    static void close() throws SQLException {
        connection.close();
    }

    static Stream<Arguments> pairs() {
        return Arrays.stream(BatchState.values())
                .flatMap(from -> Arrays.stream(BatchState.values()).map(to -> Arguments.of(from, to)));
    }

    @ParameterizedTest
    @MethodSource("pairs")
    void aBatchGoesWhereItMay(BatchState from, BatchState to) throws SQLException {
        run("DELETE FROM batch");
        run(
                "INSERT INTO batch (batch_no, tenant, id, fingerprint, timeout_ms, total, succeeded, failed, cancelled, expired,"
                        + " created_at, state, outcome, ended_at, expires_at) VALUES (1, 't', 'b', x'00', 0, 0, 0, 0, 0, 0, 1, '"
                        + from.wireName() + "', " + end(from) + ")");
        String move =
                "UPDATE batch SET state = '" + to.wireName() + "', (outcome, ended_at, expires_at) = (" + end(to) + ")";

        if (from == to || from.next().contains(to)) {
            assertThat(run(move)).isEqualTo(1);
        } else {
            assertThatThrownBy(() -> run(move)).hasMessageContaining("no such transition");
        }
    }

    private static String end(BatchState state) {
        return state == BatchState.ENDED ? "'succeeded', 2, 3" : "NULL, NULL, NULL";
    }

    private static int run(String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            return statement.executeUpdate(sql);
        }
    }
}
