package io.conveyor.job;

/**
 * When, where and how often a job ran.
 *
 * @param attempts attempts so far, this one included; 0 if none was made, and then only its end means anything
 * @param waitMillis from the acceptance of its batch to the start, 0 or more
 * @param durationNanos time in the handler, 0 or more
 * @param startedAt start of this attempt, milliseconds since the epoch
 * @param endedAt its end, milliseconds since the epoch
 * @param worker name of the thread
 */
public record Run(int attempts, long waitMillis, long durationNanos, long startedAt, long endedAt, String worker) {}
