package io.conveyor.store;

import io.conveyor.job.BatchOutcome;
import io.conveyor.job.BatchState;
import io.conveyor.job.StopReason;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The changes of state that clients ask for, and those that the time brings. Each is a write of its own that is waited for,
 * and moves the figures with it. Thread-safe.
 */
final class Controls {

    private final GroupCommitter committer;
    private final StoreFigures figures;
    private final BatchCourse course;

    Controls(GroupCommitter committer, StoreFigures figures, BatchCourse course) {
        this.committer = committer;
        this.figures = figures;
        this.course = course;
    }

    boolean cancel(BatchRef batch) {
        return committer
                .write(
                        session -> Optional.ofNullable(stop(session, batch, StopReason.CANCEL)),
                        move -> move.ifPresent(this::tell))
                .isPresent();
    }

    List<BatchRef> stopOverdue(int limit) {
        return committer.write(session -> stopOverdue(session, limit), moves -> moves.forEach(this::tell)).stream()
                .map(BatchCourse.Move::batch)
                .toList();
    }

    private List<BatchCourse.Move> stopOverdue(WriteSession session, int limit) throws SQLException {
        List<BatchCourse.Move> moves = new ArrayList<>();
        for (BatchRef batch : session.overdue(limit)) {
            BatchCourse.Move move = stop(session, batch, StopReason.DEADLINE);
            if (move != null) {
                moves.add(move);
            }
        }
        return moves;
    }

    private BatchCourse.@Nullable Move stop(WriteSession session, BatchRef batch, StopReason reason)
            throws SQLException {
        BatchState from = session.state(batch);
        return from == null ? null : course.stop(session, batch, reason, from);
    }

    /** Who asked sees to the stop; others hear of an end. Writer thread only, after the commit. */
    private void tell(BatchCourse.Move move) {
        move.count(figures);
        BatchOutcome outcome = move.outcome();
        if (outcome != null) {
            figures.tell(listener -> listener.ended(move.batch(), outcome));
        }
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
