package io.conveyor.batch;

import io.conveyor.job.JobState;
import io.conveyor.store.BatchStore;
import io.conveyor.store.SegmentResults;
import io.conveyor.store.StoredBatch;
import io.conveyor.web.ApiException;
import java.io.IOException;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Walks the results of a batch in input order, a segment at a time, holding nothing open between two steps. Fails
 * rather than end early: if the batch is deleted under way, or an ended batch lacks a result. Not thread-safe.
 */
final class ResultCursor {

    private final BatchStore store;
    private final StoredBatch batch;
    private final Set<JobState> states;

    // Mutable state
    private @Nullable SegmentResults segment;
    private int at = -1;
    private int next;

    /**
     * @param states which results; all terminal ones for no filter
     * @param from the first index
     */
    ResultCursor(BatchStore store, StoredBatch batch, Set<JobState> states, int from) {
        this.store = store;
        this.batch = batch;
        this.states = states;
        next = from;
    }

    /** Goes to the next result; false if there is none now. */
    boolean advance() {
        while (next < batch.tally().total()) {
            if (segment == null) {
                segment = store.results(batch.ref(), next);
                at = -1;
                if (segment == null) {
                    break;
                }
            }
            while (++at < segment.size()) {
                int index = segment.index(at);
                if (index >= next) {
                    refuseGap(index);
                    next = index + 1;
                    if (states.contains(segment.state(at))) {
                        return true;
                    }
                }
            }
            refuseGap(Math.min(segment.nextIndex(), batch.tally().total()));
            next = Math.max(next, segment.nextIndex());
            segment = null;
        }
        refuseIfGone();
        refuseGap(batch.tally().total());
        return false;
    }

    /** Index of the result that the cursor is at. */
    int index() {
        return segment().index(at);
    }

    /** Hands out the line of the result that the cursor is at, with its line feed. */
    void line(SegmentResults.Sink<IOException> sink) throws IOException {
        segment().line(at, sink);
    }

    /** Hands out the JSON of the result that the cursor is at: its line without the line feed. */
    void value(SegmentResults.Sink<IOException> sink) throws IOException {
        segment().line(at, (bytes, offset, length) -> sink.write(bytes, offset, length - 1));
    }

    private SegmentResults segment() {
        if (segment == null) {
            throw new IllegalStateException("The cursor is not at a result");
        }
        return segment;
    }

    private void refuseGap(int index) {
        if (batch.ended() && index > next) {
            refuseIfGone();
            throw new IllegalStateException("Batch " + batch.ref().id() + " has ended without a result " + next);
        }
    }

    private void refuseIfGone() {
        Optional<StoredBatch> now = store.find(batch.ref().tenant(), batch.ref().id());
        if (now.isEmpty() || now.get().ref().batchNo() != batch.ref().batchNo()) {
            throw ApiException.unknownBatch(batch.ref().id());
        }
    }
}
