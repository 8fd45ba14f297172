package io.conveyor.batch;

import io.conveyor.job.BatchRules;
import io.conveyor.job.Job;
import io.conveyor.web.Texts;
import io.conveyor.web.Violation;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonToken;

/** Reads one job object after the other from a body, and notes what is wrong with each. Not thread-safe. */
final class JobReader {

    static final List<String> FIELDS = List.of("kind", "input", "custom_id", "timeout_ms", "max_attempts", "metadata");
    static final int MAX_CUSTOM_ID = 64;
    static final long MAX_TIMEOUT_MILLIS = 86_400_000;
    private static final int MAX_KIND = 64;

    private final JsonBody body;
    private final Violations violations;
    private final Set<String> kinds;
    private final int maxJobSize;

    // Mutable state: the job that is being read, and a bit for each of its fields that was there
    private int seen;
    private Supplier<String> at = () -> "";
    private @Nullable String kind;
    private @Nullable String saidKind;
    private @Nullable String customId;
    private long timeoutMillis;
    private int maxAttempts;
    private byte @Nullable [] metadata;
    private byte @Nullable [] input;

    JobReader(JsonBody body, Violations violations, Set<String> kinds, int maxJobSize) {
        this.body = body;
        this.violations = violations;
        this.kinds = kinds;
        this.maxJobSize = maxJobSize;
    }

    /**
     * Reads the job whose first token stands here, to its end.
     *
     * @return null if anything is wrong with it
     */
    @Nullable
    Job read(JsonToken first, String array, int index) {
        return readAt(first, index, () -> array + "/" + index);
    }

    /** As above, of a job that stands at that place of its document; the place is made into text only if it is told. */
    @Nullable
    Job readAt(JsonToken first, int index, Supplier<String> place) {
        seen = 0;
        at = place;
        kind = null;
        saidKind = null;
        customId = null;
        timeoutMillis = 0;
        maxAttempts = 0;
        metadata = null;
        input = null;
        if (first != JsonToken.START_OBJECT) {
            body.wrongType(place.get(), "a job: an object with at least a kind");
            return null;
        }
        body.keepFromHere();
        long start = body.start();
        while (body.nextInside() == JsonToken.PROPERTY_NAME) {
            field();
        }
        long size = body.end() - start;
        if (size > maxJobSize) {
            violations.add(new Violation(
                    place.get(),
                    "job-too-large",
                    "This job has " + size + " bytes; a job may have at most " + maxJobSize + ".",
                    Map.of("limit", maxJobSize)));
            return null;
        }
        if ((seen & 1) == 0) {
            body.violate(pointer("kind"), "missing-field", "A job needs a kind.");
        }
        return kind == null ? null : new Job(index, kind, customId, timeoutMillis, maxAttempts, metadata, input, null);
    }

    /** What was read as the kind of the last job, whether there is such a kind or not; null if nothing was. */
    @Nullable
    String saidKind() {
        return saidKind;
    }

    /** The custom id of the last job, if it could be read. */
    @Nullable
    String customId() {
        return customId;
    }

    private String pointer(String field) {
        return at.get() + "/" + field;
    }

    private void field() {
        String name = body.name();
        int field = FIELDS.indexOf(name);
        if (field < 0) {
            body.nextInside();
            body.unknownField(body.pointer(at.get()), "A job", FIELDS);
            return;
        }
        body.nextInside();
        if ((seen & (1 << field)) != 0) {
            body.duplicateField(pointer(name));
            return;
        }
        seen |= 1 << field;
        switch (name) {
            case "kind" -> kind = kind();
            case "custom_id" -> customId = body.text(() -> pointer("custom_id"), MAX_CUSTOM_ID);
            case "timeout_ms" -> timeoutMillis = body.integer(() -> pointer("timeout_ms"), 1, MAX_TIMEOUT_MILLIS);
            case "max_attempts" ->
                maxAttempts = (int) body.integer(() -> pointer("max_attempts"), 1, BatchRules.MAX_ATTEMPTS);
            case "metadata" -> metadata = body.raw();
            default -> input = body.raw();
        }
    }

    private @Nullable String kind() {
        String name = body.text(() -> pointer("kind"), MAX_KIND);
        saidKind = name;
        if (name == null || kinds.contains(name)) {
            return name;
        }
        String guess = Suggestion.didYouMean(name, kinds);
        Map<String, Object> extensions = new LinkedHashMap<>();
        extensions.put("kind", Texts.excerpt(name));
        extensions.put("known_kinds", List.copyOf(kinds));
        violations.add(new Violation(
                pointer("kind"),
                "unknown-kind",
                "There is no kind '" + Texts.excerpt(name) + "'."
                        + (guess.isEmpty() ? " There are " + String.join(", ", kinds) + "." : guess),
                extensions));
        return null;
    }
}
