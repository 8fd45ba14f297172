package io.conveyor.batch;

import io.conveyor.belt.Belt;
import io.conveyor.job.Tenant;
import io.conveyor.store.BatchRef;
import io.conveyor.store.BatchStore;
import io.conveyor.store.StoredBatch;
import io.conveyor.web.ApiException;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import org.springframework.http.MediaType;
import org.springframework.stereotype.Component;
import tools.jackson.databind.json.JsonMapper;

/**
 * Shows batches: what the store knows of them, with what the belt knows beyond it; and lets requests wait for their end.
 * Thread-safe.
 */
@Component
final class Batches {

    private final BatchStore store;
    private final Belt belt;
    private final JsonMapper json;
    private final Clock clock;

    Batches(BatchStore store, Belt belt, JsonMapper json, Clock clock) {
        this.store = store;
        this.belt = belt;
        this.json = json;
        this.clock = clock;
    }

    /**
     * A batch and what it looks like.
     *
     * @param stored what the store knows
     * @param view what the client sees
     */
    record Shown(StoredBatch stored, BatchView view) {}

    /** The batch of that id as it is now. */
    StoredBatch find(String id) {
        return store.find(Tenant.DEFAULT, id).orElseThrow(() -> ApiException.unknownBatch(id));
    }

    Shown show(String id) {
        return show(find(id));
    }

    Shown show(StoredBatch stored) {
        return new Shown(stored, view(stored));
    }

    BatchView view(StoredBatch batch) {
        long no = batch.ref().batchNo();
        return BatchView.of(batch, new BatchView.Live(belt.running(no), belt.startedAt(no), clock.millis()));
    }

    /** Answers at the end of the batch, or when the time is up; until then the request holds no thread. */
    Object untilEnd(BatchRef ref, Duration patience, Answer answer) {
        return LongPoll.until(
                patience,
                callback -> belt.onEnd(ref.batchNo(), callback),
                () -> find(ref.id()).ended(),
                answer);
    }

    /** Changes whenever anything but the passing of time changes what a client sees. */
    static String etag(Shown batch) {
        BatchView.Counts counts = batch.view().counts();
        return "W/\"" + batch.stored().ref().batchNo() + "-" + batch.view().state() + "-" + counts.running() + "-"
                + counts.succeeded() + "-" + counts.failed() + "-" + counts.cancelled() + "-" + counts.expired()
                + (batch.view().startedAt() == null ? "" : "-s") + "\"";
    }

    /** Writes an object as the whole body. */
    void write(Object body, HttpServletResponse response) throws IOException {
        byte[] bytes = json(body);
        response.setContentType(MediaType.APPLICATION_JSON_VALUE);
        response.setContentLength(bytes.length);
        response.getOutputStream().write(bytes);
    }

    byte[] json(Object body) {
        return json.writeValueAsBytes(body);
    }
}
