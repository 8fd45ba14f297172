package io.conveyor.limit;

import io.github.bucket4j.Bucket;
import io.github.bucket4j.TimeMeter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.stereotype.Component;

/**
 * The limits that the operator has set, by name. Thread-safe.
 *
 * <p>Threads and state: one thread, {@code conveyor-limits}, calls those who wait when a rate has a token for them. {@link
 * #close} ends it.
 */
@Component
@EnableConfigurationProperties(LimitProperties.class)
public final class Limits implements AutoCloseable {

    /** How much of a rate may be used up at once when it was not used before: what comes in so much time, a job at least. */
    private static final Duration BURST = Duration.ofMillis(100);

    private final List<Ruled> ruled = new ArrayList<>();
    private final SortedMap<String, Limit> byName = new TreeMap<>();
    private final ScheduledThreadPoolExecutor timer;

    private record Ruled(String name, LimitProperties.Rule rule, Limit limit) {}

    Limits(LimitProperties properties) {
        timer = new ScheduledThreadPoolExecutor(1, work -> {
            Thread thread = new Thread(work, "conveyor-limits");
            thread.setDaemon(true);
            return thread;
        });
        properties.limits().forEach((name, rule) -> {
            Integer concurrency = rule.concurrency();
            Limit limit = new Limit(concurrency == null ? Integer.MAX_VALUE : concurrency, bucket(rule), this::later);
            ruled.add(new Ruled(name, rule, limit));
            byName.put(name, limit);
        });
        // A token that is given back, since another limit had no place, may be missed by somebody meanwhile.
        ruled.sort(Comparator.comparing(each -> each.rule().rate() != null));
    }

    /** Limits as they are configured. */
    public static Limits of(Map<String, LimitProperties.Rule> rules) {
        return new Limits(new LimitProperties(rules));
    }

    private static @Nullable Bucket bucket(LimitProperties.Rule rule) {
        Integer rate = rule.rate();
        if (rate == null) {
            return null;
        }
        long burst =
                Math.max(1, Math.min(rate, rate * BURST.toNanos() / rule.per().toNanos()));
        return Bucket.builder()
                .addLimit(limit -> limit.capacity(burst).refillGreedy(rate, rule.per()))
                .withCustomTimePrecision(TimeMeter.SYSTEM_NANOTIME)
                .build();
    }

    private void later(long nanos, Runnable look) {
        try {
            ScheduledFuture<?> unused = timer.schedule(look, nanos, TimeUnit.NANOSECONDS);
        } catch (RejectedExecutionException e) {
            // The service stops: nobody is fed any more.
        }
    }

    /** Whether none is set. */
    public boolean isEmpty() {
        return ruled.isEmpty();
    }

    /** The kinds that each of them names; by the name of the limit. */
    public SortedMap<String, List<String>> kinds() {
        SortedMap<String, List<String>> kinds = new TreeMap<>();
        ruled.forEach(each -> kinds.put(each.name(), each.rule().kinds()));
        return kinds;
    }

    /** Whether it matters what jobs of that kind call. */
    public boolean dependsOnTarget(String kind) {
        return ruled.stream()
                .map(Ruled::rule)
                .anyMatch(rule -> !rule.hosts().isEmpty()
                        && (rule.kinds().isEmpty() || rule.kinds().contains(kind)));
    }

    /**
     * The limits that hold for such a job.
     *
     * @param target what it calls, a host with its port in lower case, or null
     */
    public List<Limit> of(String kind, @Nullable String target) {
        List<Limit> limits = new ArrayList<>();
        for (Ruled each : ruled) {
            if (each.rule().holdsFor(kind, target)) {
                limits.add(each.limit());
            }
        }
        return limits;
    }

    /** All of them, by name. */
    public SortedMap<String, Limit> byName() {
        return new TreeMap<>(byName);
    }

    @Override
    public void close() {
        timer.shutdownNow();
    }
}
