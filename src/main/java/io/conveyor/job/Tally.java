package io.conveyor.job;

/**
 * How many jobs of a batch have each outcome, and how many there are in all. What is not in an outcome is still open.
 *
 * @param total jobs of the batch, 0 or more
 * @param succeeded jobs that succeeded
 * @param failed jobs that failed
 * @param cancelled jobs that were cancelled
 * @param expired jobs that did not start in time
 */
public record Tally(int total, int succeeded, int failed, int cancelled, int expired) {

    public Tally {
        if (succeeded < 0 || failed < 0 || cancelled < 0 || expired < 0) {
            throw new IllegalArgumentException("A tally counts from 0 up");
        }
        if ((long) succeeded + failed + cancelled + expired > total) {
            throw new IllegalArgumentException("More outcomes than jobs: a job has been recorded twice");
        }
    }

    /** Jobs with a recorded outcome; also the highest {@code seq} given so far. */
    public int recorded() {
        return succeeded + failed + cancelled + expired;
    }

    /** Jobs without an outcome: pending or running. */
    public int open() {
        return total - recorded();
    }

    /**
     * What the batch amounts to once every job has its outcome: cancelled, or else expired, if any of them is.
     *
     * @throws IllegalStateException while jobs are open
     */
    public BatchOutcome outcome() {
        if (open() > 0) {
            throw new IllegalStateException(open() + " jobs have no outcome yet");
        }
        if (cancelled > 0) {
            return BatchOutcome.CANCELLED;
        }
        if (expired > 0) {
            return BatchOutcome.EXPIRED;
        }
        if (succeeded == total) {
            return BatchOutcome.SUCCEEDED;
        }
        return succeeded > 0 ? BatchOutcome.PARTIAL : BatchOutcome.FAILED;
    }
}
