package io.conveyor.batch;

import io.conveyor.web.Preferences;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.time.Duration;
import java.util.OptionalInt;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.stereotype.Component;

/**
 * Answers who asked for a new batch: at once, or as they prefer, when it has ended. Thread-safe; keeps nothing of a
 * request.
 */
@Component
final class SubmissionAnswers {

    private static final String PREFERENCE_APPLIED = "Preference-Applied";

    private final Batches batches;
    private final ResultStreams streams;
    private final IntakeProperties limits;

    SubmissionAnswers(Batches batches, ResultStreams streams, IntakeProperties limits) {
        this.batches = batches;
        this.streams = streams;
        this.limits = limits;
    }

    /**
     * What a request prefers.
     *
     * @param patience how long its jobs may be handed over before it wants an answer
     * @param begunNanos when it came, on the clock of {@link System#nanoTime()}
     */
    record Wish(Preferences preferences, OptionalInt waitSeconds, Duration patience, long begunNanos) {}

    Wish wishOf(HttpServletRequest request) {
        Preferences preferences = Preferences.of(request);
        OptionalInt wait = LongPoll.seconds(preferences);
        Duration patience = wait.isPresent()
                ? Duration.ofSeconds(wait.getAsInt())
                : preferences.respondAsync() ? Duration.ZERO : limits.hold();
        return new Wish(preferences, wait, patience, System.nanoTime());
    }

    /** The answer, or its promise if the request waits. */
    Object answer(Intake.Taken taken, Wish wish, HttpServletRequest request) {
        Answer answer = response -> {
            Batches.Shown batch = batches.show(taken.ref().id());
            boolean withResults =
                    wish.waitSeconds().isPresent() && batch.stored().ended();
            boolean accepted = taken.created() && !withResults;
            response.setStatus((accepted ? HttpStatus.ACCEPTED : HttpStatus.OK).value());
            if (taken.replayed()) {
                response.setHeader("Idempotent-Replayed", "true");
            }
            response.setHeader(HttpHeaders.LOCATION, batch.view().links().self());
            setApplied(response, wish.preferences(), wish.waitSeconds());
            if (withResults) {
                streams.writeWithResults(batch, request, response);
            } else {
                batches.write(batch.view(), response);
            }
        };
        Duration left = wish.waitSeconds().isPresent()
                ? wish.patience().minusNanos(System.nanoTime() - wish.begunNanos())
                : Duration.ZERO;
        return batches.untilEnd(taken.ref(), left, answer);
    }

    static void setApplied(HttpServletResponse response, Preferences preferences, OptionalInt wait) {
        if (wait.isPresent()) {
            response.setHeader(PREFERENCE_APPLIED, "wait=" + wait.getAsInt());
        } else if (preferences.respondAsync()) {
            response.setHeader(PREFERENCE_APPLIED, "respond-async");
        }
    }
}
