package io.conveyor.batch;

import io.conveyor.job.BatchRules;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What a client says of a batch beside its jobs, in the query string or in the body.
 *
 * @param name what the client calls the batch, 1 to 200 characters, or null
 * @param metadata the client's JSON, unparsed and on one line, or null
 * @param rules what holds for its jobs
 * @param followers what is to come after its end
 */
record Envelope(@Nullable String name, byte @Nullable [] metadata, BatchRules rules, Followers followers) {

    static final String NAME = "name";
    static final String METADATA = "metadata";
    static final String TIMEOUT = "timeout_ms";
    static final String MAX_ATTEMPTS = "max_attempts";
    static final String MAX_CONCURRENCY = "max_concurrency";
    static final String DEADLINE = "deadline_ms";
    static final String ON_ERROR = "on_error";
    static final String THEN = "then";
    static final String CALLBACK = "callback";

    /** Nothing is said. */
    static final Envelope NONE = new Envelope(null, null, BatchRules.NONE, Followers.NONE);

    /** This envelope, and where nothing is said the other. */
    Envelope or(Envelope other) {
        return new Envelope(
                name != null ? name : other.name,
                metadata != null ? metadata : other.metadata,
                rules.or(other.rules),
                followers.or(other.followers));
    }

    /** What is said, each field with a text that differs where it does; in the order of the names. */
    Map<String, String> said() {
        Map<String, String> said = new TreeMap<>();
        if (name != null) {
            said.put(NAME, name);
        }
        if (metadata != null) {
            said.put(METADATA, new String(metadata, StandardCharsets.UTF_8));
        }
        if (rules.saidOnError() != null) {
            said.put(ON_ERROR, rules.saidOnError().text());
        }
        said.putAll(followers.said());
        putIfSaid(said, TIMEOUT, rules.timeoutMillis());
        putIfSaid(said, MAX_ATTEMPTS, rules.maxAttempts());
        putIfSaid(said, MAX_CONCURRENCY, rules.maxConcurrency());
        putIfSaid(said, DEADLINE, rules.deadlineMillis());
        return said;
    }

    private static void putIfSaid(Map<String, String> said, String field, long value) {
        if (value > 0) {
            said.put(field, Long.toString(value));
        }
    }
}
