package io.conveyor.batch;

import io.conveyor.job.Job;
import io.conveyor.job.JobError;
import io.conveyor.web.ApiException;
import io.conveyor.web.Violation;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonToken;
import tools.jackson.core.exc.StreamConstraintsException;
import tools.jackson.core.exc.StreamReadException;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.json.JsonMapper;

/**
 * Reads NDJSON, one job a line. A line that is no job does not refuse the others: it becomes a job that carries its
 * problem, with the number of the line, and fails in its turn. Only too many lines refuse the body. Thread-safe.
 */
final class LineParser {

    private static final JsonFactory JSON = JsonBody.factory();
    private static final JsonMapper MAPPER = JsonMapper.shared();

    /** Places that the problem of one line lists at the most. */
    private static final int MAX_ERRORS = 10;

    private final Set<String> kinds;
    private final int maxJobs;
    private final int maxJobSize;

    /** @param kinds names of the kinds there are, in the order in which they are shown */
    LineParser(Set<String> kinds, int maxJobs, int maxJobSize) {
        this.kinds = kinds;
        this.maxJobs = maxJobs;
        this.maxJobSize = maxJobSize;
    }

    /**
     * Reads the body to its end.
     *
     * @return the number of jobs
     * @throws ApiException if it has too many lines
     * @throws IOException if the body cannot be read
     */
    int parse(InputStream bytes, JobSink jobs) throws IOException {
        LineReader lines = new LineReader(bytes, maxJobSize, jobs::pause);
        LineScanner scanner = new LineScanner(kinds);
        Utf8Check utf8 = new Utf8Check();
        int total = 0;
        while (lines.next()) {
            if (total == maxJobs) {
                throw ApiException.tooManyJobs(maxJobs);
            }
            jobs.accept(job(lines, scanner, utf8, total));
            total++;
        }
        return total;
    }

    private Job job(LineReader line, LineScanner scanner, Utf8Check utf8, int index) {
        if (line.isTooLong()) {
            return refused(
                    index,
                    JobError.invalid("This line is too long; a job may have at most " + maxJobSize + " bytes.")
                            .with("limit", maxJobSize),
                    line);
        }
        utf8.begin();
        int length = line.end() - line.start();
        int good = utf8.check(line.buffer(), line.start(), length);
        if (good < length || !utf8.complete()) {
            return refused(
                    index,
                    JobError.invalid("This line is not UTF-8 from byte " + (good + 1) + " on.")
                            .with("column", good + 1),
                    line);
        }
        Job job = scanner.scan(line.buffer(), line.start(), line.end(), index);
        return job != null ? job : explained(line, index);
    }

    private static Job refused(int index, JobError error, LineReader line) {
        return refused(index, "", null, error, line);
    }

    private static Job refused(int index, String kind, @Nullable String customId, JobError error, LineReader line) {
        byte[] problem =
                MAPPER.writeValueAsBytes(error.with("line", line.number()).members());
        return Job.refused(index, kind, customId, problem);
    }

    /** Reads the line with a parser that knows all of JSON and can say what is wrong. */
    private Job explained(LineReader line, int index) {
        int length = line.end() - line.start();
        Violations violations = new Violations();
        ByteArrayInputStream bytes = new ByteArrayInputStream(line.buffer(), line.start(), length);
        try (JsonBody body = new JsonBody(JSON, bytes, maxJobSize, violations)) {
            JobReader reader = new JobReader(body, violations, kinds, maxJobSize);
            Job job = null;
            try {
                job = read(body, reader, index);
            } catch (StreamConstraintsException e) {
                body.violate(
                        "",
                        "too-complex",
                        "Something in here is nested deeper than 64, or is a string or number of more than 1 MiB.");
            } catch (StreamReadException e) {
                return malformed(body.malformed(e), reader, line, index);
            } catch (ApiException e) {
                return malformed(e, reader, line, index);
            }
            if (job != null && violations.isEmpty()) {
                return job;
            }
            String kind = reader.saidKind();
            return refused(index, kind == null ? "" : kind, reader.customId(), error(violations.found()), line);
        } catch (JacksonException | IOException e) {
            throw new IllegalStateException("A line in memory cannot fail to be read", e);
        }
    }

    private static @Nullable Job read(JsonBody body, JobReader reader, int index) {
        JsonToken first = body.next();
        if (first == null) {
            throw body.malformed("There is no JSON on this line.", 0);
        }
        Job job = reader.readAt(first, index, () -> "");
        if (body.next() != null) {
            throw body.malformed("There is text after the end of the job; a line holds one job.", body.start());
        }
        return job;
    }

    private static Job malformed(ApiException e, JobReader reader, LineReader line, int index) {
        JobError error = JobError.invalid(e.detail());
        Object column = e.extensions().get("column");
        if (column != null) {
            error = error.with("column", column);
        }
        String kind = reader.saidKind();
        return refused(index, kind == null ? "" : kind, reader.customId(), error, line);
    }

    private static JobError error(List<Violation> found) {
        Violation first = found.get(0);
        if (found.size() == 1 && first.code().equals("unknown-kind")) {
            JobError error = JobError.unknownKind(first.detail());
            for (Map.Entry<String, Object> more : first.extensions().entrySet()) {
                error = error.with(more.getKey(), more.getValue());
            }
            return error;
        }
        String where = first.pointer().isEmpty() ? "" : first.pointer() + ": ";
        return JobError.invalid(where + first.detail())
                .with("errors", found.subList(0, Math.min(found.size(), MAX_ERRORS)));
    }
}
