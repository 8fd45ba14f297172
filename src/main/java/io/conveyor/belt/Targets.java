package io.conveyor.belt;

import io.conveyor.job.SteadyClock;
import io.github.bucket4j.Bucket;
import io.github.bucket4j.TimeMeter;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.LongUnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Thins out further attempts at what many jobs call, such as a host, while it fails. Each target has a budget: first
 * attempts pay a part of a further attempt into it, time pays in a little, and a success a whole one; a further attempt takes one
 * out. What finds nothing is put off, one behind the other. And until the moment that a target has named itself
 * ({@code Retry-After}) no waiting attempt at it is made at all.
 *
 * <p>Knows so many targets at the most; the one that was met least recently is forgotten, with its budget and its moment.
 * Thread-safe: one lock, held for a moment.
 */
final class Targets {

    /** Targets that are known at the most; a few hundred bytes each. */
    static final int MOST_TARGETS = 4096;

    /** The attempt may be made now. */
    static final long NOW = Long.MIN_VALUE;

    /** Tokens of one further attempt: a call pays in whole ones, a hundredth each. */
    private static final int ATTEMPT = 100;

    /** Seconds whose worth of further attempts a budget holds at the most: what was saved longer ago does not count. */
    private static final int SECONDS = 10;

    private final BeltProperties.RetryBudget budget;
    private final long longestMillis;
    private final SteadyClock clock;
    private final LongUnaryOperator random;
    private final int capacity;

    // Mutable state, guarded by this
    private final Map<String, Target> targets = new LinkedHashMap<>(16, 0.75f, true);

    private static final class Target {

        private final Bucket bucket;
        private long heldUntil = Long.MIN_VALUE;
        private long lastPlace = Long.MIN_VALUE;

        Target(Bucket bucket) {
            this.bucket = bucket;
        }
    }

    /**
     * What a refill goes by.
     *
     * @param longest how long an attempt is put off at the most
     * @param random a number from 0 to below the given one
     */
    Targets(
            BeltProperties.RetryBudget budget,
            Duration longest,
            SteadyClock clock,
            LongUnaryOperator random,
            int capacity) {
        this.budget = budget;
        this.longestMillis = longest.toMillis();
        this.clock = clock;
        this.random = random;
        this.capacity = capacity;
    }

    /** A first attempt is made. */
    void called(@Nullable String name) {
        if (name == null || budget.percent() == 0) {
            return; // without the lock: most jobs have no target, and many are tiny
        }
        synchronized (this) {
            target(name).bucket.addTokens(budget.percent());
        }
    }

    /** An attempt went well, the first or another. */
    void succeeded(@Nullable String name) {
        if (name == null) {
            return;
        }
        synchronized (this) {
            Target target = target(name);
            target.bucket.addTokens(ATTEMPT);
            target.lastPlace = Long.MIN_VALUE;
        }
    }

    /** An attempt failed in a way that may pass, and the target asks to be left alone for so long; maybe not at all. */
    synchronized void failed(@Nullable String name, Duration retryAfter) {
        if (name != null && !retryAfter.isZero()) {
            Target target = target(name);
            target.heldUntil = Math.max(target.heldUntil, clock.millis() + retryAfter.toMillis());
        }
    }

    /**
     * Asks for a further attempt at a target, and takes it out of the budget.
     *
     * @return {@link #NOW}, or when to ask again, milliseconds since the epoch
     */
    synchronized long ask(@Nullable String name) {
        if (name == null) {
            return NOW;
        }
        Target target = target(name);
        long now = clock.millis();
        if (target.heldUntil > now) {
            return place(target, target.heldUntil);
        }
        return target.bucket.tryConsume(ATTEMPT) ? NOW : place(target, now);
    }

    /** A place behind those that were put off before, as far apart as time pays for them; not for ever. */
    private long place(Target target, long from) {
        long next = Math.max(target.lastPlace, from) + Math.max(1, 1000 / budget.perSecond());
        if (next - from > longestMillis) {
            return from + longestMillis / 2 + random.applyAsLong(longestMillis / 2 + 1);
        }
        target.lastPlace = next;
        return next;
    }

    /** Call only with the lock held. */
    private Target target(String name) {
        Target known = targets.get(name);
        if (known != null) {
            return known;
        }
        Target fresh = new Target(bucket());
        targets.put(name, fresh);
        if (targets.size() > capacity) {
            targets.remove(targets.keySet().iterator().next());
        }
        return fresh;
    }

    private Bucket bucket() {
        long perSecond = (long) budget.perSecond() * ATTEMPT;
        return Bucket.builder()
                .addLimit(limit -> limit.capacity(perSecond * SECONDS).refillGreedy(perSecond, Duration.ofSeconds(1)))
                .withCustomTimePrecision(new TimeMeter() {
                    @Override
                    public long currentTimeNanos() {
                        return clock.nanos();
                    }

                    @Override
                    public boolean isWallClockBased() {
                        return false;
                    }
                })
                .build();
    }

    synchronized int size() {
        return targets.size();
    }
}
