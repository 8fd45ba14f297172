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
 * Deletes what nobody needs any more: uploads that were given up, batches past their retention, and what hung on them; then
 * gives the room back to the disk that they leave, but for a part that is soon used again. Works in steps of a few milliseconds through the common writer, so that it never holds up submissions or outcomes for
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

    /** Idempotency keys deleted in one step. */
    private static final int KEYS_A_STEP = 256;

    /** The part of the database that may be unused without being given back: it is soon used again. */
    private static final int SPARE_PART = 4;

    /** Bytes that must be free on the disk before anything is given back, 32 MiB: twice what the log needs for its pages. */
    private static final long FREE_BYTES = 32 * 1024 * 1024;

    private static final String EXPIRED =
            "SELECT tenant, batch_no FROM batch WHERE expires_at <= ? ORDER BY expires_at LIMIT ?";
    private static final String EXPIRE_KEYS = """
            DELETE FROM idempotency_key WHERE rowid IN (
                SELECT rowid FROM idempotency_key WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)""";

    private final GroupCommitter committer;
    private final SqlDialect dialect;
    private final Clock clock;
    private final Consumer<BatchRef> giveUp;
    private final IntConsumer expired;
    private final Queue<BatchRef> abandoned = new ConcurrentLinkedQueue<>();
    private final Semaphore work = new Semaphore(0);
    private final Thread thread = new Thread(this::run, "conveyor-store-keeper");
    private volatile boolean closing;
    /** Whether the last step has given something back. Written by this thread, read by the writer while this one waits for it. */
    private volatile boolean givingBack;

    /**
     * @param giveUp gives up an upload, in a commit of its own, and waits for that
     * @param expired hears, on the writer thread, how many ended batches a step has deleted
     */
    StoreKeeper(
            GroupCommitter committer, SqlDialect dialect, Clock clock, Consumer<BatchRef> giveUp, IntConsumer expired) {
        this.committer = committer;
        this.dialect = dialect;
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
                    boolean swept = committer.write(session -> new SweepStep(session).take());
                    more = swept || noted || deleted || giveBackSome();
                }
            } catch (RuntimeException e) {
                if (isKnown(e)) {
                    log.debug("The store cannot write; what is to be swept waits", e);
                } else if (!closing) {
                    log.warn("Could not sweep the store now, will try again in {} s", PERIOD_SECONDS, e);
                }
            }
            pause();
        }
    }

    /** Whether the writer has said so already: nobody needs to read it every half minute. */
    private boolean isKnown(RuntimeException failure) {
        return committer.trouble() != null
                || (failure instanceof StoreException known && known.reason() == StoreException.Reason.FULL);
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
        return committer.write(session -> session.update(EXPIRE_KEYS, clock.millis(), KEYS_A_STEP)) > 0 || batches;
    }

    private int expireSome(WriteSession session) throws SQLException {
        int count = 0;
        for (BatchRef batch : session.refs(EXPIRED, clock.millis(), BATCHES_A_STEP)) {
            count += session.deleteEnded(batch.tenant(), batch.batchNo()) ? 1 : 0;
        }
        return count;
    }

    /**
     * One step: pages that are in use move from the end of the file into unused ones, and the file ends before them.
     * False when what is unused is worth keeping for what comes, or cannot be given back.
     */
    private boolean giveBackSome() {
        if (dialect.freeBytes() < FREE_BYTES) {
            return false; // moving needs some room itself, and outcomes come first
        }
        boolean more = committer.write(this::giveBack, gave -> {
            if (!gave && givingBack) {
                committer.foldLog(); // until then the file is as long as it was
            }
        });
        givingBack = more;
        return more;
    }

    private boolean giveBack(WriteSession session) throws SQLException {
        long unused = session.number(dialect.unusedBytes());
        long spare = Math.max(dialect.spareBytes(), session.number(dialect.totalBytes()) / SPARE_PART);
        if (unused <= spare) {
            return false;
        }
        session.execute(dialect.giveBack());
        return session.number(dialect.unusedBytes()) < unused;
    }
}
