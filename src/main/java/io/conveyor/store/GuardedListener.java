package io.conveyor.store;

import io.conveyor.job.BatchOutcome;
import io.conveyor.job.StopReason;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Keeps a listener's failures from whoever tells it: they are logged, and the next call comes all the same. */
final class GuardedListener implements StoreListener {

    private static final Logger log = LoggerFactory.getLogger(GuardedListener.class);

    private final StoreListener listener;

    GuardedListener(StoreListener listener) {
        this.listener = listener;
    }

    @Override
    public void sealed(BatchRef batch, int jobs) {
        try {
            listener.sealed(batch, jobs);
        } catch (RuntimeException e) {
            failed(e);
        }
    }

    @Override
    public void appended(BatchRef batch, int jobs) {
        try {
            listener.appended(batch, jobs);
        } catch (RuntimeException e) {
            failed(e);
        }
    }

    @Override
    public void recorded(BatchRef batch, List<OutcomeEntry> outcomes, boolean kept) {
        try {
            listener.recorded(batch, outcomes, kept);
        } catch (RuntimeException e) {
            failed(e);
        }
    }

    @Override
    public void retrying(BatchRef batch, List<AttemptEntry> attempts, boolean kept) {
        try {
            listener.retrying(batch, attempts, kept);
        } catch (RuntimeException e) {
            failed(e);
        }
    }

    @Override
    public void ended(BatchRef batch, BatchOutcome outcome) {
        try {
            listener.ended(batch, outcome);
        } catch (RuntimeException e) {
            failed(e);
        }
    }

    @Override
    public void continued(NewBatch batch) {
        try {
            listener.continued(batch);
        } catch (RuntimeException e) {
            failed(e);
        }
    }

    @Override
    public void stopped(BatchRef batch, StopReason reason) {
        try {
            listener.stopped(batch, reason);
        } catch (RuntimeException e) {
            failed(e);
        }
    }

    @Override
    public void committed(int writes, long nanos) {
        try {
            listener.committed(writes, nanos);
        } catch (RuntimeException e) {
            failed(e);
        }
    }

    @Override
    public void commitFailed(StoreException failure) {
        try {
            listener.commitFailed(failure);
        } catch (RuntimeException e) {
            failed(e);
        }
    }

    @Override
    public void broken(StoreException failure) {
        try {
            listener.broken(failure);
        } catch (RuntimeException e) {
            failed(e);
        }
    }

    private static void failed(RuntimeException e) {
        log.error("A listener of the store failed; the store goes on", e);
    }
}
