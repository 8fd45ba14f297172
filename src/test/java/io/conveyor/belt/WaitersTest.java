package io.conveyor.belt;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class WaitersTest {

    private final Waiters waiters = new Waiters();
    private final AtomicInteger calls = new AtomicInteger();

    @Test
    void whoWaitsIsCalledOnceHoweverOftenTheEventComes() {
        waiters.onEnd(1, calls::incrementAndGet);
        waiters.ended(1);
        waiters.ended(1);
        waiters.releaseAll();
        assertThat(calls).hasValue(1);
    }

    @Test
    void otherBatchesAndOtherJobsCallNobody() {
        waiters.onEnd(1, calls::incrementAndGet);
        waiters.onOutcome(1, 5, calls::incrementAndGet);
        waiters.ended(2);
        waiters.recorded(1, 6);
        waiters.recorded(2, 5);
        assertThat(calls).hasValue(0);
        waiters.recorded(1, 5);
        assertThat(calls).hasValue(1);
    }

    @Test
    void whoHasGoneAwayIsNotCalled() {
        waiters.onEnd(1, calls::incrementAndGet).close();
        waiters.ended(1);
        assertThat(calls).hasValue(0);
    }

    @Test
    void aCallbackThatFailsDoesNotKeepTheOthersWaiting() {
        for (int i = 0; i < 5; i++) {
            waiters.onEnd(1, () -> {
                calls.incrementAndGet();
                throw new IllegalStateException("one of those who wait is broken");
            });
        }
        waiters.ended(1);
        assertThat(calls).hasValue(5);
    }

    @Test
    void whoComesAfterTheReleaseIsCalledAtOnce() {
        waiters.releaseAll();
        waiters.onEnd(9, calls::incrementAndGet);
        assertThat(calls).hasValue(1);
    }
}
