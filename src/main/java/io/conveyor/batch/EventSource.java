package io.conveyor.batch;

import io.conveyor.store.StoredBatch;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * Results as server-sent events, with the progress of the batch between them and its end after them. The id of an event is
 * the last seq that was seen, so a client that comes again with it misses nothing and gets nothing twice. Not thread-safe.
 */
final class EventSource extends ResultSource {

    /** For how long a client waits before it comes again, in milliseconds. */
    private static final byte[] RETRY = ascii("retry: 2000\n\n");

    /** Finds peers that are dead; clients ignore it. */
    private static final byte[] HEARTBEAT = ascii(":\n\n");

    private static final byte[] END_OF_EVENT = ascii("\n\n");
    private static final byte[] NOTHING = new byte[0];

    /** Between two heartbeats. */
    private static final long HEARTBEAT_NANOS = TimeUnit.SECONDS.toNanos(15);

    /** Between two reports of progress. */
    private static final long PROGRESS_NANOS = TimeUnit.MILLISECONDS.toNanos(500);

    /** Results between two looks at the clock. */
    private static final int LOOK = 256;

    private final Batches batches;
    private final LongSupplier nanoTime;
    private final boolean withIds;

    // Mutable state
    private boolean begun;
    private long saidAt;
    private long progressAt;
    private String progress = "";

    /** @param nanoTime what time it is, in the manner of {@link System#nanoTime} */
    EventSource(Feed feed, Batches batches, LongSupplier nanoTime) {
        super(feed, false);
        this.batches = batches;
        this.nanoTime = nanoTime;
        saidAt = nanoTime.getAsLong();
        progressAt = saidAt - PROGRESS_NANOS;
        withIds = feed.query().order() == ResultQuery.Order.COMPLETION;
    }

    @Override
    byte[] aside() {
        if (!begun) {
            begun = true;
            return RETRY;
        }
        boolean due = count() % LOOK == LOOK - 1 && nanoTime.getAsLong() - progressAt >= PROGRESS_NANOS;
        return due ? progress(cursor.now()) : NOTHING;
    }

    /** Nothing if the batch has not changed since the last time, but for the passing of time. */
    private byte[] progress(StoredBatch now) {
        progressAt = nanoTime.getAsLong();
        Batches.Shown shown = batches.show(now);
        String version = Batches.etag(shown);
        if (version.equals(progress) || now.ended()) {
            return NOTHING;
        }
        progress = version;
        return event("progress", shown);
    }

    @Override
    byte[] idle() {
        long now = nanoTime.getAsLong();
        byte[] said = now - progressAt >= PROGRESS_NANOS ? progress(cursor.batch()) : NOTHING;
        if (said.length == 0 && now - saidAt >= HEARTBEAT_NANOS) {
            said = HEARTBEAT;
        }
        if (said.length > 0) {
            saidAt = now;
        }
        return said;
    }

    /** Until the next report. As long as nobody has told of outcomes it costs no look at the store. */
    @Override
    public long patienceMillis() {
        return TimeUnit.NANOSECONDS.toMillis(PROGRESS_NANOS);
    }

    @Override
    byte[] before() {
        saidAt = nanoTime.getAsLong();
        return ascii(withIds ? "event: result\nid: " + cursor.seq() + "\ndata: " : "event: result\ndata: ");
    }

    @Override
    byte[] after() {
        return END_OF_EVENT;
    }

    @Override
    byte[] end(boolean complete) {
        return complete ? event("ended", batches.show(cursor.batch())) : NOTHING;
    }

    private byte[] event(String name, Batches.Shown batch) {
        String id = withIds ? "id: " + cursor.seen() + "\n" : "";
        String json = new String(batches.json(batch.view()), StandardCharsets.UTF_8);
        return ("event: " + name + "\n" + id + "data: " + json + "\n\n").getBytes(StandardCharsets.UTF_8);
    }
}
