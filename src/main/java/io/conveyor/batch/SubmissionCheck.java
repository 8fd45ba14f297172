package io.conveyor.batch;

import io.conveyor.job.Job;
import io.conveyor.web.ApiException;
import io.conveyor.web.Problem;
import io.conveyor.web.Violation;
import java.io.IOException;
import java.security.DigestInputStream;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A look at one submission that is not to be taken: reads it with what reads those that are, keeps nothing but a count and
 * the first errors, and says what would have become of it. What keeps it from being looked at at all, such as a type that is not read,
 * is the answer itself, as ever. Not thread-safe: made for one request.
 */
final class SubmissionCheck implements JobSink {

    /** Query parameter of a submission that is to be looked at only. */
    static final String PARAMETER = "validate_only";

    /** Errors that are shown; as many as a refusal shows. */
    private static final int MOST = 100;

    private static final String LINE = "line";
    private static final JsonMapper MAPPER = JsonMapper.shared();

    /** What is wrong with what was sent, and not with how or when. */
    private static final Set<Problem> OF_CONTENT = EnumSet.of(
            Problem.MALFORMED_JSON,
            Problem.VALIDATION_FAILED,
            Problem.TOO_MANY_JOBS,
            Problem.BATCH_EXISTS,
            Problem.PRECONDITION_FAILED,
            Problem.IDEMPOTENCY_KEY_IN_FLIGHT,
            Problem.IDEMPOTENCY_KEY_MISMATCH);

    private final Upload.Parts parts;
    private final Repetitions repetitions;
    private final Submission submission;
    private final BatchOptions options;
    private final @Nullable String key;

    // Mutable state: what was found so far
    private final List<Violation> errors = new ArrayList<>();
    private int total;

    SubmissionCheck(
            Upload.Parts parts,
            Repetitions repetitions,
            Submission submission,
            BatchOptions options,
            @Nullable String key) {
        this.parts = parts;
        this.repetitions = repetitions;
        this.submission = submission;
        this.options = options;
        this.key = key;
    }

    /**
     * Reads the body to its end, or to where it would be refused.
     *
     * @throws ApiException if it cannot be looked at
     */
    CheckView of(SubmittedBody body) throws IOException {
        try {
            byte[] fingerprint = body.fingerprint(options, body.isLines() ? lines(body) : json(body));
            repetitions.find(submission, key).ifPresent(earlier -> {
                earlier.refuseIfNewIsWanted();
                earlier.sameAs(fingerprint);
            });
            return view(null);
        } catch (ApiException e) {
            if (!OF_CONTENT.contains(e.problem())) {
                throw e;
            }
            return view(e);
        }
    }

    private byte[] json(SubmittedBody body) throws IOException {
        if (options.immediately()) {
            throw Upload.onlyLinesStartAtOnce();
        }
        ParsedBatch parsed = parts.batchParser().parse(body.bytes(), this);
        options.with(parsed.envelope());
        return parsed.digest();
    }

    private byte[] lines(SubmittedBody body) throws IOException {
        DigestInputStream bytes = new DigestInputStream(body.bytes(), RawWindow.sha256());
        parts.lineParser().parse(bytes, this);
        return bytes.getMessageDigest().digest();
    }

    @Override
    public void accept(Job job) {
        total++;
        byte[] problem = job.problem();
        if (problem != null && errors.size() <= MOST) {
            errors.addAll(errorsOf(MAPPER.readTree(problem)));
        }
    }

    /** The places that the problem of a line lists; the line as a whole if it lists none. */
    private static List<Violation> errorsOf(JsonNode problem) {
        List<Violation> found = new ArrayList<>();
        for (JsonNode each : problem.path("errors")) {
            found.add(
                    violation(each.path("pointer").asString(), each.path("code").asString(), each, problem));
        }
        if (found.isEmpty()) {
            String type = problem.path("type").asString();
            found.add(violation("", type.substring(type.lastIndexOf('/') + 1), problem, problem));
        }
        return found;
    }

    private static Violation violation(String pointer, String code, JsonNode said, JsonNode problem) {
        Map<String, Object> more = new LinkedHashMap<>();
        more.put(LINE, problem.path(LINE).asInt());
        for (String name : List.of("column", "limit", "kind", "known_kinds")) {
            if (said.has(name)) {
                more.put(name, said.get(name));
            }
        }
        return new Violation(pointer, code, said.path("detail").asString(), more);
    }

    private CheckView view(@Nullable ApiException refusal) {
        if (refusal == null) {
            boolean more = errors.size() > MOST;
            return new CheckView(true, total, more ? errors.subList(0, MOST) : errors, more ? true : null, null);
        }
        Map<String, Object> problem = new LinkedHashMap<>(refusal.members());
        // Beside the problem, not in it: what is wrong stands in one place, whatever the form of the body.
        Object listed = problem.remove("errors");
        Object truncated = problem.remove("errors_truncated");
        List<Violation> shown = new ArrayList<>();
        if (listed instanceof List<?> violations) {
            violations.forEach(each -> shown.add((Violation) each));
        }
        return new CheckView(false, null, shown, truncated == null ? null : true, problem);
    }
}
