package io.conveyor.batch;

import io.conveyor.job.Job;
import io.conveyor.web.ApiException;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonToken;
import tools.jackson.core.exc.JacksonIOException;
import tools.jackson.core.exc.StreamConstraintsException;
import tools.jackson.core.exc.StreamReadException;
import tools.jackson.core.json.JsonFactory;

/**
 * Reads a batch in JSON: an array of jobs, or an object whose {@code jobs} is one. Hands out each job as soon as it is
 * read, builds no tree, and keeps no more in memory than the largest job; inputs and metadata stay the client's bytes.
 *
 * <p>Strict: what it does not know it refuses. Values that cannot be used are collected, to be told together; after the
 * first no more jobs are handed out, and reading goes on for the sake of the others. Thread-safe; the parser's symbol
 * table is shared.
 */
final class BatchParser {

    static final int MAX_NAME = 200;
    static final String JOBS = "jobs";
    static final List<String> FIELDS =
            Stream.concat(Stream.of(JOBS), EnvelopeReader.FIELDS.stream()).toList();

    private static final JsonFactory JSON = JsonBody.factory();

    private final Set<String> kinds;
    private final int maxJobs;
    private final int maxJobSize;
    private final FollowerReader followers;

    /**
     * @param kinds names of the kinds there are, in the order in which they are shown
     * @param followers reads what is to come after the end of the batch
     */
    BatchParser(Set<String> kinds, int maxJobs, int maxJobSize, FollowerReader followers) {
        this.followers = followers;
        this.kinds = kinds;
        this.maxJobs = maxJobs;
        this.maxJobSize = maxJobSize;
    }

    /**
     * Reads the body to its end.
     *
     * @param jobs takes the jobs in order
     * @throws ApiException if the body cannot be taken; what was handed out must then be given up
     * @throws IOException if the body cannot be read
     */
    ParsedBatch parse(InputStream bytes, JobSink jobs) throws IOException {
        Violations violations = new Violations();
        try (JsonBody body = new JsonBody(JSON, bytes, maxJobSize, violations)) {
            return new Reading(body, violations, jobs).batch();
        } catch (JacksonIOException e) {
            throw e.getCause();
        }
    }

    /** One body being read. Its fields are what was found so far. */
    private final class Reading {

        private final JsonBody body;
        private final Violations violations;
        private final JobSink jobs;
        private final JobReader reader;
        private final EnvelopeReader envelope;

        // Mutable state: what was found so far, and a bit for each field that was there
        private int seen;
        private int total;
        private String field = "";
        private @Nullable String openArray;

        Reading(JsonBody body, Violations violations, JobSink jobs) {
            this.body = body;
            this.violations = violations;
            this.jobs = jobs;
            reader = new JobReader(body, violations, kinds, maxJobSize);
            envelope = new EnvelopeReader(body, violations, maxJobSize, followers);
        }

        ParsedBatch batch() {
            try {
                document();
            } catch (StreamConstraintsException e) {
                body.violate(
                        openArray == null ? field : openArray + "/" + total,
                        "too-complex",
                        "Something in here is nested deeper than 64, or is a string or number of more than 1 MiB.");
            } catch (StreamReadException e) {
                throw body.malformed(e);
            }
            violations.refuseIfAny();
            return new ParsedBatch(envelope.envelope(), total, body.digest());
        }

        private void document() {
            JsonToken first = body.next();
            if (first == null) {
                throw body.malformed("The body is empty; it must be an array of jobs.", 0);
            }
            switch (first) {
                case START_ARRAY -> jobs("");
                case START_OBJECT -> envelope();
                default -> body.wrongType("", "an array of jobs, or an object with the field jobs");
            }
            if (body.next() != null) {
                throw body.malformed(
                        "There is text after the end of the document. A body is one JSON value; several jobs go into an"
                                + " array (from a file with a job a line: jq -s . jobs.ndjson).",
                        body.start());
            }
        }

        private void envelope() {
            while (body.nextInside() == JsonToken.PROPERTY_NAME) {
                field();
            }
            if ((seen & 1) == 0) {
                body.violate("/jobs", "missing-field", "A batch needs jobs: an array of jobs, or {\"jobs\": [...]}.");
            }
        }

        private void field() {
            String pointer = body.pointer("");
            int known = FIELDS.indexOf(body.name());
            field = pointer;
            body.nextInside();
            body.keepFromHere();
            if (known < 0) {
                body.unknownField(pointer, "A batch", FIELDS);
                return;
            }
            if ((seen & (1 << known)) != 0) {
                body.duplicateField(pointer);
                return;
            }
            seen |= 1 << known;
            if (known == 0) {
                jobsField();
            } else {
                envelope.read(FIELDS.get(known));
            }
        }

        private void jobsField() {
            if (body.at(JsonToken.START_ARRAY)) {
                jobs("/jobs");
            } else {
                body.wrongType("/jobs", "an array of jobs");
            }
        }

        private void jobs(String array) {
            openArray = array;
            JsonToken token = body.nextInside();
            while (token != JsonToken.END_ARRAY) {
                if (total == maxJobs) {
                    throw ApiException.tooManyJobs(maxJobs);
                }
                Job job = reader.read(token, array, total);
                total++;
                if (job != null && violations.isEmpty()) {
                    jobs.accept(job);
                }
                token = body.nextInside();
            }
            openArray = null;
        }
    }
}
