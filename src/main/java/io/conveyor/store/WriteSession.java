package io.conveyor.store;

import io.conveyor.job.BatchOutcome;
import io.conveyor.job.BatchState;
import io.conveyor.job.JobState;
import io.conveyor.job.OnError;
import io.conveyor.job.StopReason;
import io.conveyor.job.Tally;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The writing SQL, on the one connection that writes. Confined to the writer thread; every method runs between
 * {@link #begin} and {@link #commit} or {@link #rollback}.
 */
final class WriteSession extends Transaction {

    private static final String INSERT_SEGMENT =
            "INSERT INTO segment (tenant, batch_no, first_index, jobs, span, places, open, epoch) VALUES (?, ?, ?, ?, ?, ?, ?, 0)";
    private static final String INSERT_INPUT =
            "INSERT INTO segment_input (tenant, batch_no, first_index, data) VALUES (?, ?, ?, ?)";
    private static final String INSERT_UPLOAD =
            "INSERT INTO unowned (batch_no, tenant, uploading) VALUES (?, ?, 1) ON CONFLICT DO NOTHING";
    private static final String DELETE_UPLOAD = "DELETE FROM unowned WHERE batch_no = ?";
    private static final String ABANDON_UPLOAD = "UPDATE unowned SET uploading = 0 WHERE batch_no = ?";
    private static final String ABANDON_ALL = "UPDATE unowned SET uploading = 0 WHERE uploading = 1";
    private static final String COUNT_JOBS =
            "SELECT coalesce(sum(jobs), 0) FROM segment WHERE tenant = ? AND batch_no = ?";
    private static final String INSERT_BATCH = """
            INSERT INTO batch (batch_no, tenant, id, name, metadata, fingerprint, timeout_ms, max_attempts,
                max_concurrency, on_error, deadline_at, due_at, retry_of, continuation_of, state, outcome, total,
                succeeded, failed, cancelled, expired, index_end, created_at, ended_at, expires_at)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0, 0, ?, ?, ?, ?)
            ON CONFLICT (tenant, id) DO NOTHING""";
    private static final String INSERT_KEY = """
            INSERT INTO idempotency_key (tenant, key, batch_no, batch_id, fingerprint, created_at)
            VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING""";
    private static final String UNDO_BATCH = "DELETE FROM batch WHERE tenant = ? AND batch_no = ?";
    private static final String GROW =
            "UPDATE batch SET total = total + ? WHERE tenant = ? AND batch_no = ? AND state = 'open'";
    private static final String END_UPLOAD = """
            UPDATE batch SET state = 'running', broken = ?, fingerprint = coalesce(?, fingerprint)
            WHERE tenant = ? AND batch_no = ? AND state = 'open'
            RETURNING total, succeeded, failed, cancelled, expired, state, broken, on_error""";
    private static final String FINGERPRINT =
            "UPDATE batch SET fingerprint = ? WHERE tenant = ? AND batch_no = ? AND length(fingerprint) = 0";
    private static final String COMPLETE_KEY =
            "UPDATE idempotency_key SET fingerprint = ? WHERE tenant = ? AND batch_no = ?";
    private static final String OPEN_UPLOADS = "SELECT tenant, batch_no FROM batch WHERE state = 'open'";
    private static final String RELEASE_KEY =
            "UPDATE idempotency_key SET expires_at = created_at + ? WHERE tenant = ? AND batch_no = ?";
    private static final String TAKE_OPEN = """
            UPDATE segment SET open = open - ?
            WHERE tenant = ? AND batch_no = ? AND first_index = ? AND epoch = ? AND jobs - open = ? AND open >= ?""";
    private static final String HAS_EPOCH =
            "SELECT 1 FROM segment WHERE tenant = ? AND batch_no = ? AND first_index = ? AND epoch = ?";
    private static final String DIRECTORIES =
            "SELECT directory, first_seq FROM outcome_block WHERE tenant = ? AND batch_no = ? AND segment = ?";
    private static final String COUNT_OUTCOMES = """
            UPDATE batch SET succeeded = succeeded + ?, failed = failed + ?, cancelled = cancelled + ?,
                expired = expired + ?, started_at = min(coalesce(started_at, ?), coalesce(?, started_at))
            WHERE tenant = ? AND batch_no = ? AND state <> 'ended'
            RETURNING total, succeeded, failed, cancelled, expired, state, broken, on_error""";
    private static final String STOP = """
            UPDATE batch SET state = 'cancelling', stop_reason = ?, cancel_requested_at = ?,
                broken = CASE state WHEN 'open' THEN 1 ELSE broken END
            WHERE tenant = ? AND batch_no = ? AND\s""" + before(BatchState.CANCELLING)
            + " RETURNING total, succeeded, failed, cancelled, expired, state, broken, on_error";
    private static final String OVERDUE = """
            SELECT tenant, batch_no FROM batch
            WHERE due_at <= ? AND stop_reason IS NULL AND state <> 'ended' ORDER BY due_at LIMIT ?""";
    private static final String SET_CLOCK = """
            UPDATE batch SET due_at = deadline_at
            WHERE due_at IS NOT NULL AND stop_reason IS NULL AND state <> 'ended'""";
    private static final String PAUSE =
            "UPDATE batch SET state = 'paused' WHERE tenant = ? AND batch_no = ? AND state = 'running'";
    private static final String RESUME =
            "UPDATE batch SET state = 'running' WHERE tenant = ? AND batch_no = ? AND state = 'paused'";
    private static final String STATE = "SELECT state FROM batch WHERE tenant = ? AND batch_no = ?";
    private static final String INSERT_BLOCK = """
            INSERT INTO outcome_block (tenant, batch_no, segment, first_seq, directory, facts, outcomes)
            VALUES (?, ?, ?, ?, ?, ?, ?)""";
    private static final String END_BATCH =
            """
            UPDATE batch SET state = 'ended', outcome = ?, ended_at = ?, expires_at = ?
            WHERE tenant = ? AND batch_no = ? AND\s""" + before(BatchState.ENDED) + " RETURNING total, succeeded, failed, cancelled, expired, id";
    private static final String NEXT_EPOCH =
            "UPDATE segment SET epoch = epoch + 1 WHERE open > 0 AND tenant = ? AND batch_no = ?";
    private static final String FIND_FOR_DELETE = "SELECT batch_no, state FROM batch WHERE tenant = ? AND id = ?";
    private static final String DELETE_BATCH =
            "DELETE FROM batch WHERE tenant = ? AND batch_no = ? AND state = 'ended'";
    private static final String INSERT_UNOWNED = "INSERT INTO unowned (batch_no, tenant, uploading) VALUES (?, ?, 0)";

    /** Milliseconds that an idempotency key is kept at the least: a day. */
    private static final long KEY_MILLIS = Duration.ofDays(1).toMillis();

    /** Below the number of any batch. */
    private static final long NO_BATCH = 0;

    private final Times times;
    private final Continuations continuations;
    private final Seals seals;

    // Mutable state
    /** The batches that this transaction has made because others have ended. */
    private final List<NewBatch> followers = new ArrayList<>();

    WriteSession(Connection connection, Times times, Continuations continuations, Seals seals) {
        super(connection);
        this.times = times;
        this.continuations = continuations;
        this.seals = seals;
    }

    /** A condition: the batch may go to that state. */
    private static String before(BatchState to) {
        return to.previous().stream()
                .map(state -> "'" + state.wireName() + "'")
                .collect(Collectors.joining(", ", "state IN (", ")"));
    }

    @Override
    void begin() throws SQLException {
        followers.clear();
        super.begin();
    }

    /** The batches that this transaction has made so far because others have ended. */
    List<NewBatch> followers() {
        return List.copyOf(followers);
    }

    void spill(BatchRef batch, List<PackedSegment> segments) throws SQLException {
        update(INSERT_UPLOAD, batch.batchNo(), batch.tenant());
        insert(batch, segments);
    }

    boolean seal(NewBatch batch, List<PackedSegment> rest, long retentionMillis) throws SQLException {
        boolean empty = batch.total() == 0;
        if (!insert(batch, empty ? BatchState.ENDED : BatchState.RUNNING, retentionMillis)) {
            return false;
        }
        insert(batch.ref(), rest);
        if (rest.stream().mapToInt(PackedSegment::jobs).sum() < batch.total()) {
            own(batch);
        }
        if (empty) {
            Tally none = new Tally(0, 0, 0, 0, 0);
            follow(batch.ref(), new Continuations.Ending(BatchOutcome.SUCCEEDED, none, batch.createdAtMillis()));
        }
        return true;
    }

    private void follow(BatchRef ended, Continuations.Ending ending) throws SQLException {
        followers.addAll(continuations.follow(this, ended, ending));
    }

    boolean open(NewBatch batch, List<PackedSegment> first) throws SQLException {
        if (!insert(batch, BatchState.OPEN, 0)) {
            return false;
        }
        insert(batch.ref(), first);
        return true;
    }

    /** False when the batch takes no more jobs, since it is cancelled. */
    boolean append(BatchRef batch, List<PackedSegment> segments) throws SQLException {
        int jobs = segments.stream().mapToInt(PackedSegment::jobs).sum();
        if (update(GROW, jobs, batch.tenant(), batch.batchNo()) == 0) {
            if (isCancelled(batch)) {
                return false;
            }
            throw new IllegalStateException(batch + " takes no more jobs: its upload has ended");
        }
        insert(batch, segments);
        return true;
    }

    /** Whether it was cancelled, be it that it has ended since; also when it was deleted after that. */
    boolean isCancelled(BatchRef batch) throws SQLException {
        BatchState state = state(batch);
        return state != BatchState.OPEN && state != BatchState.RUNNING;
    }

    /**
     * Ends the upload of an open batch.
     *
     * @param fingerprint of the whole request, or null when it is not known because the upload broke off
     * @return what there is of it, or null if it was not open
     */
    @Nullable
    Standing endUpload(BatchRef batch, byte @Nullable [] fingerprint) throws SQLException {
        boolean broken = fingerprint == null;
        if (!broken) {
            update(FINGERPRINT, fingerprint, batch.tenant(), batch.batchNo()); // it may have been cancelled meanwhile
        }
        try (ResultSet row = bind(END_UPLOAD, broken ? 1 : 0, fingerprint, batch.tenant(), batch.batchNo())
                .executeQuery()) {
            return standing(row);
        }
    }

    void completeKey(BatchRef batch, byte[] fingerprint) throws SQLException {
        update(COMPLETE_KEY, fingerprint, batch.tenant(), batch.batchNo());
    }

    /** Batches whose upload is arriving, or was when an earlier process ended; without their ids. */
    List<BatchRef> openUploads() throws SQLException {
        return refs(OPEN_UPLOADS);
    }

    /** Whether the batch is new by its id and its key; only then it is there afterwards. */
    private boolean insert(NewBatch batch, BatchState state, long retentionMillis) throws SQLException {
        BatchRef ref = batch.ref();
        boolean ended = state == BatchState.ENDED;
        PreparedStatement insert = bind(
                INSERT_BATCH,
                ref.batchNo(),
                ref.tenant(),
                ref.id(),
                batch.name(),
                batch.metadata(),
                batch.fingerprint(),
                batch.rules().timeoutMillis(),
                batch.rules().maxAttempts(),
                batch.rules().maxConcurrency(),
                batch.rules().onError().text(),
                batch.deadlineAt(),
                dueAt(batch),
                batch.origin().retryOf(),
                batch.origin().continuationOf(),
                state.wireName(),
                ended ? BatchOutcome.SUCCEEDED.wireName() : null,
                batch.total(),
                batch.indexEnd() == batch.total() ? null : batch.indexEnd(),
                batch.createdAtMillis(),
                ended ? batch.createdAtMillis() : null,
                ended ? batch.createdAtMillis() + retentionMillis : null);
        if (insert.executeUpdate() == 0) {
            return false;
        }
        SubmissionKey key = batch.key();
        if (key != null
                && update(
                                INSERT_KEY,
                                ref.tenant(),
                                key.value(),
                                ref.batchNo(),
                                ref.id(),
                                key.fingerprint(),
                                batch.createdAtMillis())
                        == 0) {
            update(UNDO_BATCH, ref.tenant(), ref.batchNo());
            return false;
        }
        continuations.keep(this, batch);
        return true;
    }

    private @Nullable Long dueAt(NewBatch batch) {
        long deadline = batch.rules().deadlineMillis();
        return deadline == 0 ? null : times.steadyMillis() + deadline;
    }

    /** Ends the life of a batch as an upload: its segments belong to a batch now, and all of them are there. */
    private void own(NewBatch batch) throws SQLException {
        BatchRef ref = batch.ref();
        update(DELETE_UPLOAD, ref.batchNo());
        long jobs;
        try (ResultSet row = bind(COUNT_JOBS, ref.tenant(), ref.batchNo()).executeQuery()) {
            jobs = row.next() ? row.getLong(1) : 0;
        }
        if (jobs != batch.total()) {
            throw new IllegalStateException(ref + " shall have " + batch.total() + " jobs, and " + jobs + " are here");
        }
    }

    void abandon(BatchRef batch) throws SQLException {
        update(ABANDON_UPLOAD, batch.batchNo());
    }

    /** Uploads that an earlier process left behind will not go on. */
    void abandonAll() throws SQLException {
        update(ABANDON_ALL);
    }

    /** Shuts out whatever an earlier process may still try to record for a batch. */
    void nextEpoch(BatchRef batch) throws SQLException {
        Attempts.letGo(this, batch);
        update(NEXT_EPOCH, batch.tenant(), batch.batchNo());
    }

    /**
     * Takes outcomes off their segment's open jobs: the fence that makes an outcome final.
     *
     * @param known how many outcomes the segment has already, as far as the reference knows
     * @return false when the segment is gone, has another epoch, or another number of outcomes
     */
    boolean take(SegmentRef segment, int known, int outcomes) throws SQLException {
        BatchRef batch = segment.batch();
        return update(
                        TAKE_OPEN,
                        outcomes,
                        batch.tenant(),
                        batch.batchNo(),
                        segment.firstIndex(),
                        segment.epoch(),
                        known,
                        outcomes)
                == 1;
    }

    /** The places of a segment that have their outcome, or null when it is gone or has another epoch. */
    @Nullable
    BitSet recordedPlaces(SegmentRef segment) throws SQLException {
        BatchRef batch = segment.batch();
        try (ResultSet row = bind(HAS_EPOCH, batch.tenant(), batch.batchNo(), segment.firstIndex(), segment.epoch())
                .executeQuery()) {
            if (!row.next()) {
                return null;
            }
        }
        BitSet places = new BitSet();
        try (ResultSet row = bind(DIRECTORIES, batch.tenant(), batch.batchNo(), segment.firstIndex())
                .executeQuery()) {
            while (row.next()) {
                OutcomeBlock.addPlaces(
                        seals.openDirectory(batch, segment.firstIndex(), row.getInt(2), row.getBytes(1)), places);
            }
        }
        return places;
    }

    private static BatchState state(String wireName) {
        return BatchState.ofWireName(wireName).orElseThrow();
    }

    /** The state of a batch, or null when it is gone. */
    @Nullable
    BatchState state(BatchRef batch) throws SQLException {
        try (ResultSet row = bind(STATE, batch.tenant(), batch.batchNo()).executeQuery()) {
            return row.next() ? state(row.getString(1)) : null;
        }
    }

    /** Has no more jobs of a batch start; where it stands then, or null when it is so already, has ended, or is gone. */
    @Nullable
    Standing stop(BatchRef batch, StopReason reason, @Nullable Long requestedAt) throws SQLException {
        try (ResultSet row = bind(STOP, reason.wireName(), requestedAt, batch.tenant(), batch.batchNo())
                .executeQuery()) {
            return standing(row);
        }
    }

    /** Batches whose deadline has passed, without their ids; the one that is late longest first. */
    List<BatchRef> overdue(int limit) throws SQLException {
        return refs(OVERDUE, times.steadyMillis(), limit);
    }

    /** Has the steady clock of this process hold for the deadlines from earlier ones. */
    void setClock() throws SQLException {
        update(SET_CLOCK);
    }

    /** Marks a running batch as paused; false when it is in another state, or gone. */
    boolean pause(BatchRef batch) throws SQLException {
        return update(PAUSE, batch.tenant(), batch.batchNo()) == 1;
    }

    /** Marks a paused batch as running; false when it is in another state, or gone. */
    boolean resume(BatchRef batch) throws SQLException {
        return update(RESUME, batch.tenant(), batch.batchNo()) == 1;
    }

    private static @Nullable Standing standing(ResultSet row) throws SQLException {
        if (!row.next()) {
            return null;
        }
        return new Standing(
                new Tally(row.getInt(1), row.getInt(2), row.getInt(3), row.getInt(4), row.getInt(5)),
                state(row.getString(6)),
                row.getInt(7) != 0,
                OnError.ofText(row.getString(8)));
    }

    /** Adds outcomes to the counters of their batch; where it stands then, or null when it is gone or ended. */
    @Nullable
    Standing count(BatchRef batch, Map<JobState, Integer> byState, @Nullable Long startedAt) throws SQLException {
        PreparedStatement count = bind(
                COUNT_OUTCOMES,
                byState.getOrDefault(JobState.SUCCEEDED, 0),
                byState.getOrDefault(JobState.FAILED, 0),
                byState.getOrDefault(JobState.CANCELLED, 0),
                byState.getOrDefault(JobState.EXPIRED, 0),
                startedAt,
                startedAt,
                batch.tenant(),
                batch.batchNo());
        try (ResultSet row = count.executeQuery()) {
            return standing(row);
        }
    }

    void insertBlock(SegmentRef segment, int firstSeq, OutcomeBlock block) throws SQLException {
        BatchRef batch = segment.batch();
        update(
                INSERT_BLOCK,
                batch.tenant(),
                batch.batchNo(),
                segment.firstIndex(),
                firstSeq,
                Seals.sealDirectory(segment, firstSeq, block),
                block.facts(),
                Seals.sealValues(segment, firstSeq, block));
    }

    /** Ends a batch, and makes what follows it; false when it has ended before, or is gone. */
    boolean end(BatchRef batch, BatchOutcome outcome, long now, long retentionMillis) throws SQLException {
        BatchRef ended;
        Tally tally;
        try (ResultSet row = bind(
                        END_BATCH, outcome.wireName(), now, now + retentionMillis, batch.tenant(), batch.batchNo())
                .executeQuery()) {
            if (!row.next()) {
                return false;
            }
            tally = new Tally(row.getInt(1), row.getInt(2), row.getInt(3), row.getInt(4), row.getInt(5));
            ended = new BatchRef(batch.tenant(), batch.batchNo(), row.getString(6));
        }
        follow(ended, new Continuations.Ending(outcome, tally, now));
        return true;
    }

    /** Writes something and takes it back: what only a disk with room, and in order, lets be committed. */
    void tryTheDisk() throws SQLException {
        update(INSERT_UNOWNED, NO_BATCH, "");
        update(DELETE_UPLOAD, NO_BATCH);
    }

    BatchStore.Deletion delete(String tenant, String id) throws SQLException {
        long batchNo;
        try (ResultSet row = bind(FIND_FOR_DELETE, tenant, id).executeQuery()) {
            if (!row.next()) {
                return BatchStore.Deletion.NOT_FOUND;
            }
            batchNo = row.getLong(1);
        }
        return deleteEnded(tenant, batchNo) ? BatchStore.Deletion.DELETED : BatchStore.Deletion.NOT_ENDED;
    }

    /** Deletes the row of an ended batch and leaves what hangs on it to be swept. */
    boolean deleteEnded(String tenant, long batchNo) throws SQLException {
        if (update(DELETE_BATCH, tenant, batchNo) == 0) {
            return false;
        }
        update(INSERT_UNOWNED, batchNo, tenant);
        update(RELEASE_KEY, KEY_MILLIS, tenant, batchNo);
        return true;
    }

    private void insert(BatchRef batch, List<PackedSegment> segments) throws SQLException {
        for (PackedSegment segment : segments) {
            int first = segment.firstIndex();
            byte[] places = segment.places().packed();
            update(
                    INSERT_SEGMENT,
                    batch.tenant(),
                    batch.batchNo(),
                    first,
                    segment.jobs(),
                    places == null ? null : segment.places().span(),
                    places,
                    segment.jobs());
            update(INSERT_INPUT, batch.tenant(), batch.batchNo(), first, Seals.sealInput(batch, segment));
        }
    }
}
