package io.conveyor.batch;

import io.conveyor.job.BatchRules;
import io.conveyor.job.Job;
import io.conveyor.job.OnError;
import io.conveyor.web.Violation;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads what a JSON body says of its batch beside the jobs, field by field, and notes what is wrong with each. Not
 * thread-safe.
 */
final class EnvelopeReader {

    static final List<String> FIELDS = List.of(
            Envelope.NAME,
            Envelope.METADATA,
            Envelope.TIMEOUT,
            Envelope.MAX_ATTEMPTS,
            Envelope.MAX_CONCURRENCY,
            Envelope.DEADLINE,
            Envelope.ON_ERROR,
            Envelope.THEN,
            Envelope.CALLBACK);

    private final JsonBody body;
    private final Violations violations;
    private final int maxMetadata;
    private final FollowerReader followerReader;

    // Mutable state: what was found so far
    private @Nullable String name;
    private byte @Nullable [] metadata;
    private long timeoutMillis;
    private int maxAttempts;
    private int maxConcurrency;
    private long deadlineMillis;
    private @Nullable OnError onError;
    private List<Job> then = List.of();
    private Followers.@Nullable Callback callback;

    /** @param maxMetadata bytes of the metadata at the most */
    EnvelopeReader(JsonBody body, Violations violations, int maxMetadata, FollowerReader followerReader) {
        this.followerReader = followerReader;
        this.body = body;
        this.violations = violations;
        this.maxMetadata = maxMetadata;
    }

    /** Reads the value that stands here, of one of the {@link #FIELDS}. */
    void read(String field) {
        String pointer = "/" + field;
        switch (field) {
            case Envelope.NAME -> name = body.text(() -> pointer, BatchParser.MAX_NAME);
            case Envelope.METADATA -> metadata();
            case Envelope.TIMEOUT -> timeoutMillis = integer(pointer, JobReader.MAX_TIMEOUT_MILLIS);
            case Envelope.MAX_ATTEMPTS -> maxAttempts = (int) integer(pointer, BatchRules.MAX_ATTEMPTS);
            case Envelope.MAX_CONCURRENCY -> maxConcurrency = (int) integer(pointer, BatchRules.MAX_CONCURRENCY);
            case Envelope.DEADLINE -> deadlineMillis = integer(pointer, BatchRules.MAX_DEADLINE_MILLIS);
            case Envelope.ON_ERROR -> onError = OnErrorReader.read(body, pointer);
            case Envelope.THEN -> then = followerReader.then(body, violations, pointer);
            case Envelope.CALLBACK -> callback = followerReader.callback(body, pointer);
            default -> throw new IllegalArgumentException("The envelope has no field " + field);
        }
    }

    private long integer(String pointer, long max) {
        return body.integer(() -> pointer, 1, max);
    }

    private void metadata() {
        metadata = body.raw();
        if (metadata == null) {
            violations.add(new Violation(
                    "/metadata",
                    "too-large",
                    "The metadata of a batch may have at most " + maxMetadata + " bytes.",
                    Map.of("limit", maxMetadata)));
        }
    }

    /** What was found; without meaning if anything was wrong. */
    Envelope envelope() {
        return new Envelope(
                name,
                metadata,
                new BatchRules(timeoutMillis, maxAttempts, maxConcurrency, deadlineMillis, onError),
                new Followers(then, callback));
    }
}
