package io.conveyor.batch;

import io.conveyor.job.BatchState;
import io.conveyor.job.Tenant;
import io.conveyor.store.BatchFilter;
import io.conveyor.store.BatchStore;
import io.conveyor.store.StoredBatch;
import io.conveyor.web.ContainerResponse;
import io.conveyor.web.Preferences;
import io.conveyor.web.QueryParameters;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.PutMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.context.request.ServletWebRequest;
import org.springframework.web.util.UriComponentsBuilder;

/**
 * Submits, shows and lists batches. Thread-safe: keeps nothing of a request. A request that waits holds no
 * thread; what it gets is read from the store when it is answered. {@link ApiDocument} describes every operation.
 */
@RestController
@RequestMapping(path = BatchController.PATH, produces = MediaType.APPLICATION_JSON_VALUE)
final class BatchController {

    static final String PATH = "/v1/batches";
    static final int MAX_LIMIT = 1000;
    static final int DEFAULT_LIMIT = 20;

    private final Intake intake;
    private final Batches batches;
    private final BatchStore store;
    private final IntakeProperties limits;
    private final SubmissionAnswers answers;
    private final LiveExchanges exchanges;

    BatchController(
            Intake intake,
            Batches batches,
            BatchStore store,
            IntakeProperties limits,
            SubmissionAnswers answers,
            LiveExchanges exchanges) {
        this.intake = intake;
        this.batches = batches;
        this.answers = answers;
        this.exchanges = exchanges;
        this.store = store;
        this.limits = limits;
    }

    @PostMapping
    @SubmissionParameters.OfBatch
    @QueryParameters(SubmissionCheck.PARAMETER)
    Object submit(HttpServletRequest request) throws IOException {
        return submit(request, null);
    }

    @PutMapping("/{id}")
    @SubmissionParameters.OfBatch
    @QueryParameters(SubmissionCheck.PARAMETER)
    Object put(@PathVariable String id, HttpServletRequest request) throws IOException {
        return submit(request, Parameters.chosenId(id));
    }

    @PostMapping(produces = MediaType.APPLICATION_NDJSON_VALUE)
    @SubmissionParameters.OfExchange
    void exchange(HttpServletRequest request, HttpServletResponse response) throws IOException {
        exchange(request, response, null);
    }

    @PutMapping(path = "/{id}", produces = MediaType.APPLICATION_NDJSON_VALUE)
    @SubmissionParameters.OfExchange
    void exchange(@PathVariable String id, HttpServletRequest request, HttpServletResponse response)
            throws IOException {
        exchange(request, response, Parameters.chosenId(id));
    }

    private void exchange(HttpServletRequest request, HttpServletResponse response, @Nullable String id)
            throws IOException {
        ResultQuery.Order order =
                Parameters.order(request.getParameter(BatchOptions.ORDER), ResultQuery.Order.COMPLETION);
        Submission submission = new Submission(id, mustBeNew(request, id), true, limits.hold(), ref -> {});
        exchanges.answer(request, response, submission, ResultQuery.all(order, true));
    }

    private static boolean mustBeNew(HttpServletRequest request, @Nullable String id) {
        return id != null && "*".equals(request.getHeader(HttpHeaders.IF_NONE_MATCH));
    }

    private Object submit(HttpServletRequest request, @Nullable String id) throws IOException {
        SubmissionAnswers.Wish wish = answers.wishOf(request);
        Submission submission = new Submission(id, mustBeNew(request, id), false, wish.patience(), ref -> {});
        if (Parameters.flag(SubmissionCheck.PARAMETER, request.getParameter(SubmissionCheck.PARAMETER), false)) {
            return check(request, submission);
        }
        Intake.Taken taken;
        boolean pausing = BatchOptions.isImmediate(request);
        try (Intake.Place place = intake.enter(pausing)) {
            if (pausing) {
                ContainerResponse.of(request).mayPause();
            }
            taken = intake.take(request, request.getInputStream(), submission);
        }
        return answers.answer(taken, wish, request);
    }

    private CheckView check(HttpServletRequest request, Submission submission) throws IOException {
        try (Intake.Place place = intake.enter(false)) {
            return intake.check(request, submission);
        }
    }

    @GetMapping("/{id}")
    Object batch(
            @PathVariable String id,
            @RequestParam(name = "wait", required = false) @Nullable String wait,
            HttpServletRequest request) {
        Preferences preferences = Preferences.of(request);
        OptionalInt preferred = wait == null ? LongPoll.seconds(preferences) : OptionalInt.empty();
        int seconds = Parameters.integer("wait", wait, 0, LongPoll.MAX_SECONDS, preferred.orElse(0));
        Answer answer = response -> {
            SubmissionAnswers.setApplied(response, preferences, preferred);
            show(id, request, response);
        };
        StoredBatch batch = batches.find(id);
        Duration patience = batch.ended() ? Duration.ZERO : Duration.ofSeconds(seconds);
        return batches.untilEnd(batch.ref(), patience, answer);
    }

    private void show(String id, HttpServletRequest request, HttpServletResponse response) throws IOException {
        Batches.Shown batch = batches.show(id);
        if (!batch.stored().ended()) {
            response.setHeader(HttpHeaders.RETRY_AFTER, "1");
        }
        // May be kept, but never shown without asking.
        response.setHeader(HttpHeaders.CACHE_CONTROL, "private, no-cache");
        if (!new ServletWebRequest(request, response).checkNotModified(Batches.etag(batch))) {
            batches.write(batch.view(), response);
        }
    }

    @GetMapping
    BatchPage list(
            @RequestParam(name = "state", required = false) @Nullable String state,
            @RequestParam(name = "name", required = false) @Nullable String name,
            @RequestParam(name = "limit", required = false) @Nullable String limit,
            @RequestParam(name = "cursor", required = false) @Nullable String cursor) {
        BatchState wanted = Parameters.batchState(state);
        int most = Parameters.integer("limit", limit, 1, MAX_LIMIT, DEFAULT_LIMIT);
        long before = Parameters.place(cursor, Long.MAX_VALUE);
        List<StoredBatch> found = store.list(Tenant.DEFAULT, new BatchFilter(wanted, name, before, most + 1));
        List<StoredBatch> shown = found.subList(0, Math.min(most, found.size()));
        List<BatchView> items = shown.stream().map(batches::view).toList();
        if (found.size() <= most) {
            return new BatchPage(items, null, null);
        }
        String next = Parameters.cursor(shown.get(most - 1).ref().batchNo());
        UriComponentsBuilder uri = UriComponentsBuilder.fromPath(PATH)
                .queryParam("limit", most)
                .queryParam("cursor", next)
                .queryParamIfPresent("state", Optional.ofNullable(state));
        if (name != null) {
            uri.queryParam("name", "{name}");
        }
        return new BatchPage(
                items, next, (name == null ? uri.build() : uri.encode().buildAndExpand(name)).toUriString());
    }
}
