package io.conveyor.store;

import io.conveyor.job.BatchState;
import java.sql.SQLException;
import java.time.Clock;
import java.util.Optional;

/**
 * The changes of state that clients ask for. Each is a write of its own that is waited for, and moves the figures with
 * it. Thread-safe.
 */
final class Controls {

    private final GroupCommitter committer;
    private final StoreFigures figures;
    private final Clock clock;

    Controls(GroupCommitter committer, StoreFigures figures, Clock clock) {
        this.committer = committer;
        this.figures = figures;
        this.clock = clock;
    }

    boolean cancel(BatchRef batch) {
        return move(batch, BatchState.CANCELLING, session -> session.cancel(batch, clock.millis()));
    }

    boolean pause(BatchRef batch) {
        return move(batch, BatchState.PAUSED, session -> session.pause(batch));
    }

    boolean resume(BatchRef batch) {
        return move(batch, BatchState.RUNNING, session -> session.resume(batch));
    }

    /** Says whether it changed the state. */
    private interface Change {
        boolean apply(WriteSession session) throws SQLException;
    }

    private boolean move(BatchRef batch, BatchState to, Change change) {
        return committer
                .write(
                        session -> formerState(session, batch, change),
                        former -> former.ifPresent(state -> {
                            figures.count(state, -1);
                            figures.count(to, 1);
                        }))
                .isPresent();
    }

    private static Optional<BatchState> formerState(WriteSession session, BatchRef batch, Change change)
            throws SQLException {
        Optional<BatchState> former = Optional.ofNullable(session.state(batch));
        return change.apply(session) ? former : Optional.empty();
    }
}
