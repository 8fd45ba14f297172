package io.conveyor.batch;

import io.conveyor.belt.Belt;
import io.conveyor.job.Job;
import io.conveyor.job.JobState;
import io.conveyor.store.BatchStore;
import io.conveyor.store.SegmentResults;
import io.conveyor.store.StoredBatch;
import io.conveyor.web.ApiException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpMethod;
import org.springframework.http.MediaType;
import org.springframework.util.MimeTypeUtils;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.util.UriComponentsBuilder;

/**
 * Hands out results, in input order: as NDJSON, in JSON pages, or one. Lines go from the store to the client as they
 * were recorded, a segment at a time. Thread-safe: keeps nothing of a request.
 */
@RestController
@RequestMapping(BatchController.PATH + "/{id}/results")
final class ResultController {

    static final int MAX_PAGE = 10_000;
    static final int DEFAULT_PAGE = 1000;
    private static final String ORDER = "input";

    private final Batches batches;
    private final BatchStore store;
    private final Belt belt;

    ResultController(Batches batches, BatchStore store, Belt belt) {
        this.batches = batches;
        this.store = store;
        this.belt = belt;
    }

    /** What a request for results says. */
    private record Query(String id, @Nullable String stateText, Set<JobState> states, int from, int limit) {}

    @GetMapping(produces = {"application/x-ndjson", MediaType.APPLICATION_JSON_VALUE})
    Answer results(
            @PathVariable String id,
            @RequestParam(name = "state", required = false) @Nullable String state,
            @RequestParam(name = "after", required = false) @Nullable String after,
            @RequestParam(name = "limit", required = false) @Nullable String limit,
            @RequestParam(name = "order", required = false) @Nullable String order,
            @RequestParam(name = "cursor", required = false) @Nullable String cursor,
            HttpServletRequest request) {
        boolean page = asksForPage(request);
        if (order != null && !order.equals(ORDER)) {
            throw ApiException.invalidParameter("order", "Results come in the order of the input.", List.of(ORDER));
        }
        if (cursor != null && (!page || after != null)) {
            throw ApiException.invalidParameter(
                    "cursor", "A cursor goes with JSON pages only, and not with 'after'; use one of them.");
        }
        int from = cursor == null
                ? Parameters.integer("after", after, 0, Integer.MAX_VALUE - 1, -1) + 1
                : (int) Math.min(Parameters.place(cursor, 0) + 1, Integer.MAX_VALUE);
        int most = page
                ? Parameters.integer("limit", limit, 1, MAX_PAGE, DEFAULT_PAGE)
                : Parameters.integer("limit", limit, 1, Integer.MAX_VALUE, Integer.MAX_VALUE);
        Query query = new Query(id, state, Parameters.resultStates(state), from, most);
        boolean head = HttpMethod.HEAD.matches(request.getMethod());
        return response -> write(query, page, head, response);
    }

    private void write(Query query, boolean page, boolean head, HttpServletResponse response) throws IOException {
        StoredBatch batch = batches.find(query.id());
        response.setHeader("Batch-State", batch.state().wireName());
        response.setIntHeader("Batch-Job-Count", batch.tally().total());
        response.setContentType(page ? MediaType.APPLICATION_JSON_VALUE : AnswerConverter.NDJSON.toString());
        response.setHeader(HttpHeaders.VARY, HttpHeaders.ACCEPT);
        if (head) {
            return;
        }
        ResultCursor cursor = new ResultCursor(store, batch, query.states(), query.from());
        OutputStream out = response.getOutputStream();
        if (page) {
            writePage(query, cursor, out);
        } else {
            for (int n = 0; n < query.limit() && cursor.advance(); n++) {
                cursor.line(out::write);
            }
        }
    }

    private static void writePage(Query query, ResultCursor cursor, OutputStream out) throws IOException {
        write(out, "{\"items\":[");
        int n = 0;
        int last = -1;
        boolean more = cursor.advance();
        while (more && n < query.limit()) {
            if (n++ > 0) {
                out.write(',');
            }
            cursor.value(out::write);
            last = cursor.index();
            more = cursor.advance();
        }
        write(out, "]");
        if (more) {
            String next = Parameters.cursor(last);
            UriComponentsBuilder uri = UriComponentsBuilder.fromPath(BatchController.PATH)
                    .pathSegment(query.id(), "results")
                    .queryParam("limit", query.limit())
                    .queryParam("cursor", next)
                    .queryParamIfPresent("state", Optional.ofNullable(query.stateText()));
            write(out, ",\"next_cursor\":\"" + next + "\",\"next\":\"" + uri.toUriString() + "\"");
        }
        write(out, "}");
    }

    private static void write(OutputStream out, String text) throws IOException {
        out.write(text.getBytes(StandardCharsets.UTF_8));
    }

    @GetMapping(path = "/{index}", produces = MediaType.APPLICATION_JSON_VALUE)
    Object result(
            @PathVariable String id,
            @PathVariable("index") String indexText,
            @RequestParam(name = "wait", required = false) @Nullable String wait) {
        int index = Parameters.integer("index", indexText, 0, Integer.MAX_VALUE, 0);
        int seconds = Parameters.integer("wait", wait, 0, LongPoll.MAX_SECONDS, 0);
        StoredBatch batch = batches.find(id);
        if (index >= batch.tally().total()) {
            throw ApiException.unknownResult(id, index, batch.tally().total());
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
        SegmentResults results = store.results(batch.ref(), index);
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
        SegmentResults results = store.results(batch.ref(), index);
        return results == null ? -1 : find(results, index);
    }

    /** Place of the result of that job among these, or less than 0. */
    private static int find(SegmentResults results, int index) {
        for (int n = 0; n < results.size(); n++) {
            if (results.index(n) == index) {
                return n;
            }
        }
        return -1;
    }

    /** Whether a JSON page is what the client likes best; lines are what it gets if it does not care. */
    private static boolean asksForPage(HttpServletRequest request) {
        List<MediaType> accepted = MediaType.parseMediaTypes(Collections.list(request.getHeaders(HttpHeaders.ACCEPT)));
        MimeTypeUtils.sortBySpecificity(accepted);
        for (MediaType type : accepted) {
            if (type.isCompatibleWith(AnswerConverter.NDJSON)) {
                return false;
            }
            if (type.isCompatibleWith(MediaType.APPLICATION_JSON)) {
                return true;
            }
        }
        return false;
    }
}
