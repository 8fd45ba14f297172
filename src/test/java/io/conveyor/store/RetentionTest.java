package io.conveyor.store;

import static io.conveyor.store.Batches.TENANT;
import static io.conveyor.store.Batches.Told.take;
import static io.conveyor.store.Batches.outcome;
import static io.conveyor.store.Batches.seal;
import static io.conveyor.store.Batches.until;
import static org.assertj.core.api.Assertions.assertThat;

import io.conveyor.job.JobState;
import io.conveyor.store.Batches.Told;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** How what is deleted goes: in small steps with others between them, over a crash, and with its room. */
@Timeout(120)
final class RetentionTest {

    /** Few, so that a batch of some thousand jobs has many rows. */
    private static final int JOBS_A_SEGMENT = 4;

    private static final int LONG_BYTES = 700 * 1024;

    private final FaultyConnections connections = new FaultyConnections();
    private final Tap tap = new Tap();
    private final List<SqliteStores> opened = new ArrayList<>();
    private final Told told = new Told();
    private SqliteStores stores;

    @AfterEach
    void close() {
        connections.fault = sql -> {};
        tap.letGo.countDown();
        opened.forEach(SqliteStores::close);
    }

    private void open(Path path, Clock clock, SqliteDialect.Sizes sizes) {
        stores = SqliteStores.open(path, clock, sizes, connections::wrap);
        opened.add(stores);
        stores.store.listen(told);
    }

    private void open() {
        open(SqliteStores.fresh("retention"), Clock.systemUTC(), SqliteDialect.Sizes.ORDINARY);
    }

    /** A batch that has ended, each of whose outcomes has that many more bytes. */
    private NewBatch end(String id, int total, int bytes) {
        NewBatch batch = seal(stores.store, id, total, JOBS_A_SEGMENT);
        for (int first = 0; first < total; first += JOBS_A_SEGMENT) {
            SegmentRef segment = SegmentRef.fresh(batch.ref(), first);
            for (int index = first; index < Math.min(total, first + JOBS_A_SEGMENT); index++) {
                stores.store.record(outcome(segment, index, JobState.SUCCEEDED, bytes));
            }
        }
        while (!take(told.ended, 1).contains(batch.ref())) {
            // another one's
        }
        return batch;
    }

    private long rows() {
        return stores.count("segment") + stores.count("segment_input") + stores.count("outcome_block");
    }

    private void awaitSwept() {
        until(() -> stores.count("unowned") == 0);
    }

    @Test
    void aLargeBatchGoesInStepsOfFewRows() {
        open();
        end("large", 2400, 0);
        List<Long> left = new ArrayList<>();
        connections.fault = sql -> {
            if (sql.startsWith("BEGIN")) {
                left.add(rows());
            }
        };

        stores.store.delete(TENANT, "large");
        awaitSwept();

        connections.fault = sql -> {};
        assertThat(left.get(0)).isGreaterThan(1799);
        assertThat(IntStream.range(1, left.size()).mapToLong(n -> left.get(n - 1) - left.get(n)))
                .allMatch(gone -> gone <= SweepStep.ROWS);
        assertThat(rows()).isZero();
    }

    @Test
    void longValuesGoAFewAtATime() {
        open();
        end("long", 12, LONG_BYTES);
        List<Long> left = new ArrayList<>();
        connections.fault = sql -> {
            if (sql.startsWith("BEGIN")) {
                left.add(stores.count("outcome_block"));
            }
        };

        stores.store.delete(TENANT, "long");
        awaitSwept();

        connections.fault = sql -> {};
        assertThat(left.get(0)).isEqualTo(12);
        assertThat(IntStream.range(1, left.size()).mapToLong(n -> left.get(n - 1) - left.get(n)))
                .allMatch(gone -> gone <= SweepStep.BYTES / LONG_BYTES);
        assertThat(rows()).isZero();
    }

    @Test
    void manySmallBatchesShareAStep() {
        AtomicReference<Duration> later = new AtomicReference<>(Duration.ZERO);
        Clock clock = new ShiftedClock(later);
        open(SqliteStores.fresh("retention"), clock, SqliteDialect.Sizes.ORDINARY);
        for (int n = 0; n < 300; n++) {
            end("small" + n, 1, 0);
        }
        connections.fault = tap;

        later.set(SqliteStores.RETENTION.plusSeconds(1));
        stores.store.delete(TENANT, "small0");
        until(() -> stores.count("batch") == 0);
        awaitSwept();

        connections.fault = sql -> {};
        assertThat(tap.transactionsWith("DELETE FROM unowned")).hasSizeLessThan(20);
        assertThat(rows()).isZero();
    }

