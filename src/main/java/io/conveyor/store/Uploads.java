package io.conveyor.store;

import io.conveyor.job.BatchOutcome;
import io.conveyor.job.BatchState;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * How batches come into the store: whole, by {@link #spill} and {@link #seal}, or while their upload arrives, by
 * {@link #open}, {@link #append} and {@link #complete}. Each is a write of its own; all but {@link #spill} wait for it. Jobs come only while there is {@link Room}. What it changes in
 * the figures and who hears of it stands beside it. Thread-safe.
 */
final class Uploads {

    private final GroupCommitter committer;
    private final StoreFigures figures;
    private final BatchCourse course;
    private final long retentionMillis;
    private final Room room;

    Uploads(GroupCommitter committer, StoreFigures figures, BatchCourse course, long retentionMillis, Room room) {
        this.room = room;
        this.committer = committer;
        this.figures = figures;
        this.course = course;
        this.retentionMillis = retentionMillis;
    }

    BatchStore.Pending spill(BatchRef batch, List<PackedSegment> segments) {
        room.require();
        return committer.begin(
                session -> {
                    session.spill(batch, segments);
                    return true;
                },
                done -> {})::await;
    }

    boolean seal(NewBatch batch, List<PackedSegment> rest) {
        room.require();
        boolean empty = batch.total() == 0;
        boolean sealed = committer.write(session -> session.seal(batch, rest, retentionMillis), done -> {
            if (done) {
                figures.accepted(batch.total());
                figures.count(empty ? BatchState.ENDED : BatchState.RUNNING, 1);
            }
        });
        if (sealed) {
            figures.tell(listener -> listener.sealed(batch.ref(), batch.total()));
            if (empty) {
                figures.tell(listener -> listener.ended(batch.ref(), BatchOutcome.SUCCEEDED));
            }
        }
        return sealed;
    }

    boolean open(NewBatch batch, List<PackedSegment> first) {
        room.require();
        boolean opened = committer.write(session -> session.open(batch, first), done -> {
            if (done) {
                figures.accepted(batch.total());
                figures.count(BatchState.OPEN, 1);
            }
        });
        if (opened) {
            figures.tell(listener -> listener.sealed(batch.ref(), batch.total()));
        }
        return opened;
    }

    boolean append(BatchRef batch, List<PackedSegment> segments) {
        room.require();
        int jobs = segments.stream().mapToInt(PackedSegment::jobs).sum();
        boolean appended = committer.write(session -> session.append(batch, segments), done -> {
            if (done) {
                figures.accepted(jobs);
            }
        });
        if (appended) {
            figures.tell(listener -> listener.appended(batch, jobs));
        }
        return appended;
    }

    void complete(BatchRef batch, byte[] fingerprint, byte @Nullable [] keyFingerprint) {
        committer.write(
                session -> {
                    if (keyFingerprint != null) {
                        session.completeKey(batch, keyFingerprint);
                    }
                    BatchCourse.Move end = end(session, batch, fingerprint);
                    if (end == null && !session.isCancelled(batch)) {
                        throw new IllegalStateException(batch + " is not open: its upload cannot be completed");
                    }
                    return Optional.ofNullable(end);
                },
                end -> end.ifPresent(this::tell));
    }

    /** What an earlier process left behind: its open batches, and what it spilled for others. */
    void giveUpAll() {
        committer
                .write(session -> {
                    session.abandonAll();
                    return session.openUploads();
                })
                .forEach(this::giveUp);
    }

    /** An open batch keeps what it has; what was spilled of others is swept. */
    void giveUp(BatchRef upload) {
        committer.write(
                session -> {
                    session.abandon(upload);
                    return Optional.ofNullable(end(session, upload, null));
                },
                end -> end.ifPresent(this::tell));
    }

    /** Where the batch goes when its upload has ended, or null if that had ended before. */
    private BatchCourse.@Nullable Move end(WriteSession session, BatchRef batch, byte @Nullable [] fingerprint)
            throws SQLException {
        Standing standing = session.endUpload(batch, fingerprint);
        if (standing == null) {
            return null;
        }
        BatchCourse.Move move = course.afterChange(session, batch, standing, BatchState.OPEN);
        return move == null ? new BatchCourse.Move(batch, BatchState.OPEN, BatchState.RUNNING, null, null) : move;
    }

    /** Writer thread only, after the commit. */
    private void tell(BatchCourse.Move move) {
        move.count(figures);
        figures.tell(move::tell);
    }
}
