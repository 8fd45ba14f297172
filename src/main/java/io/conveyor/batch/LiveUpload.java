package io.conveyor.batch;

import io.conveyor.belt.Belt;
import io.conveyor.job.Job;
import io.conveyor.store.BatchRef;
import io.conveyor.store.NewBatch;
import io.conveyor.store.PackedSegment;
import io.conveyor.store.SegmentPacker;
import io.conveyor.web.ApiException;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.IntFunction;

/**
 * The jobs of a submission that starts while it arrives: each handful is accepted and handed to the crew before more is
 * read, so that the client is slowed down to the pace of the work. Whatever comes between two pauses of the client, or
 * fills a segment, travels together. Not thread-safe: belongs to the thread that reads.
 */
final class LiveUpload implements JobSink {

    /** Seconds after which a client may send the rest, or all again, to the service that comes next. */
    private static final int RETRY = 5;

    private final Belt belt;
    private final BatchRef ref;
    private final IntFunction<NewBatch> first;
    private final Consumer<BatchRef> opened;
    private final SegmentPacker packer = new SegmentPacker();

    // Mutable state
    private boolean open;

    LiveUpload(Belt belt, BatchRef ref, IntFunction<NewBatch> first, Consumer<BatchRef> opened) {
        this.belt = belt;
        this.ref = ref;
        this.first = first;
        this.opened = opened;
    }

    /** The id or the key belongs to another batch: nothing of this one is there. */
    static final class Taken extends RuntimeException {

        private static final long serialVersionUID = 1L;

        Taken() {
            super("The id or the key of the batch is taken", null, false, false);
        }
    }

    /** The batch was cancelled: it takes no more jobs. */
    static final class Cancelled extends RuntimeException {

        private static final long serialVersionUID = 1L;

        Cancelled() {
            super("The batch was cancelled", null, false, false);
        }
    }

    @Override
    public void accept(Job job) {
        packer.add(job);
        if (packer.isFull()) {
            pause();
        }
    }

    @Override
    public void pause() {
        if (packer.isEmpty()) {
            return;
        }
        List<PackedSegment> segments = List.of(packer.take());
        if (!open) {
            open(segments);
        } else if (!belt.append(ref, segments)) {
            throw new Cancelled();
        }
        if (!belt.feedOpen(ref, segments)) {
            throw ApiException.draining(RETRY);
        }
    }

    private void open(List<PackedSegment> segments) {
        NewBatch batch = first.apply(segments.get(0).jobs());
        if (!belt.open(batch, segments)) {
            throw new Taken();
        }
        open = true;
        opened.accept(ref);
    }

    /** Whether the batch is there: from the first jobs on. */
    boolean isOpen() {
        return open;
    }
}