    @Test
    void aWriterThatWaitsIsNextAfterTheStepUnderWay() throws InterruptedException {
        open();
        end("large", 2400, 0);
        tap.holdAt = "DELETE FROM outcome_block";
        connections.fault = tap;
        // The keeper's first look may be in one commit with it, and be held there.
        new Thread(() -> stores.store.delete(TENANT, "large")).start();
        tap.held.await();
        int step = tap.transactions.size();

        CompletableFuture<Boolean> sealed = new CompletableFuture<>();
        Thread writer = new Thread(() -> {
            seal(stores.store, "other", 1, 256);
            sealed.complete(true);
        });
        writer.start();
        until(() -> writer.getState() == Thread.State.WAITING);
        tap.letGo.countDown();

        assertThat(sealed.join()).isTrue();
        assertThat(tap.transactionsWith("INSERT INTO batch")).containsExactly(step);
        awaitSwept();
    }

    @Test
    void aCrashInTheMiddleShowsNothingOfItAndTheNextProcessGoesOn() throws InterruptedException {
        open();
        end("kept", 300, 0);
        long others = rows();
        end("large", 2400, 0);
        long all = rows();
        tap.holdAt = "DELETE FROM segment_input";
        connections.fault = tap;
        // The keeper's first look may be in one commit with it, and be held there.
        new Thread(() -> stores.store.delete(TENANT, "large")).start();
        tap.held.await();
        Path copy = SqliteStores.crashCopy(stores.file.path(), "retention-crash");
        long left = rows();
        tap.letGo.countDown();
        awaitSwept();
        connections.fault = sql -> {};

        open(copy, Clock.systemUTC(), SqliteDialect.Sizes.ORDINARY);

        assertThat(left).isGreaterThan(others).isLessThan(all);
        assertThat(stores.store.find(TENANT, "large")).isEmpty();
        assertThat(stores.store.list(TENANT, new BatchFilter(null, null, Long.MAX_VALUE, 10)))
                .extracting(batch -> batch.ref().id())
                .containsExactly("kept");
        awaitSwept();
        assertThat(rows()).isEqualTo(others);
    }

    @Test
    void theFileGetsShorterWhenMuchHasGone() throws SQLException {
        open(SqliteStores.fresh("retention"), Clock.systemUTC(), new SqliteDialect.Sizes(1 << 26, 1 << 20));
        end("large", 24, LONG_BYTES);
        NewBatch kept = end("kept", 300, 1000); // stands behind it, and has to move
        stores.dialect.settle(stores.writing.getConnection());
        long before = stores.dialect.databaseBytes();

        stores.store.delete(TENANT, "large");

        until(() -> stores.dialect.databaseBytes() < before / 4);
        assertThat(stores.store.results(kept.ref(), 0)).isNotNull();
        assertThat(answer("PRAGMA integrity_check")).isEqualTo("ok");
        assertThat(answer("SELECT freelist_count FROM pragma_freelist_count")).isNotEqualTo("0");
    }

    @Test
    void aFileThatCannotGetShorterIsLeftInPeace() {
        Path path = SqliteStores.ofLayout("8");
        open(path, Clock.systemUTC(), new SqliteDialect.Sizes(1 << 26, 1 << 20));
        end("large", 12, LONG_BYTES);
        stores.store.delete(TENANT, "large");
        awaitSwept();

        until(() -> Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().equals("conveyor-store-keeper"))
                .allMatch(thread -> thread.getState() == Thread.State.TIMED_WAITING));
    }

    private String answer(String sql) throws SQLException {
        try (Connection connection = stores.reading.getConnection();
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            return row.getString(1);
        }
    }

    /** Notes what each transaction does, and holds the first that does a certain thing, before it does. */
    private static final class Tap implements FaultyConnections.Fault {

        private final List<List<String>> transactions = new ArrayList<>();
        private final CountDownLatch held = new CountDownLatch(1);
        private final CountDownLatch letGo = new CountDownLatch(1);
        private volatile String holdAt = "nothing";

        /** On the writer's thread. */
        @Override
        public synchronized void check(String sql) {
            if (sql.startsWith("BEGIN")) {
                transactions.add(new ArrayList<>());
            } else if (!transactions.isEmpty()) {
                transactions.get(transactions.size() - 1).add(sql.strip());
            }
            if (sql.startsWith(holdAt) && held.getCount() > 0) {
                held.countDown();
                await();
            }
        }

        private void await() {
            try {
                letGo.await();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        }

        /** The numbers of the transactions in which there was such a statement; the first has number 0. */
        synchronized List<Integer> transactionsWith(String sql) {
            return IntStream.range(0, transactions.size())
                    .filter(n -> transactions.get(n).stream().anyMatch(each -> each.startsWith(sql)))
                    .boxed()
                    .toList();
        }
    }

    /** The clock on the wall, set forward. */
    private static final class ShiftedClock extends Clock {

        private final AtomicReference<Duration> later;

        ShiftedClock(AtomicReference<Duration> later) {
            this.later = later;
        }

        @Override
        public java.time.ZoneId getZone() {
            return java.time.ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(java.time.ZoneId zone) {
            return this;
        }

        @Override
        public java.time.Instant instant() {
            return java.time.Instant.now().plus(later.get());
        }
    }
}
