package io.conveyor.batch;

import io.conveyor.batch.ResultStreams.Format;
import io.conveyor.belt.Belt;
import io.conveyor.job.Job;
import io.conveyor.store.BatchStore;
import io.conveyor.store.ResultLines;
import io.conveyor.store.StoredBatch;
import io.conveyor.web.ApiException;
import io.conveyor.web.QueryParameters;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.OutputStream;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpMethod;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.util.MimeTypeUtils;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

/**
 * Hands out results: as NDJSON, in JSON pages, as events, or one. Lines go from the store to the client as they were
 * recorded, and {@link ResultStreams} writes them. Thread-safe: keeps nothing of a request.
 */
@RestController
@RequestMapping(BatchController.PATH + "/{id}")
final class ResultController {

    private final Batches batches;
    private final BatchStore store;
    private final Belt belt;
    private final ResultStreams streams;

    ResultController(Batches batches, BatchStore store, Belt belt, ResultStreams streams) {
        this.streams = streams;
        this.batches = batches;
        this.store = store;
        this.belt = belt;
    }

    @GetMapping(
            path = "/results",
            produces = {
                MediaType.APPLICATION_NDJSON_VALUE,
                MediaType.APPLICATION_JSON_VALUE,
                MediaType.TEXT_EVENT_STREAM_VALUE
            })
    @QueryParameters({"order", "after", "state", "limit", "follow", "cursor", "last_event_id"})
    void results(@PathVariable String id, HttpServletRequest request, HttpServletResponse response) throws IOException {
        Format format = format(request);
        ResultRequest asked = ResultRequest.of(request, format);
        StoredBatch batch = batches.find(id);
        if (begin(batch, asked, format, response) && !HttpMethod.HEAD.matches(request.getMethod())) {
            write(batch, asked, format, request, response);
        }
    }

    @GetMapping(path = "/events", produces = MediaType.TEXT_EVENT_STREAM_VALUE)
    @QueryParameters("last_event_id")
    void events(@PathVariable String id, HttpServletRequest request, HttpServletResponse response) throws IOException {
        ResultRequest asked = ResultRequest.of(request, Format.EVENTS);
        StoredBatch batch = batches.find(id);
        if (begin(batch, asked, Format.EVENTS, response) && !HttpMethod.HEAD.matches(request.getMethod())) {
            write(batch, asked, Format.EVENTS, request, response);
        }
    }

    /** Sets what stands before the body, and says whether there is one: who has seen every event is not to come again. */
    private static boolean begin(StoredBatch batch, ResultRequest asked, Format format, HttpServletResponse response) {
        if (asked.resumed()
                && batch.ended()
                && asked.query().after() >= batch.tally().total()) {
            response.setStatus(HttpStatus.NO_CONTENT.value());
            return false;
        }
        ResultStreams.tell(batch, format, response);
        return true;
    }

    private void write(
            StoredBatch batch,
            ResultRequest asked,
            Format format,
            HttpServletRequest request,
            HttpServletResponse response)
            throws IOException {
        switch (format) {
            case NDJSON -> streams.writeLines(batch, asked.query(), request, response);
            case JSON ->
                streams.writePage(
                        batch,
                        asked.query(),
                        (cursor, complete) -> asked.tail(batch.ref().id(), cursor, complete),
                        request,
                        response);
            case EVENTS -> streams.writeEvents(batch, asked.query(), request);
        }
    }

    @GetMapping(path = "/results/{index}", produces = MediaType.APPLICATION_JSON_VALUE)
    Object result(
            @PathVariable String id,
            @PathVariable("index") String indexText,
            @RequestParam(name = "wait", required = false) @Nullable String wait) {
        int index = Parameters.integer("index", indexText, 0, Integer.MAX_VALUE, 0);
        int seconds = Parameters.integer("wait", wait, 0, LongPoll.MAX_SECONDS, 0);
        StoredBatch batch = batches.find(id);
        if (index >= batch.indexEnd()) {
            throw ApiException.unknownResult(id, index, batch.indexEnd());
        }
        boolean sparse = batch.indexEnd() > batch.tally().total();
        if (sparse && store.job(batch.ref(), index) == null) {
            throw ApiException.unknownResult(id, index);
        }
        return LongPoll.until(
                Duration.ofSeconds(seconds),
                callback -> belt.onOutcome(batch.ref().batchNo(), index, callback),
                () -> outcomeOf(batch, index) >= 0,
                response -> writeResult(batch, index, response));
    }

    private void writeResult(StoredBatch batch, int index, HttpServletResponse response) throws IOException {
        // Asked first: an outcome that comes in between is then found, and never reported as pending again.
        boolean running = belt.isRunning(batch.ref().batchNo(), index);
        ResultLines results = store.results(batch.ref(), index);
        int n = results == null ? -1 : find(results, index);
        if (results != null && n >= 0) {
            response.setContentType(MediaType.APPLICATION_JSON_VALUE);
            OutputStream out = response.getOutputStream();
            results.line(n, (bytes, offset, length) -> out.write(bytes, offset, length - 1));
            return;
        }
        Job job = store.job(batch.ref(), index);
        if (job == null) {
            throw ApiException.unknownBatch(batch.ref().id());
        }
        response.setHeader(HttpHeaders.RETRY_AFTER, "1");
        batches.write(JobView.of(job, running), response);
    }

    private int outcomeOf(StoredBatch batch, int index) {
        ResultLines results = store.results(batch.ref(), index);
        return results == null ? -1 : find(results, index);
    }

    /** Place of the result of that job among these, or less than 0. */
    private static int find(ResultLines results, int index) {
        for (int n = 0; n < results.size(); n++) {
            if (results.index(n) == index) {
                return n;
            }
        }
        return -1;
    }

    /** What the client likes best; lines are what it gets if it does not care. */
    private static Format format(HttpServletRequest request) {
        List<MediaType> accepted = MediaType.parseMediaTypes(Collections.list(request.getHeaders(HttpHeaders.ACCEPT)));
        MimeTypeUtils.sortBySpecificity(accepted);
        for (MediaType type : accepted) {
            for (Format format : Format.values()) {
                if (type.isCompatibleWith(format.type())) {
                    return format;
                }
            }
        }
        return Format.NDJSON;
    }
}
