package io.conveyor.store;

import static io.conveyor.store.BatchReader.reading;

import io.conveyor.job.BatchOutcome;
import io.conveyor.job.BatchState;
import io.conveyor.job.Job;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * The store on JDBC: writes go through the {@link GroupCommitter}, reads through {@link BatchReader} on connections of
 * their own. Thread-safe.
 *
 * <p>Threads and state: the numbers of {@link #status()} are read from the database at the start, before the writer
 * begins, and moved by the writer thread alone, after each commit; so asking costs no query, and they never drift.
 */
final class JdbcBatchStore implements BatchStore, AutoCloseable {

    private final DataSource writing;
    private final BatchReader reader;
    private final SqlDialect dialect;
    private final long retentionMillis;
    private final GroupCommitter committer;
    private final StoreKeeper keeper;
    private final List<StoreListener> listeners = new CopyOnWriteArrayList<>();
    private final AtomicLong lastBatchNo = new AtomicLong();

    private final Map<BatchState, AtomicLong> batches = new EnumMap<>(BatchState.class);
    private final AtomicLong backlog = new AtomicLong();
    private final AtomicLong late = new AtomicLong();

    JdbcBatchStore(DataSource writing, BatchReader reader, SqlDialect dialect, Duration retention, Clock clock) {
        this.writing = writing;
        this.reader = reader;
        this.dialect = dialect;
        this.retentionMillis = retention.toMillis();
        for (BatchState state : BatchState.values()) {
            batches.put(state, new AtomicLong());
        }
        committer = new GroupCommitter(
                new WriterConnection(this::openSession, dialect),
                new OutcomeWriter(clock, retentionMillis),
                new Telling());
        keeper = new StoreKeeper(committer, clock, this::forget);
    }

    /**
     * Makes sure that what is there is on the disk, reads where things stand and starts the writer; what an earlier
     * process left behind is put in order first. Leaves no thread behind when it throws.
     */
    void start() {
        try (Connection connection = writing.getConnection()) {
            dialect.verify(connection);
            dialect.settle(connection);
        } catch (SQLException e) {
            throw new StoreStartException(
                    "The store cannot be made ready: " + e.getMessage(),
                    "Check that its disk is writable and not full, then start again.",
                    e);
        }
        reader.countBatches().forEach((state, n) -> counter(state).set(n));
        backlog.set(reader.countOpenJobs());
        lastBatchNo.set(reader.lastBatchNo());
        committer.start();
        try {
            committer.write(session -> {
                session.abandonAll();
                return true;
            });
        } catch (RuntimeException e) {
            committer.close();
            throw e;
        }
        keeper.start();
    }

    private WriteSession openSession() throws SQLException {
        Connection connection = writing.getConnection();
        try {
            dialect.verify(connection);
            return new WriteSession(connection);
        } catch (SQLException | RuntimeException e) {
            connection.close();
            throw e;
        }
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
        boolean sealed = committer.write(session -> session.seal(batch, rest, retentionMillis), done -> {
            if (done) {
                backlog.addAndGet(batch.total());
                counter(batch.total() == 0 ? BatchState.ENDED : BatchState.RUNNING)
                        .incrementAndGet();
            }
        });
        if (sealed) {
            listeners.forEach(listener -> listener.sealed(batch.ref(), batch.total()));
            if (batch.total() == 0) {
                listeners.forEach(listener -> listener.ended(batch.ref(), BatchOutcome.SUCCEEDED));
            }
        }
        return sealed;
    }

    @Override
    public void abandon(BatchRef batch) {
        keeper.abandon(batch);
    }

    @Override
    public void record(OutcomeEntry outcome) {
        committer.record(outcome);
    }

    @Override
    public Deletion delete(String tenant, String id) {
        Deletion deletion = committer.write(
                session -> session.delete(tenant, id), done -> forget(done == Deletion.DELETED ? 1 : 0));
        if (deletion == Deletion.DELETED) {
            keeper.wake();
        }
        return deletion;
    }

    @Override
    public Optional<StoredBatch> find(String tenant, String id) {
        return reading(() -> reader.find(tenant, id));
    }

    @Override
    public List<StoredBatch> list(String tenant, BatchFilter filter) {
        return reading(() -> reader.list(tenant, filter));
    }

    @Override
    public List<StoredBatch> unfinished(long afterBatchNo, int limit) {
        return reading(() -> reader.unfinished(afterBatchNo, limit));
    }

    @Override
    public @Nullable OpenSegment openSegment(BatchRef batch, int fromIndex) {
        return reading(() -> reader.openSegment(batch, fromIndex));
    }

    @Override
    public @Nullable SegmentResults results(BatchRef batch, int fromIndex) {
        return reading(() -> reader.results(batch, fromIndex));
    }

    @Override
    public @Nullable Job job(BatchRef batch, int index) {
        return reading(() -> reader.job(batch, index));
    }

    @Override
    public void renewEpoch(BatchRef batch) {
        committer.write(session -> {
            session.nextEpoch(batch);
            return true;
        });
    }

    @Override
    public long backlogJobs() {
        return backlog.get();
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
        listeners.add(new GuardedListener(listener));
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

    /** Keeps the numbers of the status, then tells everybody. Writer thread only. */
    private final class Telling implements GroupCommitter.Observer {

        @Override
        public void committed(OutcomeWriter.Written outcomes, int writes, long nanos) {
            backlog.addAndGet(-outcomes.keptOutcomes());
            late.addAndGet(outcomes.lateOutcomes());
            counter(BatchState.RUNNING).addAndGet(-outcomes.endedBatches());
            counter(BatchState.ENDED).addAndGet(outcomes.endedBatches());
            for (StoreListener listener : listeners) {
                outcomes.tell(listener);
                listener.committed(writes, nanos);
            }
        }

        @Override
        public void failed(StoreException failure, boolean forGood) {
            for (StoreListener listener : listeners) {
                listener.commitFailed(failure);
                if (forGood) {
                    listener.broken(failure);
                }
            }
        }

        @Override
        public void refused(BatchRef batch, List<OutcomeEntry> outcomes) {
            late.addAndGet(outcomes.size());
            for (StoreListener listener : listeners) {
                listener.recorded(batch, outcomes, false);
            }
        }
    }
}
