package io.conveyor.job;

import java.time.Duration;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/**
 * Why a job has no output, in words for its client: a problem object as in RFC 9457, without an HTTP status. Never
 * names a class, a statement or a stack.
 *
 * @param slug stable name of the problem, such as {@code job-failed}; its page is {@code /problems/<slug>}
 * @param title what kind of problem it is, the same for every occurrence
 * @param detail what happened here, and how to mend it
 * @param retryable whether another attempt may succeed
 * @param extensions further members, simple JSON values, in order; may be empty
 */
public record JobError(String slug, String title, String detail, boolean retryable, Map<String, Object> extensions) {

    /** Extension: seconds that the next attempt has to wait at the least, a whole number. */
    public static final String RETRY_AFTER = "retry_after_seconds";

    public JobError {
        Objects.requireNonNull(slug);
        Objects.requireNonNull(title);
        Objects.requireNonNull(detail);
        extensions = Collections.unmodifiableMap(new LinkedHashMap<>(extensions));
    }

    /** The same with one more member. */
    public JobError with(String name, Object value) {
        Map<String, Object> more = new LinkedHashMap<>(extensions);
        more.put(name, value);
        return new JobError(slug, title, detail, retryable, more);
    }

    /** How long another attempt has to wait at the least; zero if nothing is said of it. */
    public Duration retryAfter() {
        return extensions.get(RETRY_AFTER) instanceof Number seconds
                ? Duration.ofSeconds(Math.max(0, seconds.longValue()))
                : Duration.ZERO;
    }

    /** The members of the problem object, in order. */
    public Map<String, Object> members() {
        Map<String, Object> members = new LinkedHashMap<>();
        members.put("type", "/problems/" + slug);
        members.put("title", title);
        members.put("detail", detail);
        members.put("retryable", retryable);
        extensions.forEach(members::putIfAbsent);
        return members;
    }

    /** The handler says that the job failed. */
    public static JobError failed(String detail, boolean retryable) {
        return new JobError("job-failed", "The job failed", detail, retryable, Map.of());
    }

    /** The handler cannot work on this input. */
    public static JobError invalid(String detail) {
        return new JobError("invalid-job", "The job is not valid", detail, false, Map.of());
    }

    /** The job ran longer than it may. */
    public static JobError timeout(long limitMillis) {
        return new JobError(
                "job-timeout",
                "The job ran out of time",
                "It was stopped after " + limitMillis + " ms. Give it a larger timeout_ms, or less to do.",
                true,
                Map.of("timeout_ms", limitMillis));
    }

    /** The service died with it too often. */
    public static JobError abandoned(int crashes) {
        return new JobError(
                "job-abandoned",
                "The job was given up",
                "The service stopped abruptly " + crashes
                        + " times while it ran this job, the last time with no other job"
                        + " beside it, and will not run it again.",
                false,
                Map.of("crashes", crashes));
    }

    /** The batch was stopped. */
    public static JobError stopped(StopReason reason, boolean started) {
        return switch (reason) {
            case CANCEL ->
                cancelled(
                        started
                                ? "It was running when its batch was cancelled."
                                : "Its batch was cancelled before it started.");
            case ON_ERROR ->
                cancelled(
                        started
                                ? "It was running when more jobs of its batch had failed than on_error tolerates."
                                : "More jobs of its batch had failed than on_error tolerates before it started.");
            case DEADLINE ->
                expired(
                        started
                                ? "It was running when the deadline of its batch passed."
                                : "The deadline of its batch passed before it started.");
        };
    }

    /** The batch was stopped after an attempt had failed, while the job waited for another. */
    public static JobError stoppedWaiting(StopReason reason) {
        String waiting = "It was waiting for another attempt when ";
        return switch (reason) {
            case CANCEL -> cancelled(waiting + "its batch was cancelled.");
            case ON_ERROR -> cancelled(waiting + "more jobs of its batch had failed than on_error tolerates.");
            case DEADLINE -> expired(waiting + "the deadline of its batch passed.");
        };
    }

    private static JobError expired(String detail) {
        return new JobError("job-expired", "The job came too late", detail, true, Map.of());
    }

    private static JobError cancelled(String detail) {
        return new JobError("job-cancelled", "The job was cancelled", detail, true, Map.of());
    }

    /** There is no such kind. */
    public static JobError unknownKind(String detail) {
        return new JobError("unknown-kind", "No handler for this kind", detail, false, Map.of());
    }

    /** The kind of an accepted job is not here any more. */
    public static JobError missingKind(String kind) {
        return unknownKind(
                        "This service has no job kind '" + kind + "' now; GET /v1/job-kinds lists those that it has.")
                .with("kind", kind);
    }
}
