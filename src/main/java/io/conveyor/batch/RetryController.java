package io.conveyor.batch;

import io.conveyor.job.BatchRules;
import io.conveyor.web.ApiException;
import io.conveyor.web.Problem;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

/**
 * Makes new batches of the jobs of others that did not succeed. Thread-safe: keeps nothing of a request.
 * {@link BatchOperations} describes it.
 */
@RestController
@RequestMapping(path = BatchController.PATH + "/{id}", produces = MediaType.APPLICATION_JSON_VALUE)
final class RetryController {

    private final Intake intake;
    private final SubmissionAnswers answers;

    RetryController(Intake intake, SubmissionAnswers answers) {
        this.intake = intake;
        this.answers = answers;
    }

    @PostMapping("/retry")
    Object retry(
            @PathVariable String id,
            @RequestParam(name = "state", required = false) @Nullable String state,
            @RequestParam(name = Envelope.DEADLINE, required = false) @Nullable String deadline,
            HttpServletRequest request)
            throws IOException {
        refuseBody(request);
        SubmissionAnswers.Wish wish = answers.wishOf(request);
        long deadlineMillis = Parameters.number(Envelope.DEADLINE, deadline, 1, BatchRules.MAX_DEADLINE_MILLIS, 0);
        Retry.Wish retry = new Retry.Wish(id, Parameters.statesToRetry(state), deadlineMillis, wish.patience());
        Intake.Taken taken;
        try (Intake.Place place = intake.enter(false)) {
            taken = intake.retry(request, retry);
        }
        return answers.answer(taken, wish, request);
    }

    /** Whoever says there which jobs are meant must not have all of them run again. */
    private static void refuseBody(HttpServletRequest request) {
        if (request.getContentLengthLong() > 0 || request.getHeader(HttpHeaders.TRANSFER_ENCODING) != null) {
            throw ApiException.of(
                    Problem.BAD_REQUEST,
                    "A retry has no body, and this one would not be read; say which jobs in the query string, as in"
                            + " ?state=failed.");
        }
    }
}
