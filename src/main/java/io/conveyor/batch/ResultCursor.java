package io.conveyor.batch;

import io.conveyor.batch.ResultQuery.Order;
import io.conveyor.store.BatchStore;
import io.conveyor.store.ResultLines;
import io.conveyor.store.StoredBatch;
import io.conveyor.web.stream.StreamCutException;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Walks the results of a batch in either order, a window at a time, holding nothing open between two steps; it can let go
 * of what it has loaded at any time, also within a line, and goes on from its place. Fails rather than end early: if the
 * batch is deleted under way, an ended batch lacks a result, or a seq is missing. Not thread-safe.
 */
final class ResultCursor {

    private final BatchStore store;
    private final ResultQuery query;
    private final boolean byIndex;

    // Mutable state
    /** As it was before anything in the window was read: if it had ended then, nothing can be missing. */
    private StoredBatch batch;

    private @Nullable ResultLines window;
    /** Place in the window of the result that the cursor is at; -1 before the first. */
    private int at = -1;
    /** Index or seq of the result that the cursor is at. */
    private int place;
    /** Index or seq of the result that comes next. */
    private int next;

    ResultCursor(BatchStore store, StoredBatch batch, ResultQuery query) {
        this.store = store;
        this.batch = batch;
        this.query = query;
        byIndex = query.order() == Order.INPUT;
        place = query.after();
        next = query.after() + 1;
    }

    /** Goes to the next result; false if there is none now. */
    boolean advance() {
        while (true) {
            ResultLines lines = window == null ? load(next) : window;
            if (lines == null) {
                refuseGap(end());
                return false;
            }
            while (++at < lines.size()) {
                int found = placeOf(lines, at);
                passOverIndexesWithoutJob(lines, found);
                if (found > next && refuseGap(found)) {
                    release();
                    return false;
                }
                if (found >= next) {
                    next = found + 1;
                    if (query.states().contains(lines.state(at))) {
                        place = found;
                        return true;
                    }
                }
            }
            passOverIndexesWithoutJob(lines, Integer.MAX_VALUE);
            if (byIndex && lines.nextIndex() > next) {
                // Not held against the total: while the upload arrives, a segment may be newer than what is known of
                // the batch.
                if (refuseGap(lines.nextIndex())) {
                    release();
                    return false;
                }
                next = lines.nextIndex();
            }
            release();
        }
    }

    /** In a batch of some jobs of another, what comes next need not be the next index. */
    private void passOverIndexesWithoutJob(ResultLines lines, int found) {
        if (byIndex && found > next && batch.indexEnd() > batch.tally().total()) {
            next = lines.jobFrom(next);
        }
    }

    private @Nullable ResultLines load(int from) {
        at = -1;
        if (byIndex) {
            window = store.results(batch.ref(), from);
        } else {
            ResultLines lines = store.resultsBySeq(batch.ref(), from - 1);
            window = lines.size() == 0 ? null : lines;
        }
        return window;
    }

    private int placeOf(ResultLines lines, int n) {
        return byIndex ? lines.index(n) : lines.seq(n);
    }

    /** The place behind the last, as far as is known. */
    private int end() {
        return byIndex ? batch.indexEnd() : batch.tally().recorded() + 1;
    }

    /**
     * Whether to wait for the result that is missing before the found one. While the batch runs, who follows it in input
     * order waits, and others pass over it; a seq is never missing.
     */
    private boolean refuseGap(int found) {
        if (found <= next || (byIndex && !batch.ended())) {
            return found > next && query.follow();
        }
        refresh();
        throw new IllegalStateException(
                "Batch " + batch.ref().id() + " lacks the " + query.order().wireName() + " result " + next);
    }

    /** The batch as the cursor knows it. */
    StoredBatch batch() {
        return batch;
    }

    /**
     * Asks the store anew where the batch stands.
     *
     * @throws StreamCutException if it is gone
     */
    StoredBatch refresh() {
        release(); // what was loaded before must not be held against what is known now
        batch = now();
        return batch;
    }

    /** The batch as it is at this moment, of which the cursor takes no notice; otherwise as {@link #refresh}. */
    StoredBatch now() {
        return store.find(batch.ref().tenant(), batch.ref().id())
                .filter(found -> found.ref().batchNo() == batch.ref().batchNo())
                .orElseThrow(() -> new StreamCutException("batch " + batch.ref().id() + " has been deleted"));
    }

    /** Forgets what it has loaded; it is loaded again when it is needed. */
    void release() {
        window = null;
    }

    /** Index or seq of the result that the cursor is at; before the first, the place after which it was to begin. */
    int place() {
        return place;
    }

    /** Index or seq of the last result that it has seen, be it of a state that is asked for or not. */
    int seen() {
        return next - 1;
    }

    /** Bytes of the result that the cursor is at, with its line feed. */
    int length() {
        return current().length(at);
    }

    /** Completion number of the result that the cursor is at. */
    int seq() {
        return current().seq(at);
    }

    /** Copies of the line that the cursor is at; see {@link ResultLines#copy}. */
    int copy(int from, int end, ByteBuffer to) {
        return current().copy(at, from, end, to);
    }

    private ResultLines current() {
        ResultLines lines = window;
        if (lines == null) {
            lines = load(place);
            do {
                at++;
            } while (lines != null && at < lines.size() && placeOf(lines, at) < place);
            if (lines == null || at >= lines.size() || placeOf(lines, at) != place) {
                throw new IllegalStateException("Result " + place + " was there, and is not any more");
            }
        }
        return lines;
    }
}
