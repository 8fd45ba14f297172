package io.conveyor.web;

import io.conveyor.job.BatchState;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpMethod;
import org.springframework.http.MediaType;

/**
 * An answer to the client that is a problem: thrown anywhere below a request, it becomes {@code problem+json}. Carries
 * no stack: it is an answer, not a fault. Immutable; {@link #with} and {@link #header} return a copy.
 */
public final class ApiException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    /** Entries of {@code errors} in one answer: enough to see a pattern, small enough to be sent before a close. */
    static final int MAX_ERRORS = 100;

    /** Member of a refusal that is not the whole truth: how much was kept all the same. */
    private static final String KEPT = "kept";

    private final Problem problem;
    private final int status;
    private final String detail;
    private final transient Map<String, Object> extensions;
    private final transient Map<String, String> headers;

    private ApiException(
            Problem problem, int status, String detail, Map<String, Object> extensions, Map<String, String> headers) {
        super(problem.slug() + ": " + detail, null, false, false);
        this.problem = problem;
        this.status = status;
        this.detail = detail;
        this.extensions = extensions;
        this.headers = headers;
    }

    /**
     * A problem of any kind.
     *
     * @param detail what happened here, and how to mend it; names no class, no statement, no stack
     * @throws IllegalArgumentException if the problem only stands inside a result and has no status
     */
    public static ApiException of(Problem problem, String detail) {
        int status = problem.status().orElseThrow(() -> new IllegalArgumentException(problem + " is not an answer"));
        return new ApiException(problem, status, detail, Map.of(), Map.of());
    }

    /** Like {@link #of}, for statuses of the container that share the page of a more general problem. */
    static ApiException ofStatus(int status, String detail) {
        return new ApiException(Problem.ofStatus(status), status, detail, Map.of(), Map.of());
    }

    /**
     * A parameter of the query string or the path that cannot be used.
     *
     * @param allowed the values, or for an unknown parameter the names, that can stand there instead
     */
    public static ApiException invalidParameter(String name, String detail, Collection<String> allowed) {
        return invalidParameter(name, detail).with("allowed", List.copyOf(allowed));
    }

    /** A parameter that cannot be used, where the detail alone says what can. */
    public static ApiException invalidParameter(String name, String detail) {
        return of(Problem.INVALID_PARAMETER, detail).with("parameter", name);
    }

    /**
     * A body that is no JSON.
     *
     * @param line where it broke, from 1; not shown if it is less
     * @param column where it broke, from 1, in bytes where the body was read as bytes; not shown if it is less
     */
    public static ApiException malformedJson(String detail, long line, long column) {
        ApiException e = of(Problem.MALFORMED_JSON, detail);
        return line < 1 || column < 1 ? e : e.with("line", line).with("column", column);
    }

    /** Values of a body that cannot be used: all of them, of which at most {@value #MAX_ERRORS} are shown. */
    public static ApiException validationFailed(List<Violation> violations) {
        if (violations.isEmpty()) {
            throw new IllegalArgumentException("nothing is wrong");
        }
        Violation first = violations.get(0);
        String where = first.pointer().isEmpty() ? "" : first.pointer() + ": ";
        String detail = violations.size() == 1
                ? where + first.detail()
                : "Of " + violations.size() + " errors the first is " + where + first.detail();
        boolean truncated = violations.size() > MAX_ERRORS;
        List<Violation> shown = List.copyOf(truncated ? violations.subList(0, MAX_ERRORS) : violations);
        ApiException e = of(Problem.VALIDATION_FAILED, detail).with("errors", shown);
        return truncated ? e.with("errors_truncated", true) : e;
    }

    public static ApiException idempotencyKeyInvalid(String detail) {
        return of(Problem.IDEMPOTENCY_KEY_INVALID, detail);
    }

    /** The first request with this key is still arriving. */
    public static ApiException idempotencyKeyInFlight(long retryAfterSeconds) {
        return of(Problem.IDEMPOTENCY_KEY_IN_FLIGHT, "The first request with this Idempotency-Key is not complete yet.")
                .retryAfter(retryAfterSeconds);
    }

    /** The key was used for another request, which made the batch of that id. */
    public static ApiException idempotencyKeyMismatch(String batchId) {
        return of(
                        Problem.IDEMPOTENCY_KEY_MISMATCH,
                        "This Idempotency-Key was used for another request, which made batch '" + batchId
                                + "'. Use a new key for a new request.")
                .with("batch_id", batchId);
    }

    public static ApiException unknownBatch(String id) {
        return of(Problem.BATCH_NOT_FOUND, "There is no batch '" + Texts.excerpt(id) + "'.")
                .with("batch_id", Texts.excerpt(id));
    }

    /** The id is taken by a batch that came from another request. */
    public static ApiException batchExists(String id, BatchState state) {
        return of(
                        Problem.BATCH_EXISTS,
                        "Batch '" + id
                                + "' exists and came from another request. Choose another id, or delete it first.")
                .with("batch_id", id)
                .with("state", state.wireName());
    }

    /** The batch has no job of that index. */
    public static ApiException unknownResult(String id, int index, int total) {
        String has = total == 0 ? "has no jobs" : "has the indexes 0 to " + (total - 1);
        return of(Problem.RESULT_NOT_FOUND, "There is no result " + index + ": batch '" + id + "' " + has + ".")
                .with("batch_id", id);
    }

    /** The batch has other indexes, not this one. */
    public static ApiException unknownResult(String id, int index) {
        return of(
                        Problem.RESULT_NOT_FOUND,
                        "There is no result " + index + ": batch '" + id
                                + "' has some jobs of another batch, under their indexes there, and this is none of them.")
                .with("batch_id", id);
    }

    /** No job of the batch is in a state that was asked for. */
    public static ApiException nothingToRetry(String id, String detail) {
        return of(Problem.NOTHING_TO_RETRY, detail).with("batch_id", id);
    }

    public static ApiException batchNotEnded(String id, BatchState state) {
        return of(Problem.BATCH_NOT_ENDED, "Batch '" + id + "' is " + state.wireName() + "; it must have ended.")
                .with("batch_id", id)
                .with("state", state.wireName());
    }

    public static ApiException batchNotRunning(String id, BatchState state) {
        return of(
                        Problem.BATCH_NOT_RUNNING,
                        "Batch '" + id + "' is " + state.wireName() + "; it can neither be paused nor resumed.")
                .with("batch_id", id)
                .with("state", state.wireName());
    }

    /** There is nothing at this place of a known resource, such as a result beyond the last. */
    public static ApiException notFound(String detail) {
        return of(Problem.NOT_FOUND, detail);
    }

    public static ApiException preconditionFailed(String detail) {
        return of(Problem.PRECONDITION_FAILED, detail);
    }

    /** The body, or the part of it that the detail would name, has more bytes than the limit. */
    public static ApiException tooLarge(long limitBytes) {
        return of(Problem.PAYLOAD_TOO_LARGE, "The body may have at most " + limitBytes + " bytes.")
                .with("limit", limitBytes);
    }

    public static ApiException tooManyJobs(long limit) {
        return of(Problem.TOO_MANY_JOBS, "One batch may have at most " + limit + " jobs.")
                .with("limit", limit);
    }

    /** The type of the body is not one that can be read here. */
    public static ApiException unsupportedMediaType(String detail, List<MediaType> supported) {
        List<String> names = supported.stream().map(MediaType::toString).toList();
        ApiException e = of(Problem.UNSUPPORTED_MEDIA_TYPE, detail).with("supported", names);
        return names.isEmpty() ? e : e.header(HttpHeaders.ACCEPT, String.join(", ", names));
    }

    /** A gzip body that grows out of all proportion when it is unpacked. */
    public static ApiException packedTooTightly(int maxRatio) {
        return of(
                        Problem.PAYLOAD_TOO_LARGE,
                        "Unpacked, this gzip body has more than " + maxRatio
                                + " times its size; send it in parts, or as" + " it is.")
                .with("limit", maxRatio);
    }

    /** No encoding of a body but gzip is undone here. */
    public static ApiException unsupportedEncoding(String encoding) {
        return of(
                        Problem.UNSUPPORTED_MEDIA_TYPE,
                        "A body with Content-Encoding '" + Texts.excerpt(encoding)
                                + "' is not read; send it as it is, or as gzip.")
                .with("supported", List.of("gzip", "identity"))
                .header(HttpHeaders.ACCEPT_ENCODING, "gzip, identity");
    }

    /** None of the formats that can be answered with is among those that the client accepts. */
    public static ApiException notAcceptable(List<MediaType> supported) {
        List<String> names = supported.stream().map(MediaType::toString).toList();
        String detail = names.isEmpty()
                ? "The Accept header cannot be met."
                : "This can be answered as " + String.join(" or ", names) + ".";
        return of(Problem.NOT_ACCEPTABLE, detail).with("supported", names);
    }

    /** The path exists, but not for this method. */
    public static ApiException methodNotAllowed(String method, Collection<HttpMethod> allowed) {
        String names = allowed.stream().map(HttpMethod::name).sorted().collect(Collectors.joining(", "));
        return of(Problem.METHOD_NOT_ALLOWED, Texts.excerpt(method) + " is not allowed here; use " + names + ".")
                .with(
                        "supported",
                        allowed.stream().map(HttpMethod::name).sorted().toList())
                .header(HttpHeaders.ALLOW, names);
    }

    /** A limit of what may wait or arrive at once is reached; nothing was taken. */
    public static ApiException overloaded(String detail, long retryAfterSeconds) {
        return of(Problem.OVERLOADED, detail).retryAfter(retryAfterSeconds);
    }

    public static ApiException draining(long retryAfterSeconds) {
        return of(Problem.DRAINING, "The service is stopping and takes no new work; try again after its restart.")
                .retryAfter(retryAfterSeconds);
    }

    /** The store does not work now; nothing was taken. */
    public static ApiException unavailable(long retryAfterSeconds) {
        return of(Problem.UNAVAILABLE, "The store of the service does not work now. Nothing of this was kept.")
                .retryAfter(retryAfterSeconds);
    }

    /** The one failure of the store after which nobody can say whether it was kept. */
    public static ApiException unknownOutcome(long retryAfterSeconds) {
        return of(
                        Problem.UNAVAILABLE,
                        "The disk of the service failed while this was written. It is not known whether it was kept: send"
                                + " the same request again, with its Idempotency-Key or as the same PUT, and it is done once.")
                .with(KEPT, "unknown")
                .retryAfter(retryAfterSeconds);
    }

    public static ApiException storageFull(long retryAfterSeconds) {
        return of(Problem.STORAGE_FULL, "There is no room on the disk of the service. Nothing of this was kept.")
                .retryAfter(retryAfterSeconds);
    }

    /** A fault of ours, of which the client learns only under which id the log has it. */
    static ApiException internal(String traceId) {
        return of(Problem.INTERNAL, "The service met an unexpected fault; its log has it under the trace id.")
                .with("trace_id", traceId);
    }

    /** A copy that says that a part of the submission is there all the same: what had come of a batch that has started. */
    public ApiException keptInPart(String batchId) {
        String more = detail + " What had arrived before is kept as batch '" + batchId + "', which ends as incomplete.";
        return new ApiException(problem, status, more, extensions, headers)
                .with("batch_id", batchId)
                .with(KEPT, "in-part");
    }

    /** A copy with one more member in the problem object. */
    public ApiException with(String name, Object value) {
        return new ApiException(problem, status, detail, plus(extensions, name, value), headers);
    }

    /** A copy with one more header in the answer. */
    public ApiException header(String name, String value) {
        return new ApiException(problem, status, detail, extensions, plus(headers, name, value));
    }

    /** A copy that says when to try again, in seconds, at least one. */
    public ApiException retryAfter(long seconds) {
        long atLeastOne = Math.max(1, seconds);
        return with("retry_after_seconds", atLeastOne).header(HttpHeaders.RETRY_AFTER, Long.toString(atLeastOne));
    }

    private static <V> Map<String, V> plus(Map<String, V> map, String key, V value) {
        Map<String, V> copy = new LinkedHashMap<>(map);
        copy.put(key, value);
        return Collections.unmodifiableMap(copy);
    }

    public Problem problem() {
        return problem;
    }

    public int status() {
        return status;
    }

    public String detail() {
        return detail;
    }

    /** The members of the problem object, in order; {@code instance} is the request's to add. */
    public Map<String, Object> members() {
        Map<String, Object> members = new LinkedHashMap<>();
        members.put("type", problem.type());
        members.put("title", problem.title());
        members.put("status", status);
        members.put("detail", detail);
        members.putAll(extensions);
        return members;
    }

    /** Further members of the problem object, in order. */
    public Map<String, Object> extensions() {
        return extensions;
    }

    Map<String, String> headers() {
        return headers;
    }
}
