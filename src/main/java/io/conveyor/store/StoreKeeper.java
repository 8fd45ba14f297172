package io.conveyor.store;

import java.sql.SQLException;
import java.time.Clock;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.IntConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Deletes what nobody needs any more: batches past their retention, and segments without a batch. Works in steps of a
 * few milliseconds through the common writer, so that it never holds up submissions or outcomes for long.
 *
 * <p>Threads and state: one daemon thread, woken by {@link #wake} or by the clock; {@link #close} ends it within the
 * step that it is in. No other state.
 */
final class StoreKeeper implements AutoCloseable {

    private static final Logger log = LoggerFactory.getLogger(StoreKeeper.class);

    /** Pause between two looks at the clock, in seconds; retention is counted in days. */
    private static final long PERIOD_SECONDS = 30;

    /** Batches deleted in one step. */
    private static final int BATCHES_A_STEP = 64;

    /** Segments swept in one step. */
    private static final int SEGMENTS_A_STEP = 64;

    private static final String EXPIRED =
            "SELECT tenant, batch_no FROM batch WHERE expires_at <= ? ORDER BY expires_at LIMIT ?";
    private static final String UNOWNED =
            "SELECT tenant, batch_no FROM unowned WHERE uploading = 0 ORDER BY batch_no LIMIT 1";
    private static final String FIRST_SEGMENTS =
            "(SELECT first_index FROM segment WHERE tenant = ? AND batch_no = ? ORDER BY first_index LIMIT ?)";
    private static final String SWEEP_BLOCKS =
            "DELETE FROM outcome_block WHERE tenant = ? AND batch_no = ? AND segment IN " + FIRST_SEGMENTS;
    private static final String SWEEP_INPUTS =
            "DELETE FROM segment_input WHERE tenant = ? AND batch_no = ? AND first_index IN " + FIRST_SEGMENTS;
    private static final String SWEEP_SEGMENTS =
            "DELETE FROM segment WHERE tenant = ? AND batch_no = ? AND first_index IN " + FIRST_SEGMENTS;
    private static final String SWEPT = "DELETE FROM unowned WHERE batch_no = ?";

    private final GroupCommitter committer;
    private final Clock clock;
    private final IntConsumer expired;
    private final Semaphore work = new Semaphore(0);
    private final Thread thread = new Thread(this::run, "conveyor-store-keeper");
    private volatile boolean closing;

    StoreKeeper(GroupCommitter committer, Clock clock, IntConsumer expired) {
        this.committer = committer;
        this.clock = clock;
        this.expired = expired;
        thread.setDaemon(true);
    }

    void start() {
        thread.start();
    }

    void wake() {
        work.release();
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
                while (!closing && expireSome()) {
                    work.drainPermits();
                }
                while (!closing && committer.write(this::sweepSome)) {
                    work.drainPermits();
                }
            } catch (StoreException e) {
                log.warn("Could not sweep the store now, will try again: {}", e.getMessage());
            }
            pause();
        }
    }

    private void pause() {
        try {
            if (!closing && work.tryAcquire(PERIOD_SECONDS, TimeUnit.SECONDS)) {
                work.drainPermits();
            }
        } catch (InterruptedException e) {
            closing = true;
        }
    }

    private boolean expireSome() {
        int deleted = committer.write(session -> {
            int count = 0;
            for (BatchRef batch : session.refs(EXPIRED, clock.millis(), BATCHES_A_STEP)) {
                count += session.deleteEnded(batch.tenant(), batch.batchNo()) ? 1 : 0;
            }
            return count;
        });
        expired.accept(deleted);
        return deleted > 0;
    }

    /** One step: some segments of one batch, or the note that nothing of it is left; false when there is nothing to do. */
    private boolean sweepSome(WriteSession session) throws SQLException {
        List<BatchRef> next = session.refs(UNOWNED);
        if (next.isEmpty()) {
            return false;
        }
        String tenant = next.get(0).tenant();
        long batchNo = next.get(0).batchNo();
        session.update(SWEEP_BLOCKS, tenant, batchNo, tenant, batchNo, SEGMENTS_A_STEP);
        session.update(SWEEP_INPUTS, tenant, batchNo, tenant, batchNo, SEGMENTS_A_STEP);
        if (session.update(SWEEP_SEGMENTS, tenant, batchNo, tenant, batchNo, SEGMENTS_A_STEP) < SEGMENTS_A_STEP) {
            session.update(SWEPT, batchNo);
        }
        return true;
    }
}
