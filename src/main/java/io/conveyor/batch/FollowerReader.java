package io.conveyor.batch;

import io.conveyor.job.CallbackFault;
import io.conveyor.job.Job;
import io.conveyor.web.ApiException;
import io.conveyor.web.Violation;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.json.JsonFactory;

/**
 * Reads what is to come after the end of a batch, from a body or from the query string, and notes what is wrong with it.
 * Thread-safe; keeps nothing of what it reads.
 */
final class FollowerReader {

    static final int MAX_THEN = 100;
    private static final String BATCH = "batch";
    private static final String URL = "url";
    private static final String SECRET_NAME = "secret_name";
    private static final List<String> CALLBACK_FIELDS = List.of(URL, SECRET_NAME);
    private static final int MAX_URL = 2048;
    private static final int MAX_SECRET_NAME = 64;
    private static final JsonFactory JSON = JsonBody.factory();

    private final Set<String> kinds;
    private final int maxJobSize;
    private final BiFunction<String, @Nullable String, Optional<CallbackFault>> callbackFault;

    /**
     * @param kinds names of the kinds there are
     * @param maxJobSize bytes of a job at the most, and of all that come after a batch together
     * @param callbackFault what is wrong with a callback to that URL, signed with the secret of that name
     */
    FollowerReader(
            Set<String> kinds,
            int maxJobSize,
            BiFunction<String, @Nullable String, Optional<CallbackFault>> callbackFault) {
        this.kinds = kinds;
        this.maxJobSize = maxJobSize;
        this.callbackFault = callbackFault;
    }

    /** The jobs of the array that stands here; without meaning if anything is wrong. */
    List<Job> then(JsonBody body, Violations violations, String pointer) {
        if (!body.at(JsonToken.START_ARRAY)) {
            body.wrongType(pointer, "an array of jobs");
            return List.of();
        }
        JobReader reader = new JobReader(body, violations, kinds, maxJobSize);
        List<Job> jobs = new ArrayList<>();
        int index = 0;
        long bytes = 0;
        for (JsonToken token = body.nextInside(); token != JsonToken.END_ARRAY; token = body.nextInside()) {
            Job job = reader.read(token, pointer, index);
            if (job != null && isObjectWithoutBatch(body, job, pointer + "/" + index + "/input")) {
                bytes += job.bytes();
                if (jobs.size() < MAX_THEN) {
                    jobs.add(job);
                }
            }
            index++;
        }
        if (index < 1 || index > MAX_THEN) {
            body.violate(
                    pointer, "invalid-length", "There are " + index + " jobs here; 1 to " + MAX_THEN + " are allowed.");
        }
        if (bytes > maxJobSize) {
            violations.add(new Violation(
                    pointer,
                    "too-large",
                    "These jobs have " + bytes + " bytes; together they may have at most " + maxJobSize + ".",
                    Map.of("limit", maxJobSize)));
        }
        return jobs;
    }

    private static boolean isObjectWithoutBatch(JsonBody body, Job job, String pointer) {
        byte[] input = job.input();
        if (input == null) {
            return true;
        }
        try (JsonParser parser = JSON.createParser(ObjectReadContext.empty(), input)) {
            if (parser.nextToken() != JsonToken.START_OBJECT) {
                body.violate(
                        pointer,
                        "wrong-type",
                        "The input of a job that follows a batch must be an object, or be left out: what came of the batch"
                                + " is added to it.");
                return false;
            }
            while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
                if (BATCH.equals(parser.currentName())) {
                    body.violate(
                            pointer + "/" + BATCH,
                            "duplicate-field",
                            "What came of the batch is added under this name.");
                    return false;
                }
                parser.nextToken();
                parser.skipChildren();
            }
            return true;
        }
    }

    /** Whether that JSON object, of which nothing stands before or behind, has no members. */
    static boolean isEmptyObject(byte[] object) {
        for (int i = 1; i < object.length - 1; i++) {
            if (object[i] != ' ' && object[i] != '\t' && object[i] != '\n' && object[i] != '\r') {
                return false;
            }
        }
        return true;
    }

    /** The callback that stands here, or null if anything is wrong with it. */
    Followers.@Nullable Callback callback(JsonBody body, String pointer) {
        if (!body.at(JsonToken.START_OBJECT)) {
            body.wrongType(pointer, "an object with a url");
            return null;
        }
        String url = null;
        String secretName = null;
        boolean urlGiven = false;
        while (body.nextInside() == JsonToken.PROPERTY_NAME) {
            String field = body.name();
            String place = body.pointer(pointer);
            body.nextInside();
            switch (field) {
                case URL -> {
                    url = urlGiven ? twice(body, place) : body.text(() -> place, MAX_URL);
                    urlGiven = true;
                }
                case SECRET_NAME ->
                    secretName = secretName == null ? body.text(() -> place, MAX_SECRET_NAME) : twice(body, place);
                default -> body.unknownField(place, "A callback", CALLBACK_FIELDS);
            }
        }
        if (!urlGiven) {
            body.violate(pointer + "/" + URL, "missing-field", "A callback needs a url.");
        }
        return url == null ? null : checked(body, new Followers.Callback(url, secretName), pointer);
    }

    private static @Nullable String twice(JsonBody body, String place) {
        body.duplicateField(place);
        return null;
    }

    private Followers.@Nullable Callback checked(JsonBody body, Followers.Callback callback, String pointer) {
        Optional<CallbackFault> fault = callbackFault.apply(callback.url(), callback.secretName());
        if (fault.isEmpty()) {
            return callback;
        }
        String field = fault.get().field();
        body.violate(
                field.isEmpty() ? pointer : pointer + "/" + field,
                field.equals(URL) ? "invalid-value" : "no-secret",
                fault.get().detail());
        return null;
    }

    /**
     * The same in the query string, as JSON.
     *
     * @throws ApiException if anything is wrong with it
     */
    Followers ofParameters(@Nullable String then, @Nullable String callback) {
        List<Job> jobs = new ArrayList<>();
        Followers.Callback[] read = new Followers.Callback[1];
        if (then != null) {
            parameter(
                    Envelope.THEN,
                    then,
                    (body, violations) -> jobs.addAll(then(body, violations, "/" + Envelope.THEN)));
        }
        if (callback != null) {
            parameter(
                    Envelope.CALLBACK,
                    callback,
                    (body, violations) -> read[0] = callback(body, "/" + Envelope.CALLBACK));
        }
        return new Followers(jobs, read[0]);
    }

    /** Reads the value that stands at the beginning of a body. */
    private interface Reading {
        void read(JsonBody body, Violations violations);
    }

    private void parameter(String name, String text, Reading reading) {
        Violations violations = new Violations();
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        try (JsonBody body = new JsonBody(JSON, new ByteArrayInputStream(bytes), maxJobSize, violations)) {
            if (body.next() != null) {
                reading.read(body, violations);
                if (!violations.isEmpty() || body.next() == null) {
                    violations.refuseIfAny();
                    return;
                }
            }
        } catch (JacksonException | IOException e) {
            // The answer is the same: no JSON value.
        }
        throw ApiException.invalidParameter(
                name, "Parameter '" + name + "' must be one JSON value, in percent escapes.");
    }
}
