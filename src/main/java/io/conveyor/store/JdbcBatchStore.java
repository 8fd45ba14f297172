package io.conveyor.store;

import io.conveyor.job.BatchOutcome;
import io.conveyor.job.BatchState;
import io.conveyor.job.Job;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The store on JDBC: writes go through the {@link GroupCommitter}, reads through {@link BatchReader} on connections of
 * their own. Thread-safe.
 *
 * <p>The numbers of {@link #status()} are read from the database once at the start and moved by the writer thread after
 * each commit, so that asking costs no query.
 */
final class JdbcBatchStore implements BatchStore, AutoCloseable {

    private static final Logger log = LoggerFactory.getLogger(JdbcBatchStore.class);

    private final BatchReader reader;
    private final SqlDialect dialect;
    private final long retentionMillis;
    private final GroupCommitter committer;
    private final StoreKeeper keeper;
    private final List<StoreListener> listeners = new CopyOnWriteArrayList<>();
    private final AtomicLong lastBatchNo = new AtomicLong();

    // Mutable state: written by the writer thread after commits (and by start() before it exists), read by all
    private final Map<BatchState, AtomicLong> batches = new EnumMap<>(BatchState.class);
    private final AtomicLong backlog = new AtomicLong();
    private final AtomicLong late = new AtomicLong();

    JdbcBatchStore(DataSource writing, BatchReader reader, SqlDialect dialect, Duration retention, Clock clock) {
        this.reader = reader;
        this.dialect = dialect;
        this.retentionMillis = retention.toMillis();
        for (BatchState state : BatchState.values()) {
            batches.put(state, new AtomicLong());
        }
        committer = new GroupCommitter(
                () -> openSession(writing), dialect, new OutcomeWriter(clock, retentionMillis), new Listeners());
        keeper = new StoreKeeper(committer, clock, this::forget);
    }

    /** Reads where things stand and starts the writer; what an earlier process left behind is put in order first. */
    void start() {
        reader.countBatches().forEach((state, n) -> counter(state).set(n));
        backlog.set(reader.countOpenJobs());
        lastBatchNo.set(reader.lastBatchNo());
        committer.start();
        committer.write(session -> {
            session.abandonAll();
            return true;
        });
        keeper.start();
    }

    private static WriteSession openSession(DataSource writing) throws SQLException {
        Connection connection = writing.getConnection();
        connection.setAutoCommit(false);
        return new WriteSession(connection);
    }

    @Override
    public long newBatchNo() {
        return lastBatchNo.incrementAndGet();
    }

    @Override
    public void spill(BatchRef batch, PackedSegment segment) {
        committer.write(session -> {
            session.spill(batch, segment);
            return true;
        });
    }

    @Override
    public boolean seal(NewBatch batch, List<PackedSegment> rest) {
        boolean spilled = rest.stream().mapToInt(PackedSegment::jobs).sum() < batch.total();
        boolean sealed = committer.write(session -> {
            boolean inserted = session.seal(batch, rest, retentionMillis);
            if (spilled && inserted) {
                session.owned(batch.ref());
            }
            return inserted;
        });
        if (sealed) {
            backlog.addAndGet(batch.total());
            counter(batch.total() == 0 ? BatchState.ENDED : BatchState.RUNNING).incrementAndGet();
            listeners.forEach(listener -> listener.sealed(batch.ref(), batch.total()));
        }
        return sealed;
    }

    @Override
    public void abandon(BatchRef batch) {
        committer.write(session -> {
            session.abandon(batch);
            return true;
        });
        keeper.wake();
    }

    @Override
    public void record(OutcomeEntry outcome) {
        committer.record(outcome);
    }

    @Override
    public Deletion delete(String tenant, String id) {
        Deletion deletion = committer.write(session -> session.delete(tenant, id));
        if (deletion == Deletion.DELETED) {
            forget(1);
            keeper.wake();
        }
        return deletion;
    }

    @Override
    public Optional<StoredBatch> find(String tenant, String id) {
        return reader.find(tenant, id);
    }

    @Override
    public List<StoredBatch> list(String tenant, BatchFilter filter) {
        return reader.list(tenant, filter);
    }

    @Override
    public List<StoredBatch> unfinished(long afterBatchNo, int limit) {
        return reader.unfinished(afterBatchNo, limit);
    }

    @Override
    public @Nullable OpenSegment openSegment(BatchRef batch, int fromIndex) {
        return reader.openSegment(batch, fromIndex);
    }

    @Override
    public @Nullable SegmentResults results(BatchRef batch, int fromIndex) {
        return reader.results(batch, fromIndex);
    }

    @Override
    public @Nullable Job job(BatchRef batch, int index) {
        return reader.job(batch, index);
    }

    @Override
    public void renewEpoch(BatchRef batch) {
        committer.write(session -> {
            session.nextEpoch(batch);
            return true;
        });
    }

    @Override
    public StoreStatus status() {
        StoreException trouble = committer.trouble();
        Map<BatchState, Long> counts = new EnumMap<>(BatchState.class);
        batches.forEach((state, n) -> counts.put(state, n.get()));
        return new StoreStatus(
                trouble == null,
                trouble == null ? "" : String.valueOf(trouble.getMessage()),
                backlog.get(),
                counts,
                committer.outcomesInHand(),
                late.get(),
                dialect.databaseBytes(),
                dialect.walBytes(),
                dialect.freeBytes());
    }

    @Override
    public void listen(StoreListener listener) {
        listeners.add(listener);
    }

    @Override
    public void close() {
        keeper.close();
        committer.close();
    }

    private void forget(int endedBatches) {
        counter(BatchState.ENDED).addAndGet(-endedBatches);
    }

    private AtomicLong counter(BatchState state) {
        return batches.computeIfAbsent(state, s -> new AtomicLong());
    }

    /** Keeps the numbers of the status, then tells everybody; no listener can harm the writer. */
    private final class Listeners implements StoreListener {

        @Override
        public void recorded(OutcomeEntry outcome, boolean kept) {
            (kept ? backlog : late).addAndGet(kept ? -1 : 1);
            tell(listener -> listener.recorded(outcome, kept));
        }

        @Override
        public void ended(BatchRef batch, BatchOutcome outcome) {
            counter(BatchState.RUNNING).decrementAndGet();
            counter(BatchState.ENDED).incrementAndGet();
            tell(listener -> listener.ended(batch, outcome));
        }

        @Override
        public void committed(int writes, long nanos) {
            tell(listener -> listener.committed(writes, nanos));
        }

        @Override
        public void commitFailed(StoreException failure) {
            tell(listener -> listener.commitFailed(failure));
        }

        private void tell(java.util.function.Consumer<StoreListener> call) {
            for (StoreListener listener : new ArrayList<>(listeners)) {
                try {
                    call.accept(listener);
                } catch (RuntimeException e) {
                    log.error("A listener of the store failed; the store goes on", e);
                }
            }
        }
    }
}
