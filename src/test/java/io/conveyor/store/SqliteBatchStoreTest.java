package io.conveyor.store;

import static io.conveyor.store.Batches.batch;
import static io.conveyor.store.Batches.segments;
import static org.assertj.core.api.Assertions.assertThat;

import io.conveyor.job.JobState;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.flywaydb.core.Flyway;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The contract on SQLite, and what is special to it. */
final class SqliteBatchStoreTest extends BatchStoreContract {

    private static final AtomicInteger COPIES = new AtomicInteger();

    private final AtomicLong now = new AtomicLong(4_000_000);
    private final Clock clock = new SetClock();
    private final List<SqliteStores> opened = new ArrayList<>();

    @Override
    BatchStore openEmpty() {
        return open(SqliteStores.fresh("sqlite-contract")).store;
    }

    @Override
    BatchStore afterCrash() {
        return open(SqliteStores.crashCopy(current().file.path(), "sqlite-crash-" + COPIES.incrementAndGet())).store;
    }

    @Override
    void setTime(long millis) {
        now.set(millis);
    }

    /** The keeper looks for expired batches whenever it is woken, before it sweeps. */
    @Override
    void keep() {
        rowsAfterSweep();
    }

    @Override
    long rowsAfterSweep() {
        SqliteStores stores = current();
        BatchRef marker = batch(store, "marker", 2).ref();
        store.spill(marker, List.of(segments(0, 1, 256).get(0))).await();
        store.abandon(marker);
        Batches.until(() -> stores.count("unowned") == 0); // the marker goes last: the oldest is swept first
        return stores.count("segment") + stores.count("segment_input") + stores.count("outcome_block");
    }

    @Override
    Runnable occupyWriter() {
        CountDownLatch occupied = new CountDownLatch(1);
        CountDownLatch release = new CountDownLatch(1);
        StoreListener plug = new StoreListener() {
            @Override
            public void committed(int writes, long nanos) {
                occupied.countDown();
                await(release);
            }
        };
        store.listen(plug);
        Thread caller = new Thread(() -> store.renewEpoch(new BatchRef("nobody", 0, "")));
        caller.start();
        await(occupied);
        return release::countDown;
    }

    @AfterEach
    void closeAll() {
        opened.forEach(SqliteStores::close);
    }

    @Test
    void whatACrashLeftInTheLogIsOnTheDiskBeforeItIsShown() throws SQLException {
        Batches.seal(store, "b1", 300, 256);
        Path copy = SqliteStores.crashCopy(current().file.path(), "sqlite-log");
        try (Connection other = DriverManager.getConnection("jdbc:sqlite:" + copy);
                Statement statement = other.createStatement()) {
            statement.executeQuery("SELECT count(*) FROM batch").close(); // from now on a closing one leaves the log
            assertThat(copy.resolveSibling("conveyor.db-wal")).isNotEmptyFile();

            BatchStore after = open(copy).store;

            assertThat(after.find(Batches.TENANT, "b1")).isPresent();
            assertThat(after.status().walBytes()).isZero();
            assertThat(after.status().databaseBytes()).isPositive();
            assertThat(after.status().freeBytes()).isPositive();
        }
    }

    @Test
    void closingAndOpeningAgainFindsEverything() {
        Path path = current().file.path();
        end("b1", 300);
        NewBatch open = Batches.seal(store, "b2", 20, 256);
        for (int i = 0; i < 5; i++) {
            store.record(Batches.outcome(SegmentRef.fresh(open.ref(), 0), i)); // each knows nothing of the others
        }

        current().close(); // commits what is in hand
        opened.clear();
        store = open(path).store;

        assertThat(found("b1").ended()).isTrue();
        assertThat(found("b2").tally().succeeded()).isEqualTo(5);
        assertThat(resultLines(open.ref())).hasSize(found("b2").tally().succeeded());
        assertThat(store.status().backlogJobs()).isEqualTo(found("b2").tally().open());
    }

    private SqliteStores open(Path path) {
        SqliteStores stores = SqliteStores.open(path, clock);
        opened.add(stores);
        return stores;
    }

    private SqliteStores current() {
        return opened.get(opened.size() - 1);
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void resultsOfAnOlderLayoutAreReadAsTheyWereWritten() throws SQLException {
        Path path = SqliteStores.fresh("sqlite-older");
        String url = "jdbc:sqlite:" + path;
        Flyway.configure()
                .dataSource(url, null, null)
                .locations("classpath:db/migration/sqlite")
                .target("2")
                .load()
                .migrate();
        String first = "{\"index\":1,\"seq\":1,\"state\":\"failed\",\"error\":{}}\n";
        String second = "{\"index\":0,\"seq\":2,\"state\":\"succeeded\",\"output\":[1]}\n";
        String directory = "0166000000%02x0073000000%02x".formatted(first.length(), second.length());
        try (Connection connection = DriverManager.getConnection(url);
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

        store = open(path).store;

        BatchRef batch = new BatchRef("acme", 1, "old");
        assertThat(resultLines(batch)).containsExactly(second, first);
        assertThat(store.resultsBySeq(batch, 1).state(0)).isEqualTo(JobState.SUCCEEDED);
    }

    private final class SetClock extends Clock {

        @Override
        public ZoneId getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
            return this;
        }

        @Override
        public Instant instant() {
            return Instant.ofEpochMilli(now.get());
        }
    }
}
