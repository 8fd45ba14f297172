package io.conveyor.batch;

import io.conveyor.job.Job;
import io.conveyor.store.BatchRef;
import io.conveyor.store.BatchStore;
import io.conveyor.store.PackedSegment;
import io.conveyor.store.SegmentPacker;
import io.conveyor.store.StoreException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The jobs of a submission on their way to the store: packed into segments, of which no more than 256 KiB or so stay in
 * memory; then all but the last are written in one commit, while the body still arrives. A small batch is written with its sealing only. Not
 * thread-safe.
 */
final class SegmentSpool implements JobSink {

    private static final Logger log = LoggerFactory.getLogger(SegmentSpool.class);

    private final BatchStore store;
    private final BatchRef batch;
    private final SegmentPacker packer = new SegmentPacker();

    // Mutable state: full segments in memory, their bytes, and whether others have been written
    private final Deque<PackedSegment> inMemory = new ArrayDeque<>();
    private long bytes;
    /** The write that was begun last; while it goes on, the next segments are packed. */
    private BatchStore.@Nullable Pending writing;

    SegmentSpool(BatchStore store, BatchRef batch) {
        this.store = store;
        this.batch = batch;
    }

    @Override
    public void accept(Job job) {
        if (!packer.takes(job.index())) {
            take();
        }
        packer.add(job);
    }

    /** The segments that have not been written; to be sealed with the batch. */
    List<PackedSegment> rest() {
        if (!packer.isEmpty()) {
            take();
        }
        awaitWriting();
        return List.copyOf(inMemory);
    }

    private void take() {
        PackedSegment segment = packer.take();
        inMemory.add(segment);
        bytes += segment.data().length;
        if (bytes > PackedSegment.FULL_BYTES && inMemory.size() > 1) {
            PackedSegment last = inMemory.removeLast();
            awaitWriting();
            writing = store.spill(batch, List.copyOf(inMemory));
            inMemory.clear();
            inMemory.add(last);
            bytes = last.data().length;
        }
    }

    private void awaitWriting() {
        if (writing != null) {
            writing.await();
        }
    }

    /** Gives up what was written. Never fails: what cannot be given up now is swept at the next start. */
    void abandon() {
        if (writing == null) {
            return;
        }
        try {
            awaitWriting(); // segments must not come after their batch was given up
        } catch (StoreException e) {
            log.debug("The last segments of {} were not written", batch.id(), e);
        }
        try {
            store.abandon(batch);
        } catch (StoreException e) {
            log.warn(
                    "Segments of the refused batch {} stay on the disk until the next start: {}",
                    batch.id(),
                    e.getMessage());
        }
    }
}
