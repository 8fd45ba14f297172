package io.conveyor.web;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Every kind of problem that a client can meet, with the page that {@code GET /problems/<slug>} shows. A slug, once
 * published, keeps its meaning and its status; titles and texts may be improved.
 */
public enum Problem {
    MALFORMED_JSON(
            400,
            "The body is not well-formed JSON",
            "The body could not be read as JSON. Nothing of it was taken.",
            "Look at the given line and column. `jq . file` finds the same place. Duplicate keys and text after the end"
                    + " of the document are errors too."),
    INVALID_PARAMETER(
            400,
            "A parameter is not valid",
            "A parameter of the path or the query string is unknown, is given twice, or has a value that cannot be used.",
            "`parameter` names it, `allowed` says what can stand there. Parameters are never ignored silently."),
    BAD_REQUEST(
            400,
            "The request is not valid",
            "The request breaks the rules of HTTP, or a header or a part of it cannot be understood.",
            "Check the request line, the escapes in the path (a percent sign is followed by two hex digits), the Host"
                    + " header and the form of the body. The detail says what was found where that is known."),
    VALIDATION_FAILED(
            422,
            "The request says something that cannot be done",
            "The body is well-formed, but some of its values are missing, unknown, or out of range. Nothing was taken.",
            "Each entry of `errors` has a JSON Pointer to the value, a stable code and a sentence. At most 100 are"
                    + " listed; `errors_truncated` says that there are more."),
    UNKNOWN_KIND(
            422,
            "No handler for this kind",
            "The job names a kind that this service does not have.",
            "`GET /v1/job-kinds` lists the kinds. A job accepted earlier may meet this when its kind has been removed"
                    + " since."),
    IDEMPOTENCY_KEY_INVALID(
            400,
            "The Idempotency-Key is not valid",
            "The header is empty, too long, or holds something other than printable ASCII.",
            "Send 1 to 255 printable ASCII characters, bare or in double quotes; a UUID is a good choice."),
    IDEMPOTENCY_KEY_IN_FLIGHT(
            409,
            "The first request with this Idempotency-Key is still arriving",
            "Another request with the same key has begun and is not complete yet.",
            "Wait for the seconds in Retry-After and send the same request again; you will get the same batch."),
    IDEMPOTENCY_KEY_MISMATCH(
            422,
            "This Idempotency-Key belongs to another request",
            "The key was used before, with a different request. Nothing was taken.",
            "Use a new key for a new request. To repeat a request, send exactly the same body and options."),
    BATCH_NOT_FOUND(
            404,
            "No such batch",
            "There is no batch of this id: it never was, it was deleted, or its retention time has passed.",
            "Check the id; `GET /v1/batches` lists the batches that there are."),
    BATCH_EXISTS(
            409,
            "A batch of this id exists and is another one",
            "The id is taken by a batch with other jobs or options. The existing batch is unchanged.",
            "Choose another id, or delete the existing batch first. Repeating exactly the same PUT is always allowed."),
    BATCH_NOT_ENDED(
            409,
            "The batch has not ended",
            "What was asked for can only be done to a batch that has ended.",
            "Wait for its end with `GET /v1/batches/{id}?wait=60`, or cancel it first: `POST /v1/batches/{id}/cancel`."
                    + " `DELETE /v1/batches/{id}?force=true` does both; if that says so, a job goes on although it was"
                    + " interrupted: try again later."),
    BATCH_NOT_RUNNING(
            409,
            "The batch does not run",
            "Only a batch that runs can be paused, and only one that is paused can go on.",
            "See its `state` with `GET /v1/batches/{id}`. While its upload arrives, a batch can be cancelled, not paused; one"
                    + " that is cancelled or has ended stays so."),
    NOTHING_TO_RETRY(
            409,
            "There is nothing to retry",
            "No job of the batch can be retried: none is in a state that was asked for, or those that are were never jobs. No"
                    + " batch was made.",
            "`counts` of the batch says how many jobs are in which state. What could not be read as a job when it was sent"
                    + " would fail in the same way again: mend it and submit it in a batch of its own."),
    NOT_FOUND(
            404,
            "There is nothing here",
            "The path leads to nothing in this service.",
            "`GET /v1` lists the entry points; the full reference is at /swagger-ui.html."),
    RESULT_NOT_FOUND(
            404,
            "No such result",
            "The batch has no job of this index.",
            "Indexes count from 0; `counts.total` of the batch says how many jobs it has. A batch made by a retry has the"
                    + " indexes that its jobs had in the other batch: `GET /v1/batches/{id}/results` shows them."),
    PRECONDITION_FAILED(
            412,
            "A condition of the request does not hold",
            "The request was conditional (If-Match, If-None-Match) and the condition is not met. Nothing was changed.",
            "Read the present state, and decide anew."),
    PAYLOAD_TOO_LARGE(
            413,
            "The body is too large",
            "The body is larger than this service takes. Nothing of it was kept.",
            "`limit` is the number of bytes allowed; `GET /v1` lists all limits. Send several smaller batches."),
    TOO_MANY_JOBS(
            422,
            "Too many jobs in one batch",
            "The batch holds more jobs than this service takes at once. Nothing of it was kept.",
            "`limit` is the number of jobs allowed. Send several smaller batches."),
    UNSUPPORTED_MEDIA_TYPE(
            415,
            "This kind of body is not supported",
            "The Content-Type or the Content-Encoding of the body is not one that this service reads.",
            "`supported` and the Accept header list what can be sent. With curl use `--json @jobs.json`: it sets the"
                    + " type; `-d` alone declares a form."),
    NOT_ACCEPTABLE(
            406,
            "None of the formats that you accept is offered",
            "The Accept header leaves no format that this service can answer with, or it cannot be read.",
            "`supported` lists the formats; `Accept: */*` always works."),
    METHOD_NOT_ALLOWED(
            405,
            "This method is not allowed here",
            "The path exists, but not for this method.",
            "The Allow header lists the methods."),
    REQUEST_TIMEOUT(
            408,
            "The request did not arrive in time",
            "The client stopped sending in the middle of the request. Nothing of it was kept.",
            "Send it again. Producers that pause should write to a file first, or send smaller batches."),
    HEADERS_TOO_LARGE(
            431,
            "The headers are too large",
            "The request line and the headers together are larger than this service reads.",
            "Shorten the URL, send fewer cookies, and move long values into the body."),
    UNSUPPORTED_HTTP(
            501,
            "This part of HTTP is not supported",
            "The request uses a version, a transfer encoding or another part of HTTP that this service does not speak.",
            "Use HTTP/1.1, with Content-Length or with chunked transfer encoding."),
    OVERLOADED(
            429,
            "More than can be taken now",
            "A limit of what may wait or arrive at once is reached. Nothing of the request was taken.",
            "Wait for the seconds in Retry-After and send the same request again; `curl --retry 5` does so."),
    DRAINING(
            503,
            "The service is stopping",
            "The service finishes what it has and takes nothing new. Accepted batches go on after the next start.",
            "Wait for the seconds in Retry-After and send the same request again."),
    UNAVAILABLE(
            503,
            "The store does not work now",
            "The service cannot write to or read from its store. Nothing of the request was taken, unless `detail` says that"
                    + " this is not known.",
            "Wait for the seconds in Retry-After and send the same request again. The operator finds the cause at"
                    + " /actuator/health."),
    STORAGE_FULL(
            507,
            "The storage is full",
            "The disk of the service has no room for the batch. Nothing of it was kept; what was accepted is safe.",
            "Delete batches that you no longer need, or tell the operator. The service recovers by itself."),
    UNAUTHORIZED(
            401,
            "Who are you?",
            "The request needs credentials, or those that it has are not valid.",
            "Send `Authorization: Bearer <key>`; the operator hands out keys."),
    FORBIDDEN(
            403,
            "This is not allowed to you",
            "The credentials are valid, but do not cover what was asked for.",
            "Ask the operator for a key with the scope that is needed."),
    INTERNAL(
            500,
            "Something went wrong on our side",
            "The service met a fault of its own. It is in its log under the trace id.",
            "Try again, with the same Idempotency-Key if you submitted a batch. If it stays, give the operator the"
                    + " `trace_id`."),
    JOB_FAILED(
            0,
            "The job failed",
            "The handler of the job reported a failure, in `detail`.",
            "`retryable` says whether another attempt may succeed; `max_attempts` lets the service try by itself."),
    JOB_TIMEOUT(
            0,
            "The job ran out of time",
            "The job was stopped because it ran longer than its time limit.",
            "Give it a larger `timeout_ms`, or less to do. Where it may do better another time, `max_attempts` lets the"
                    + " service try again by itself."),
    JOB_CANCELLED(
            0,
            "The job was cancelled",
            "The batch was cancelled before this job had finished. `detail` says whether it had started; if so, what it"
                    + " had done by then stays done.",
            "Nothing, if the cancel was meant. If you need the output, submit the job again, in a new batch: those that"
                    + " were cancelled are listed by `GET /v1/batches/{id}/results?state=cancelled`."),
    JOB_EXPIRED(
            0,
            "The job came too late",
            "The deadline of the batch passed before this job had finished.",
            "Give the batch a later deadline, or send it when the service has less to do."),
    INVALID_JOB(
            0,
            "The job is not valid",
            "The job, or the line that should have been one, cannot be read or cannot be worked on.",
            "`detail` says why; `line` is its line in the upload where there is one. Mend it and submit it again."),
    JOB_ABANDONED(
            0,
            "The job was given up",
            "The service stopped abruptly too often while it ran this job, and will not run it again.",
            "Look into what the job does to its node: memory, mostly. Then submit it again.");

