package io.conveyor.job;

import org.jspecify.annotations.Nullable;

/**
 * What holds for the jobs of a batch, as far as its client said anything. Immutable.
 *
 * @param timeoutMillis limit for one attempt of jobs without their own, or 0
 * @param maxAttempts attempts at the most for jobs that say nothing themselves, 1 to {@value #MAX_ATTEMPTS}, or 0
 * @param maxConcurrency how many of its jobs may run at once, 1 to {@value #MAX_CONCURRENCY}, or 0 for as many as there is
 *     room for
 * @param deadlineMillis how long after its acceptance its jobs may still start, 1 to {@value #MAX_DEADLINE_MILLIS}, or 0 for
 *     ever
 * @param saidOnError what failed jobs mean for the others, or null
 */
public record BatchRules(
        long timeoutMillis,
        int maxAttempts,
        int maxConcurrency,
        long deadlineMillis,
        @Nullable OnError saidOnError) {

    /** A round figure: with the longest backoff they take longer than any batch should. */
    public static final int MAX_ATTEMPTS = 100;

    /** More than any machine runs at once. */
    public static final int MAX_CONCURRENCY = 1_000_000;

    /** A year of 365 days. */
    public static final long MAX_DEADLINE_MILLIS = 31_536_000_000L;

    /** Nothing is said. */
    public static final BatchRules NONE = ofTimeout(0);

    public BatchRules {
        if (timeoutMillis < 0
                || maxAttempts < 0
                || maxAttempts > MAX_ATTEMPTS
                || maxConcurrency < 0
                || maxConcurrency > MAX_CONCURRENCY
                || deadlineMillis < 0
                || deadlineMillis > MAX_DEADLINE_MILLIS) {
            throw new IllegalArgumentException("A rule of a batch is out of its range");
        }
    }

    /** Only a limit for attempts, or 0, is said. */
    public static BatchRules ofTimeout(long timeoutMillis) {
        return new BatchRules(timeoutMillis, 0, 0, 0, null);
    }

    /** What failed jobs mean for the others. */
    public OnError onError() {
        return saidOnError == null ? OnError.CONTINUE : saidOnError;
    }

    /** These rules, and where nothing is said those. */
    public BatchRules or(BatchRules others) {
        return new BatchRules(
                timeoutMillis > 0 ? timeoutMillis : others.timeoutMillis,
                maxAttempts > 0 ? maxAttempts : others.maxAttempts,
                maxConcurrency > 0 ? maxConcurrency : others.maxConcurrency,
                deadlineMillis > 0 ? deadlineMillis : others.deadlineMillis,
                saidOnError != null ? saidOnError : others.saidOnError);
    }
}
