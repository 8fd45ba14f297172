package io.conveyor.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Objects;
import javax.sql.DataSource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.autoconfigure.ImportAutoConfiguration;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.flyway.autoconfigure.FlywayAutoConfiguration;
import org.springframework.boot.jdbc.autoconfigure.DataSourceAutoConfiguration;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.sqlite.SQLiteErrorCode;
import org.sqlite.SQLiteException;

/** The store as Spring puts it together. */
@ExtendWith(OutputCaptureExtension.class)
class StoreConfigurationTest {

    private final Path path = SqliteStores.fresh("configuration");
    private final ApplicationContextRunner runner = new ApplicationContextRunner()
            .withUserConfiguration(Stored.class)
            .withPropertyValues(
                    "spring.datasource.url=jdbc:sqlite:" + path,
                    "spring.flyway.locations=classpath:db/migration/{vendor}");

    @Configuration(proxyBeanMethods = false)
    @EnableConfigurationProperties(StoreProperties.class)
    @ImportAutoConfiguration({DataSourceAutoConfiguration.class, FlywayAutoConfiguration.class})
    @Import(StoreConfiguration.class)
    static class Stored {}

    @Test
    void storeOpensMigratesAndClosesForTheNext() {
        for (int round = 0; round < 2; round++) {
            String id = "b" + round;
            runner.run(context -> {
                Batches.seal(context.getBean(BatchStore.class), id, 3, 256);
                assertThat(context.getBean(BatchStore.class).status().backlogJobs())
                        .isPositive();
            });
        }
        runner.run(context ->
                assertThat(context.getBean(BatchStore.class).unfinished(0, 9)).hasSize(2));
    }

    @ParameterizedTest
    @CsvSource({
        "journal_mode, wal",
        "synchronous, 2",
        "foreign_keys, 1",
        "busy_timeout, 5000",
        "wal_autocheckpoint, 1000",
        "journal_size_limit, 67108864",
        "page_size, 16384"
    })
    void writingConnectionsAnswerWhatThePromisesNeed(String pragma, String value) {
        runner.run(context -> {
            try (Connection connection = context.getBean(DataSource.class).getConnection();
                    Statement statement = connection.createStatement();
                    ResultSet row = statement.executeQuery("PRAGMA " + pragma)) {
                assertThat(row.getString(1)).isEqualTo(value);
            }
        });
    }

    @ParameterizedTest
    @ValueSource(strings = {"synchronous = NORMAL", "busy_timeout = 0", "wal_autocheckpoint = 0"})
    void aConnectionThatKeepsLessIsRefused(String pragma) {
        runner.run(context -> {
            try (Connection connection = context.getBean(DataSource.class).getConnection();
                    Statement statement = connection.createStatement()) {
                statement.execute("PRAGMA " + pragma);
                SqliteDialect dialect = context.getBean(SqliteDialect.class);
                assertThatThrownBy(() -> dialect.verify(connection))
                        .isInstanceOf(StoreStartException.class)
                        .hasMessageContaining(pragma.substring(0, pragma.indexOf(' ')));
            }
        });
    }

    @Test
    void readersCannotWriteAndAnyoneGetsAConnectionBesidesTheWriter() {
        runner.run(context -> {
            DataSource reading = context.getBean("readingDataSource", DataSource.class);
            try (Connection connection = reading.getConnection();
                    Statement statement = connection.createStatement()) {
                assertThatThrownBy(() -> statement.execute("DELETE FROM batch")).isInstanceOf(SQLException.class);
            }
            try (Connection health = context.getBean(DataSource.class).getConnection()) {
                assertThat(health.isValid(1)).isTrue();
            }
        });
    }

    @Test
    void otherDatabasesAreRefused() {
        runner.withPropertyValues("spring.datasource.url=jdbc:postgresql://localhost/x")
                .run(context -> assertThat(context)
                        .getFailure()
                        .rootCause()
                        .isInstanceOf(StoreStartException.class)
                        .hasMessageContaining("SQLite only"));
    }

