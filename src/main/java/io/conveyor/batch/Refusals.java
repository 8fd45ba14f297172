package io.conveyor.batch;

import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.LongAdder;
import org.springframework.stereotype.Component;

/** Counts the submissions that were refused at a limit, since the start, for whoever watches the service. Thread-safe. */
@Component
final class Refusals {

    /** The limit. */
    enum Reason {
        BACKLOG,
        SUBMISSIONS,
        TOO_LARGE,
        TOO_MANY_JOBS,
        DRAINING,
        STORAGE_FULL;

        /** The name in metrics: lower case. */
        String wireName() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    private final Map<Reason, LongAdder> counts = new EnumMap<>(Reason.class);

    Refusals() {
        for (Reason reason : Reason.values()) {
            counts.put(reason, new LongAdder());
        }
    }

    void add(Reason reason) {
        counter(reason).increment();
    }

    /** Refusals for that reason since the start. */
    long count(Reason reason) {
        return counter(reason).sum();
    }

    private LongAdder counter(Reason reason) {
        return Objects.requireNonNull(counts.get(reason), "every reason has a counter");
    }
}
