package io.conveyor.store;

import static io.conveyor.store.Batches.TENANT;
import static io.conveyor.store.Batches.Told.take;
import static io.conveyor.store.Batches.outcome;
import static io.conveyor.store.Batches.segments;
import static org.assertj.core.api.Assertions.assertThat;

import io.conveyor.store.Batches.Told;
import java.sql.SQLException;
import java.time.Clock;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Timeout;
import org.sqlite.SQLiteErrorCode;
import org.sqlite.SQLiteException;

/** Failures and kills at every statement of the transaction that ends a batch and makes what follows it. */
@Timeout(120)
class ContinuationFaultsTest {

    /** More than the transaction has. */
    private static final int STATEMENTS = 20;

    @RepeatedTest(STATEMENTS)
    void theEndAndWhatFollowsComeTogetherOrNotAtAll(RepetitionInfo repetition) throws Exception {
        FaultyConnections connections = new FaultyConnections();
        Told told = new Told();
        String name = "continuation-faults-" + repetition.getCurrentRepetition();
        try (SqliteStores stores = SqliteStores.open(SqliteStores.fresh(name), Clock.systemUTC(), connections::wrap)) {
            JdbcBatchStore store = stores.store;
            store.listen(told);
            NewBatch batch = ContinuationContract.followed(store, "b", 1, "after");
            store.seal(batch, segments(0, 1, 256));
            AtomicInteger statement = new AtomicInteger();
            AtomicInteger failed = new AtomicInteger(-1);
            CountDownLatch copied = new CountDownLatch(1);
            connections.fault = sql -> {
                if (!sql.equals("ROLLBACK") && statement.incrementAndGet() == repetition.getCurrentRepetition()) {
                    failed.set(batches(SqliteStores.crashCopy(stores.file.path(), name + "-killed")));
                    copied.countDown();
                    throw new SQLiteException("no room", SQLiteErrorCode.SQLITE_FULL);
                }
            };

            store.record(outcome(SegmentRef.fresh(batch.ref(), 0), 0));

            take(told.ended, 1);
            take(told.continued, 1);
            assertThat(told.ended).isEmpty();
            assertThat(told.continued).isEmpty();
            assertThat(store.list(TENANT, new BatchFilter(null, null, Long.MAX_VALUE, 10)))
                    .extracting(found -> found.ref().id())
                    .containsExactly("after", "b");
            assertThat(stores.count("continuation")).isZero();
            if (copied.await(0, TimeUnit.SECONDS)) {
                // Killed here, the process would have left a batch that has not ended, and what is to follow it.
                assertThat(failed).hasValue(1);
            } else {
                assertThat(repetition.getCurrentRepetition()).isGreaterThan(8);
            }
        }
    }

    /** How many batches the next process finds: one that has not ended, or both. */
    private static int batches(java.nio.file.Path copy) throws SQLException {
        try (SqliteStores next = SqliteStores.open(copy, Clock.systemUTC())) {
            List<StoredBatch> found = next.store.list(TENANT, new BatchFilter(null, null, Long.MAX_VALUE, 10));
            boolean ended = found.stream().anyMatch(StoredBatch::ended);
            assertThat(found).hasSize(ended ? 2 : 1);
            assertThat(next.count("continuation")).isEqualTo(ended ? 0 : 1);
            return found.size();
        }
    }
}