    @Test
    void aFileThatIsNoDatabaseIsRefusedAndLeftAlone() throws IOException {
        Files.writeString(path, "These are my notes, not a database. ".repeat(100));

        runner.run(context -> assertThat(context)
                .getFailure()
                .hasRootCauseInstanceOf(SQLException.class)
                .hasStackTraceContaining("cannot be opened"));

        assertThat(Files.readString(path)).startsWith("These are my notes");
    }

    @Test
    void secondServiceOnTheFileIsRefusedInTwoSentences(CapturedOutput output) throws IOException {
        try (SqliteFile first = SqliteFile.open(path)) {
            assertThatThrownBy(() -> new SpringApplicationBuilder(Stored.class)
                            .web(WebApplicationType.NONE)
                            .run("--spring.datasource.url=jdbc:sqlite:" + first.path()))
                    .isInstanceOf(Exception.class);
        }
        assertThat(output)
                .contains("APPLICATION FAILED TO START")
                .contains("Another process has the store")
                .contains("Stop the other service")
                .doesNotContain("at io.conveyor");
    }

    @Test
    void theStoreDoesNotStartWhileTheLogCannotBeFoldedIn() throws SQLException {
        try (SqliteStores stores = SqliteStores.open(path, java.time.Clock.systemUTC())) {
            Batches.seal(stores.store, "b1", 10, 256);
            try (Connection reader = DriverManager.getConnection("jdbc:sqlite:" + path);
                    Statement statement = reader.createStatement();
                    Connection writing = stores.writing.getConnection()) {
                reader.setAutoCommit(false);
                statement.executeQuery("SELECT * FROM batch").next();
                Batches.seal(stores.store, "b2", 10, 256);

                assertThatThrownBy(() -> stores.dialect.settle(writing))
                        .isInstanceOf(StoreStartException.class)
                        .hasMessageContaining("log");
            }
        }
    }

    @ParameterizedTest
    @CsvSource({
        "SQLITE_FULL, STORE, FULL",
        "SQLITE_IOERR_SHMSIZE, STORE, FULL",
        "SQLITE_IOERR_FSYNC, DISK, UNAVAILABLE",
        "SQLITE_IOERR_WRITE, DISK, UNAVAILABLE",
        "SQLITE_IOERR, DISK, UNAVAILABLE",
        "SQLITE_IOERR_NOMEM, STORE, UNAVAILABLE",
        "SQLITE_BUSY, STORE, UNAVAILABLE",
        "SQLITE_BUSY_SNAPSHOT, STORE, UNAVAILABLE",
        "SQLITE_CORRUPT, STORE, UNAVAILABLE",
        "SQLITE_CONSTRAINT_UNIQUE, CONTENT, UNAVAILABLE",
        "SQLITE_CONSTRAINT_CHECK, CONTENT, UNAVAILABLE"
    })
    void errorCodesSayWhoHasToBearThem(SQLiteErrorCode code, Failure.Blame blame, StoreException.Reason reason)
            throws IOException {
        try (SqliteFile file = SqliteFile.open(path)) {
            SqliteDialect dialect = new SqliteDialect(file);
            SQLiteException failure = new SQLiteException("as it is", code);

            assertThat(dialect.blame(failure)).isEqualTo(blame);
            assertThat(dialect.translate(failure).reason()).isEqualTo(reason);
        }
    }

    @Test
    void analysisHoldsMessageAndRemedy() {
        var analysis = Objects.requireNonNull(new StoreFailureAnalyzer()
                .analyze(new IllegalStateException(new StoreStartException("What.", "How."))));

        assertThat(analysis.getDescription()).isEqualTo("What.");
        assertThat(analysis.getAction()).isEqualTo("How.");
    }

    @Test
    void retentionIsAWeekUnlessGivenAndLongerThanNothing() {
        runner.run(context ->
                assertThat(context.getBean(StoreProperties.class).retention()).isEqualTo(Duration.ofDays(7)));
        runner.withPropertyValues("conveyor.retention=12h")
                .run(context -> assertThat(
                                context.getBean(StoreProperties.class).retention())
                        .isEqualTo(Duration.ofHours(12)));
        runner.withPropertyValues("conveyor.retention=0s")
                .run(context -> assertThat(context).getFailure().hasStackTraceContaining("conveyor.retention"));
    }
}
