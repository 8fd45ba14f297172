package io.conveyor.pool;

/**
 * How long the queue may get by tasks that are not early: as long as the crew works off in about the target of 10 ms, one
 * task a worker at the least. So behind long tasks the queue is short and a newcomer stands behind few of them, and with
 * tiny ones all of it is used and no worker looks for work in vain.
 *
 * <p>Found by trying, as a network finds its window: a task that waited in the queue for less than half the target while
 * the length was used up makes it one longer, so that it doubles with each queue that is worked off; one that waited for
 * more than the target makes it one shorter. A length that was not used for a second is forgotten, since the tasks that
 * come next may be of another sort.
 *
 * <p>Thread-safe without a lock: threads may overwrite each other's step, which the next task makes good.
 */
final class WorkingLength {

    /** What the wait of a task in the queue should come to, in nanoseconds. A round figure that people do not notice. */
    static final long TARGET_NANOS = 10_000_000;

    /** How long a length is kept that is not used up, in nanoseconds. A round figure. */
    static final long FORGET_NANOS = 1_000_000_000;

    private final int least;
    private final int most;

    // Mutable state, written by the workers and read by anyone

    private volatile int length;

    /** When the length was last used up, to about a hundredth of the time that it is kept. */
    private volatile long usedAt;

    WorkingLength(int workers, int capacity, long now) {
        most = capacity;
        least = Math.min(workers, capacity);
        length = least;
        usedAt = now;
    }

    /** How many tasks may wait. */
    int at(long now) {
        return now - usedAt > FORGET_NANOS ? least : length;
    }

    /**
     * A worker has taken a task.
     *
     * @param dwellNanos how long that was in the queue
     * @param depth how many were in the queue, itself included
     */
    void taken(long dwellNanos, int depth, long now) {
        int current = at(now);
        boolean used = depth >= current;
        int next = current;
        if (dwellNanos > TARGET_NANOS) {
            next = Math.max(least, current - 1);
        } else if (used && dwellNanos < TARGET_NANOS / 2) {
            next = Math.min(most, current + 1);
        }
        if (next != length) {
            length = next;
        }
        if (used && now - usedAt > FORGET_NANOS / 100) {
            usedAt = now;
        }
    }
}
