package io.conveyor.pool;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class WorkingLengthTest {

    private static final int WORKERS = 4;
    private static final int CAPACITY = 256;
    private static final long SHORT = WorkingLength.TARGET_NANOS / 2 - 1;
    private static final long LONG = WorkingLength.TARGET_NANOS + 1;

    private final WorkingLength length = new WorkingLength(WORKERS, CAPACITY, 0);
    private long now;

    private int at() {
        return length.at(now);
    }

    private void take(int tasks, long dwell) {
        for (int n = 0; n < tasks; n++) {
            length.taken(dwell, at(), now);
        }
    }

    @Test
    void beginsWithOneTaskAWorkerAndDoublesWithEachQueueWorkedOff() {
        assertThat(at()).isEqualTo(WORKERS);
        take(WORKERS, SHORT);
        assertThat(at()).isEqualTo(2 * WORKERS);
        take(2 * WORKERS, SHORT);
        assertThat(at()).isEqualTo(4 * WORKERS);
    }

    @Test
    void endsAtTheCapacityAndAtOneTaskAWorker() {
        take(2 * CAPACITY, SHORT);
        assertThat(at()).isEqualTo(CAPACITY);
        take(1, LONG);
        assertThat(at()).isEqualTo(CAPACITY - 1);
        take(2 * CAPACITY, LONG);
        assertThat(at()).isEqualTo(WORKERS);
    }

    @Test
    void staysWhereTheWaitIsNearTheTarget() {
        take(20, SHORT);
        take(100, WorkingLength.TARGET_NANOS / 2);
        take(100, WorkingLength.TARGET_NANOS);
        assertThat(at()).isEqualTo(WORKERS + 20);
    }

    @Test
    void doesNotGrowWhileItIsNotUsedUp() {
        for (int n = 0; n < 100; n++) {
            length.taken(0, WORKERS - 1, now);
        }
        assertThat(at()).isEqualTo(WORKERS);
    }

    @Test
    void isForgottenWhenItIsNotUsedForASecond() {
        take(100, SHORT);
        now = WorkingLength.FORGET_NANOS;
        assertThat(at()).isEqualTo(WORKERS + 100);
        now++;
        assertThat(at()).isEqualTo(WORKERS);
        take(1, SHORT);
        assertThat(at()).isEqualTo(WORKERS + 1);
    }

    @Test
    void isKeptWhileItIsUsed() {
        take(100, SHORT);
        for (int n = 0; n < 10; n++) {
            now += WorkingLength.FORGET_NANOS / 2;
            take(1, WorkingLength.TARGET_NANOS);
        }
        assertThat(at()).isEqualTo(WORKERS + 100);
    }

    @Test
    void neverExceedsAQueueThatIsSmallerThanTheCrew() {
        WorkingLength small = new WorkingLength(16, 3, 0);
        assertThat(small.at(0)).isEqualTo(3);
        small.taken(LONG, 3, 0);
        assertThat(small.at(0)).isEqualTo(3);
    }

    /** A crew in small: the queue is kept as long as may be, and the wait follows from how long the tasks are. */
    @Test
    void findsTheLengthThatTheCrewWorksOffInTheTarget() {
        long[] offered = new long[CAPACITY];
        int head = 0;
        int tail = 0;
        long everyNanos = WorkingLength.TARGET_NANOS / 50;
        for (int step = 0; step < 5000; step++) {
            while (tail - head < at()) {
                offered[tail++ % CAPACITY] = now;
            }
            now += everyNanos;
            length.taken(now - offered[head % CAPACITY], tail - head, now);
            head++;
        }
        assertThat(at()).isBetween(24, 51);
    }
}
