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
import org.springframework.jdbc.core.simple.JdbcClient;

/**
 * The store on JDBC: writes go through the {@link GroupCommitter}, reads through {@link BatchReader} and {@link ResultReader} on
 * connections of their own. Thread-safe.
 *
 * <p>Threads and state: the numbers of {@link #status()} are read from the database at the start, before the writer
 * begins, and moved by the writer thread alone, after each commit; so asking costs no query, and they never drift.
 */
final class JdbcBatchStore implements BatchStore, AutoCloseable {

    private final DataSource writing;
    private final BatchReader reader;
    private final ResultReader results;
    private final SqlDialect dialect;
    private final long retentionMillis;
    private final Clock clock;
    private final GroupCommitter committer;
    private final StoreKeeper keeper;
    private final List<StoreListener> listeners = new CopyOnWriteArrayList<>();
    private final AtomicLong lastBatchNo = new AtomicLong();

    private final Map<BatchState, AtomicLong> batches = new EnumMap<>(BatchState.class);
    private final AtomicLong backlog = new AtomicLong();
    private final AtomicLong late = new AtomicLong();

    JdbcBatchStore(DataSource writing, JdbcClient reading, SqlDialect dialect, Duration retention, Clock clock) {
        this.writing = writing;
        this.reader = new BatchReader(reading);
        this.results = new ResultReader(reading);
        this.dialect = dialect;
        this.retentionMillis = retention.toMillis();
        this.clock = clock;
        for (BatchState state : BatchState.values()) {
            batches.put(state, new AtomicLong());
        }
        committer = new GroupCommitter(
                new WriterConnection(this::openSession, dialect),
                new OutcomeWriter(clock, retentionMillis),
                new Telling());
        keeper = new StoreKeeper(committer, clock, this::giveUp, this::forget);
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
            committer
                    .write(session -> {
                        session.abandonAll();
                        return session.openUploads();
                    })
                    .forEach(this::giveUp);
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
    public Pending spill(BatchRef batch, List<PackedSegment> segments) {
        return committer.begin(
                session -> {
                    session.spill(batch, segments);
                    return true;
                },
                done -> {})::await;
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
    public boolean open(NewBatch batch, List<PackedSegment> first) {
        boolean opened = committer.write(session -> session.open(batch, first), done -> {
            if (done) {
                backlog.addAndGet(batch.total());
                counter(BatchState.OPEN).incrementAndGet();
            }
        });
        if (opened) {
            listeners.forEach(listener -> listener.sealed(batch.ref(), batch.total()));
        }
        return opened;
    }

    @Override
    public void append(BatchRef batch, List<PackedSegment> segments) {
        int jobs = segments.stream().mapToInt(PackedSegment::jobs).sum();
        committer.write(
                session -> {
                    session.append(batch, segments);
                    return jobs;
                },
                added -> backlog.addAndGet(added));
        listeners.forEach(listener -> listener.appended(batch, jobs));
    }

    @Override
    public void complete(BatchRef batch, byte[] fingerprint, byte @Nullable [] keyFingerprint) {
        committer.write(
                session -> {
                    if (keyFingerprint != null) {
                        session.completeKey(batch, keyFingerprint);
                    }
                    UploadEnd end = endUpload(session, batch, fingerprint);
                    if (end == null) {
                        throw new IllegalStateException(batch + " is not open: its upload cannot be completed");
                    }
                    return end;
                },
                this::tellUploadEnd);
    }

    @Override
    public void abandon(BatchRef batch) {
        keeper.abandon(batch);
    }

    /** An open batch keeps what it has; what was spilled of others is swept. */
    private void giveUp(BatchRef upload) {
        committer.write(
                session -> {
                    session.abandon(upload);
                    return Optional.ofNullable(endUpload(session, upload, null));
                },
                end -> end.ifPresent(this::tellUploadEnd));
    }

    /** An upload has ended; {@code outcome} says how its batch has, or is null if that still runs. */
    private record UploadEnd(BatchRef batch, @Nullable BatchOutcome outcome) {}

    private @Nullable UploadEnd endUpload(WriteSession session, BatchRef batch, byte @Nullable [] fingerprint)
            throws SQLException {
        WriteSession.Standing standing = session.endUpload(batch, fingerprint);
        if (standing == null) {
            return null;
        }
        BatchOutcome outcome = standing.end();
        if (outcome != null) {
            session.end(batch, outcome, clock.millis(), retentionMillis);
        }
        return new UploadEnd(batch, outcome);
    }

    /** Writer thread only, after the commit. */
    private void tellUploadEnd(UploadEnd end) {
        counter(BatchState.OPEN).decrementAndGet();
        BatchOutcome outcome = end.outcome();
        if (outcome == null) {
            counter(BatchState.RUNNING).incrementAndGet();
        } else {
            counter(BatchState.ENDED).incrementAndGet();
            listeners.forEach(listener -> listener.ended(end.batch(), outcome));
        }
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
    public Optional<KeptKey> findKey(String tenant, String key) {
        return reading(() -> reader.findKey(tenant, key));
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
    public @Nullable ResultLines results(BatchRef batch, int fromIndex) {
        return reading(() -> results.byIndex(batch, fromIndex));
    }

    @Override
    public ResultLines resultsBySeq(BatchRef batch, int afterSeq) {
        return reading(() -> results.bySeq(batch, afterSeq));
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
