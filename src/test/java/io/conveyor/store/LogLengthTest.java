package io.conveyor.store;

import static io.conveyor.store.Batches.seal;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Clock;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;

/** How long the write-ahead log gets under readers, on a store that empties it at one MiB. */
@Timeout(120)
@ExtendWith(OutputCaptureExtension.class)
final class LogLengthTest {

    private static final long MIB = 1 << 20;
    private static final int JOBS = 40_000;

    /** Of some 900 KiB each. */
    private static final int BATCHES = 32;

    private SqliteStores stores;

    @BeforeEach
    void open() {
        Path path = SqliteStores.fresh("log-length");
        stores = SqliteStores.open(path, Clock.systemUTC(), new SqliteDialect.Sizes(MIB, 64 * MIB), source -> source);
        seal(stores.store, "first", 600, 256);
    }

    @AfterEach
    void close() {
        stores.close();
    }

    /** Writes much, and tells how long the log was at the most. */
    private long write() {
        long longest = 0;
        for (int n = 0; n < BATCHES; n++) {
            seal(stores.store, "batch" + n, JOBS, 256);
            longest = Math.max(longest, stores.dialect.walBytes());
        }
        return longest;
    }

    @Test
    void readersOnAllSidesDoNotLetItGrow() throws InterruptedException, SQLException {
        Relay relay = new Relay();
        relay.start();
        relay.begun.await();

        long longest = write();

        relay.end();
        assertThat(stores.dialect.databaseBytes()).isGreaterThan(16 * MIB);
        assertThat(longest).isLessThan(8 * MIB);
    }

    @Test
    void aReaderWithoutAnEndStopsNobodyAndIsWaitedForOnlyNowAndThen(CapturedOutput output) throws SQLException {
        try (Query query = new Query()) {
            query.begin();

            assertThat(write()).isGreaterThan(16 * MIB);
        }
        assertThat(output.toString().split("The log of the store has", -1).length - 1)
                .as("at one MiB, at two, four, eight and so on")
                .isBetween(1, 6);
        seal(stores.store, "last", JOBS, 256);
        seal(stores.store, "very-last", 1, 256);
        assertThat(stores.dialect.databaseBytes()).as("it was folded in").isGreaterThan(16 * MIB);
    }

    /** A query that has begun, and so keeps what it may see. */
    private final class Query implements AutoCloseable {

        private final Connection connection =
                DriverManager.getConnection("jdbc:sqlite:" + stores.file.path(), SqliteDialect.reading());
        private final PreparedStatement statement = connection.prepareStatement("SELECT first_index FROM segment");
        private ResultSet rows;

        Query() throws SQLException {}

        void begin() throws SQLException {
            rows = statement.executeQuery();
            assertThat(rows.next()).isTrue();
        }

        void end() throws SQLException {
            rows.close();
        }

        @Override
        public void close() throws SQLException {
            connection.close();
        }
    }

    /** Two readers, at least one of whom is always in the middle of a query: the next begins before the last one ends. */
    private final class Relay extends Thread {

        private final CountDownLatch begun = new CountDownLatch(1);
        private final CountDownLatch ending = new CountDownLatch(1);

        @Override
        public void run() {
            try (Query one = new Query();
                    Query other = new Query()) {
                one.begin();
                begun.countDown();
                boolean more = true;
                while (more) {
                    other.begin();
                    one.end();
                    more = !ending.await(1, TimeUnit.MILLISECONDS);
                    one.begin();
                    other.end();
                }
            } catch (SQLException | InterruptedException e) {
                throw new AssertionError(e);
            }
        }

        void end() throws InterruptedException {
            ending.countDown();
            join();
        }
    }
}
