package io.conveyor.batch;

import io.conveyor.batch.ResultQuery.Order;
import io.conveyor.belt.Belt;
import io.conveyor.job.BatchState;
import io.conveyor.store.BatchStore;
import io.conveyor.store.StoredBatch;
import io.conveyor.web.stream.ResponseStream;
import io.conveyor.web.stream.StreamPump;
import io.conveyor.web.stream.StreamSource;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Locale;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;
import org.springframework.stereotype.Component;

/**
 * Writes results of batches, in every form in which they go out. What is small goes out at once, on the request's thread;
 * everything else, and whatever waits for results to come, is a stream that holds no thread. Thread-safe; keeps nothing.
 */
@Component
final class ResultStreams {

    /** Bytes of a body that goes out at once: the kernel takes as much even if the client does not read. */
    private static final int SMALL_BYTES = 16 * 1024;

    private static final byte[] ITEMS = ResultSource.ascii("{\"items\":[");
    private static final byte[] RESULTS = ResultSource.ascii(",\"results\":[");
    private static final byte[] END_OF_RESULTS = ResultSource.ascii("]}");

    /** The forms in which results go out. */
    enum Format {
        NDJSON,
        JSON,
        EVENTS;

        MediaType type() {
            return switch (this) {
                case NDJSON -> MediaType.APPLICATION_NDJSON;
                case JSON -> MediaType.APPLICATION_JSON;
                case EVENTS -> MediaType.TEXT_EVENT_STREAM;
            };
        }

        /** The name in the meters. */
        String wireName() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    private final Batches batches;
    private final BatchStore store;
    private final Belt belt;
    private final StreamPump pump;

    ResultStreams(Batches batches, BatchStore store, Belt belt, StreamPump pump) {
        this.batches = batches;
        this.store = store;
        this.belt = belt;
        this.pump = pump;
    }

    /** Headers that tell where the batch stands. */
    static void tell(StoredBatch batch, Format format, HttpServletResponse response) {
        response.setHeader("Batch-State", batch.state().wireName());
        if (batch.state() != BatchState.OPEN) {
            response.setIntHeader("Batch-Job-Count", batch.tally().total());
        }
        response.setHeader(HttpHeaders.VARY, HttpHeaders.ACCEPT);
        response.setContentType(format.type().toString());
        if (format != Format.JSON) {
            response.setHeader("X-Accel-Buffering", "no"); // or nginx keeps lines back
        }
    }

    /**
     * Streams results as lines, while the body of the request may still be arriving; status and headers are set, and nothing is written yet. Returns at once; call on the
     * request's thread.
     *
     * @param mayEnd asked when all results are out: whether the answer may be completed. Who lets this change from false to
     *     true calls {@link ResponseStream#wake}
     */
    ResponseStream lines(StoredBatch batch, ResultQuery query, HttpServletRequest request, BooleanSupplier mayEnd)
            throws IOException {
        StreamSource source = new ResultSource.Lines(feed(batch, query));
        return pump.open(request, new StreamPump.Opening(Format.NDJSON.wireName(), source, mayEnd, true));
    }

    void writeLines(StoredBatch batch, ResultQuery query, HttpServletRequest request, HttpServletResponse response)
            throws IOException {
        if (query.follow() && !batch.ended()) {
            pump.open(
                    request,
                    StreamPump.Opening.of(Format.NDJSON.wireName(), new ResultSource.Lines(feed(batch, query))));
        } else {
            write(Format.NDJSON, () -> new ResultSource.Lines(feed(batch, query)), request, response);
        }
    }

    void writeEvents(StoredBatch batch, ResultQuery query, HttpServletRequest request) throws IOException {
        pump.open(
                request,
                StreamPump.Opening.of(
                        Format.EVENTS.wireName(), new EventSource(feed(batch, query), batches, System::nanoTime)));
    }

    /** Writes a page of results. */
    void writePage(
            StoredBatch batch,
            ResultQuery query,
            ResultSource.Items.Tail tail,
            HttpServletRequest request,
            HttpServletResponse response)
            throws IOException {
        write(Format.JSON, () -> new ResultSource.Items(feed(batch, query), ITEMS, tail), request, response);
    }

    /** Writes a batch that has ended with its results in it. */
    void writeWithResults(Batches.Shown batch, HttpServletRequest request, HttpServletResponse response)
            throws IOException {
        byte[] view = batches.json(batch.view());
        byte[] head = ByteBuffer.allocate(view.length - 1 + RESULTS.length)
                .put(view, 0, view.length - 1)
                .put(RESULTS)
                .array();
        response.setContentType(MediaType.APPLICATION_JSON_VALUE);
        ResultQuery all = ResultQuery.all(Order.INPUT, false);
        write(
                Format.JSON,
                () -> new ResultSource.Items(feed(batch.stored(), all), head, (cursor, complete) -> END_OF_RESULTS),
                request,
                response);
    }

    private ResultSource.Feed feed(StoredBatch batch, ResultQuery query) {
        return new ResultSource.Feed(new ResultCursor(store, batch, query), query, belt);
    }

    /** At once if it is small, else as a stream from the beginning. */
    private void write(
            Format format, Supplier<ResultSource> source, HttpServletRequest request, HttpServletResponse response)
            throws IOException {
        ByteBuffer body = ByteBuffer.allocate(SMALL_BYTES);
        ResultSource first = source.get();
        boolean small = first.fill(body) == StreamSource.Next.END;
        first.close();
        if (small) {
            response.setContentLength(body.position());
            response.getOutputStream().write(body.array(), 0, body.position());
        } else {
            pump.open(request, StreamPump.Opening.of(format.wireName(), source.get()));
        }
    }
}
