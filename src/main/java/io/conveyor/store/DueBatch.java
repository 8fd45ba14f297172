package io.conveyor.store;

/**
 * A batch with jobs that wait for another attempt.
 *
 * @param batchNo its number
 * @param dueAt when the first of them may start, milliseconds since the epoch
 */
public record DueBatch(long batchNo, long dueAt) {}
