package io.conveyor.store;

import java.sql.SQLException;
import java.time.Clock;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.IntConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Deletes what nobody needs any more: uploads that were given up, batches past their retention, and what hung on them.
 * Works in steps of a few milliseconds through the common writer, so that it never holds up submissions or outcomes for
 * long. Each step reads inside the transaction that deletes, on the writing connection: what it saw is what it deletes.
 *
 * <p>Threads and state: one daemon thread, woken by {@link #wake} or by the clock; {@link #close} ends it within the
 * step that it is in. Any thread adds to {@link #abandoned}; this thread takes an upload off only when the store has
 * the note, so that a store which cannot write just then does not forget it.
 */
final class StoreKeeper implements AutoCloseable {

    private static final Logger log = LoggerFactory.getLogger(StoreKeeper.class);

    /** Pause between two looks at the clock, in seconds; retention is counted in days. */
    private static final long PERIOD_SECONDS = 30;

    /** Batches deleted in one step. */
    private static final int BATCHES_A_STEP = 64;

    /** Rows of one table swept in one step: usually 1 to 2 MiB of segments or blocks. */
    private static final int ROWS_A_STEP = 64;

    private static final String EXPIRED =
            "SELECT tenant, batch_no FROM batch WHERE expires_at <= ? ORDER BY expires_at LIMIT ?";
    private static final String UNOWNED =
            "SELECT tenant, batch_no FROM unowned WHERE uploading = 0 ORDER BY batch_no LIMIT 1";
    private static final String SWEEP_BLOCKS = """
            DELETE FROM outcome_block WHERE tenant = ? AND batch_no = ? AND first_seq IN (
                SELECT first_seq FROM outcome_block WHERE tenant = ? AND batch_no = ? ORDER BY first_seq LIMIT ?)""";
    private static final String SWEEP_INPUTS = """
            DELETE FROM segment_input WHERE tenant = ? AND batch_no = ? AND first_index IN (
                SELECT first_index FROM segment_input WHERE tenant = ? AND batch_no = ? ORDER BY first_index LIMIT ?)""";
    private static final String SWEEP_SEGMENTS = """
            DELETE FROM segment WHERE tenant = ? AND batch_no = ? AND first_index IN (
                SELECT first_index FROM segment WHERE tenant = ? AND batch_no = ? ORDER BY first_index LIMIT ?)""";
    private static final String SWEEP_ATTEMPTS = """
            DELETE FROM attempt WHERE tenant = ? AND batch_no = ? AND job_index IN (
                SELECT job_index FROM attempt WHERE tenant = ? AND batch_no = ? ORDER BY job_index LIMIT ?)""";
    private static final String SWEEP_SUSPECTS = "DELETE FROM suspect WHERE tenant = ? AND batch_no = ?";
    private static final String SWEPT = "DELETE FROM unowned WHERE batch_no = ?";
    private static final String EXPIRE_KEYS = """
            DELETE FROM idempotency_key WHERE rowid IN (
                SELECT rowid FROM idempotency_key WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)""";

    private final GroupCommitter committer;
    private final Clock clock;
    private final Consumer<BatchRef> giveUp;
    private final IntConsumer expired;
    private final Queue<BatchRef> abandoned = new ConcurrentLinkedQueue<>();
    private final Semaphore work = new Semaphore(0);
    private final Thread thread = new Thread(this::run, "conveyor-store-keeper");
    private volatile boolean closing;

    /**
     * @param giveUp gives up an upload, in a commit of its own, and waits for that
     * @param expired hears, on the writer thread, how many ended batches a step has deleted
     */
    StoreKeeper(GroupCommitter committer, Clock clock, Consumer<BatchRef> giveUp, IntConsumer expired) {
        this.committer = committer;
        this.clock = clock;
        this.giveUp = giveUp;
        this.expired = expired;
        thread.setDaemon(true);
    }

    void start() {
        thread.start();
    }

    /** There is something to do. */
    void wake() {
        work.release();
    }

    /** Marks an upload as given up, now or as soon as the store can write again. */
    void abandon(BatchRef upload) {
        abandoned.add(upload);
        wake();
    }

    @Override
    public void close() {
        closing = true;
        wake();
        try {
            thread.join(TimeUnit.SECONDS.toMillis(10));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void run() {
        while (!closing) {
            try {
                boolean more = true;
                while (more && !closing) {
                    boolean noted = abandonOne();
                    boolean deleted = expireSome();
                    more = committer.write(StoreKeeper::sweepSome) || noted || deleted;
                }
            } catch (RuntimeException e) {
                if (!closing) {
                    log.warn("Could not sweep the store now, will try again in {} s", PERIOD_SECONDS, e);
                }
            }
            pause();
        }
    }

    private void pause() {
        try {
            if (!closing && work.tryAcquire(PERIOD_SECONDS, TimeUnit.SECONDS)) {
                work.drainPermits(); // before the next look, so that no wake-up is lost
            }
        } catch (InterruptedException e) {
            closing = true;
        }
    }

    private boolean abandonOne() {
        BatchRef upload = abandoned.peek();
        if (upload == null) {
            return false;
        }
        giveUp.accept(upload);
        abandoned.remove();
        return true;
    }

    private boolean expireSome() {
        boolean batches = committer.write(this::expireSome, expired::accept) > 0;
        return committer.write(session -> session.update(EXPIRE_KEYS, clock.millis(), ROWS_A_STEP)) > 0 || batches;
    }

    private int expireSome(WriteSession session) throws SQLException {
        int count = 0;
        for (BatchRef batch : session.refs(EXPIRED, clock.millis(), BATCHES_A_STEP)) {
            count += session.deleteEnded(batch.tenant(), batch.batchNo()) ? 1 : 0;
        }
        return count;
    }

    /** One step: some rows of one batch, or the note that nothing of it is left; false when there is nothing to do. */
    private static boolean sweepSome(WriteSession session) throws SQLException {
        for (BatchRef batch : session.refs(UNOWNED)) {
            boolean swept = sweep(session, SWEEP_BLOCKS, batch)
                    && sweep(session, SWEEP_ATTEMPTS, batch)
                    && sweep(session, SWEEP_INPUTS, batch)
                    && sweep(session, SWEEP_SEGMENTS, batch);
            if (swept) {
                session.update(SWEEP_SUSPECTS, batch.tenant(), batch.batchNo());
                session.update(SWEPT, batch.batchNo());
            }
            return true;
        }
        return false;
    }

    /** Whether nothing of the batch is left in the table. */
    private static boolean sweep(WriteSession session, String sql, BatchRef batch) throws SQLException {
        return session.update(sql, batch.tenant(), batch.batchNo(), batch.tenant(), batch.batchNo(), ROWS_A_STEP)
                < ROWS_A_STEP;
    }
}
