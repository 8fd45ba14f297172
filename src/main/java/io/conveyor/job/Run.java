package io.conveyor.job;

/**
 * How often a job ran, and when and where it did so last.
 *
 * @param attempts attempts so far, this one included; 0 if none was made, and then only its end means anything. An attempt
 *     that a crash or the stop of the service cut short does not count
 * @param waitMillis from the acceptance of its batch to the start of the last attempt, 0 or more: what came before that,
 *     earlier attempts and the pauses between them included
 * @param durationNanos time of the last attempt in the handler, 0 or more
 * @param startedAt start of the last attempt, milliseconds since the epoch
 * @param endedAt its end, milliseconds since the epoch; later, if the job ended while it waited for another one
 * @param worker name of the thread that made the last attempt; empty if the job did not end with that attempt
 */
public record Run(int attempts, long waitMillis, long durationNanos, long startedAt, long endedAt, String worker) {

    /** Whether it tells of an attempt that has just ended; else the job ended while nobody ran it. */
    public boolean endsAttempt() {
        return attempts > 0 && !worker.isEmpty();
    }
}