    private final String slug = name().toLowerCase(Locale.ROOT).replace('_', '-');
    private final int status;
    private final String title;
    private final String meaning;
    private final String remedy;

    Problem(int status, String title, String meaning, String remedy) {
        this.status = status;
        this.title = title;
        this.meaning = meaning;
        this.remedy = remedy;
    }

    /** The stable name, in kebab case. */
    public String slug() {
        return slug;
    }

    /** The {@code type} of a problem object: a path that this service answers. */
    public String type() {
        return "/problems/" + slug;
    }

    /** The same words at every occurrence. */
    public String title() {
        return title;
    }

    /** The HTTP status; empty for a problem that only stands inside a result. */
    public OptionalInt status() {
        return status == 0 ? OptionalInt.empty() : OptionalInt.of(status);
    }

    /** What it means, for the page of the problem. */
    public String meaning() {
        return meaning;
    }

    /** What to do about it, for the page of the problem. */
    public String remedy() {
        return remedy;
    }

    /** The problem of that slug, if there is one. */
    public static Optional<Problem> ofSlug(String slug) {
        return Arrays.stream(values()).filter(p -> p.slug.equals(slug)).findFirst();
    }

    /** The problem that says best what a bare status means, for errors that the container finds by itself. */
    static Problem ofStatus(int status) {
        return switch (status) {
            case 401 -> UNAUTHORIZED;
            case 403 -> FORBIDDEN;
            case 404 -> NOT_FOUND;
            case 405 -> METHOD_NOT_ALLOWED;
            case 406 -> NOT_ACCEPTABLE;
            case 408 -> REQUEST_TIMEOUT;
            case 412 -> PRECONDITION_FAILED;
            case 413 -> PAYLOAD_TOO_LARGE;
            case 415 -> UNSUPPORTED_MEDIA_TYPE;
            case 431 -> HEADERS_TOO_LARGE;
            case 501, 505 -> UNSUPPORTED_HTTP;
            case 503 -> DRAINING;
            default -> status >= 400 && status < 500 ? BAD_REQUEST : INTERNAL;
        };
    }
}
