package io.conveyor.store;

import static io.conveyor.store.BatchReader.reading;

import io.conveyor.job.BatchState;
import io.conveyor.job.Job;
import io.conveyor.job.JobState;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;

/**
 * The store on JDBC: writes go through the {@link GroupCommitter}, those of new batches by way of {@link Uploads}, reads
 * through {@link BatchReader} and {@link ResultReader} on connections of their own. Thread-safe.
 */
final class JdbcBatchStore implements BatchStore, AutoCloseable {

    private final DataSource writing;
    private final JdbcClient reading;
    private final Seals seals = new Seals();
    private final BatchReader reader;
    private final ResultReader results;
    private final JobPicker picker;
    private final SqlDialect dialect;
    private final Times times;
    private final StoreFigures figures = new StoreFigures();
    private final Suspects suspects = new Suspects();
    private final GroupCommitter committer;
    private final Room room;
    private final Uploads uploads;
    private final Controls controls;
    private final Attempts attempts;
    private final StoreKeeper keeper;
    private final AtomicLong lastBatchNo = new AtomicLong();
    private final Continuations continuations = new Continuations(lastBatchNo::incrementAndGet);

    JdbcBatchStore(
            DataSource writing, JdbcClient reading, SqlDialect dialect, StoreProperties properties, Times times) {
        this.writing = writing;
        this.reading = reading;
        this.reader = new BatchReader(reading, seals);
        this.results = new ResultReader(reading, seals);
        this.picker = new JobPicker(reading, reader, seals);
        this.dialect = dialect;
        this.times = times;
        long retentionMillis = properties.retention().toMillis();
        BatchCourse course = new BatchCourse(times, retentionMillis);
        committer = new GroupCommitter(
                new WriterConnection(this::openSession, dialect), new OutcomeWriter(course, suspects), figures);
        room = new Room(
                () -> dialect.freeBytes() - dialect.walBytes(),
                () -> reading(() -> reader.unusedBytes(dialect)),
                properties.reserve().toBytes(),
                System::nanoTime);
        uploads = new Uploads(committer, figures, course, retentionMillis, room);
        controls = new Controls(committer, figures, course);
        attempts = new Attempts(committer, reading);
        keeper = new StoreKeeper(committer, dialect, times.wall(), uploads::giveUp, this::forget);
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
            throw StoreStartException.ofDisk(dialect.name(), e);
        }
        seals.read(reading);
        figures.read(reader);
        lastBatchNo.set(reader.lastBatchNo());
        committer.start();
        try {
            committer.write(session -> {
                session.setClock();
                return true;
            });
            uploads.giveUpAll();
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
            return new WriteSession(connection, times, continuations, seals);
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
        return uploads.spill(batch, segments);
    }

    @Override
    public boolean seal(NewBatch batch, List<PackedSegment> rest) {
        return uploads.seal(batch, rest);
    }

    @Override
    public boolean open(NewBatch batch, List<PackedSegment> first) {
        return uploads.open(batch, first);
    }

    @Override
    public boolean append(BatchRef batch, List<PackedSegment> segments) {
        return uploads.append(batch, segments);
    }

    @Override
    public boolean cancel(BatchRef batch) {
        return controls.cancel(batch);
    }

    @Override
    public boolean pause(BatchRef batch) {
        return controls.pause(batch);
    }

    @Override
    public boolean resume(BatchRef batch) {
        return controls.resume(batch);
    }

    @Override
    public List<BatchRef> stopOverdue(int limit) {
        return controls.stopOverdue(limit);
    }

    @Override
    public OptionalLong nextDeadline() {
        OptionalLong due = reading(reader::nextDue);
        return due.isEmpty() ? due : OptionalLong.of(Math.max(0, due.getAsLong() - times.steadyMillis()));
    }

    @Override
    public void complete(BatchRef batch, byte[] fingerprint, byte @Nullable [] keyFingerprint) {
        uploads.complete(batch, fingerprint, keyFingerprint);
    }

    @Override
    public void abandon(BatchRef batch) {
        keeper.abandon(batch);
    }

    @Override
    public void record(JobEntry entry) {
        committer.record(entry);
    }

    @Override
    public List<WaitingAttempt> dueAttempts(BatchRef batch, long now, int limit) {
        return attempts.due(batch, now, limit);
    }

    @Override
    public List<WaitingAttempt> waitingAttempts(BatchRef batch, int afterIndex, int limit) {
        return attempts.after(batch, afterIndex, limit);
    }

    @Override
    public Set<Integer> takeAttempts(BatchRef batch, Collection<Integer> indexes, Map<Integer, Long> putOff) {
        return attempts.take(batch, indexes, putOff);
    }

    @Override
    public OptionalLong nextAttempt(BatchRef batch) {
        return attempts.next(batch);
    }

    @Override
    public List<DueBatch> dueBatches(int limit) {
        return attempts.batches(limit);
    }

    @Override
    public void bringAttemptsForward(long latest) {
        attempts.bringForward(latest);
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
    public @Nullable PickedJobs pick(BatchRef batch, int fromIndex, Set<JobState> states) {
        return reading(() -> picker.pick(batch, fromIndex, states));
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
    public List<Suspect> crashed(long run, List<RunningLog.Entry> running) {
        return committer.write(session -> suspects.crashed(session, run, running));
    }

    @Override
    public long backlogJobs() {
        return figures.backlog();
    }

    @Override
    public StoreStatus status() {
        StoreException trouble = committer.trouble();
        return new StoreStatus(
                trouble == null,
                trouble == null ? "" : String.valueOf(trouble.getMessage()),
                figures.backlog(),
                figures.retrying(),
                figures.batches(),
                committer.outcomesInHand(),
                figures.late(),
                dialect.databaseBytes(),
                dialect.walBytes(),
                dialect.freeBytes(),
                room.left());
    }

    @Override
    public void listen(StoreListener listener) {
        figures.listen(listener);
    }

    @Override
    public void close() {
        keeper.close();
        committer.close();
    }

    private void forget(int endedBatches) {
        figures.count(BatchState.ENDED, -endedBatches);
    }
}
