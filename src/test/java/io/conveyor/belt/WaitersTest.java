package io.conveyor.belt;

import static org.assertj.core.api.Assertions.assertThat;

import io.conveyor.job.JobState;
import io.conveyor.job.Run;
import io.conveyor.store.BatchRef;
import io.conveyor.store.OutcomeEntry;
import io.conveyor.store.SegmentRef;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
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
        recorded(1, 4, 6);
        recorded(2, 5);
        assertThat(calls).hasValue(0);
        recorded(1, 4, 5, 6);
        assertThat(calls).hasValue(1);
    }

    @Test
    void whoeverIsLeftOfThoseWhoWaitForJobsOfOneBatchIsCalled() {
        Belt.Registration first = waiters.onOutcome(1, 5, calls::incrementAndGet);
        waiters.onOutcome(1, 6, calls::incrementAndGet);
        waiters.onOutcome(1, 7, calls::incrementAndGet);
        first.close();
        first.close();
        recorded(1, 5, 6);
        assertThat(calls).hasValue(1);
        recorded(1, 7);
        assertThat(calls).hasValue(2);
    }

    private void recorded(long batchNo, int... indexes) {
        SegmentRef segment = SegmentRef.fresh(new BatchRef("default", batchNo, "b"), 0);
        waiters.recorded(
                batchNo,
                IntStream.of(indexes).mapToObj(index -> outcome(segment, index)).toList());
    }

    private static OutcomeEntry outcome(SegmentRef segment, int index) {
        return new OutcomeEntry(
                segment, index, "echo", null, JobState.SUCCEEDED, new byte[0], new Run(1, 0, 0, 0, 0, "w"));
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

    @Test
    void whoWaitsForProgressIsCalledByAnyOutcomeOrByTheEnd() {
        waiters.onProgress(1, calls::incrementAndGet);
        recorded(2, 5);
        assertThat(calls).hasValue(0);
        recorded(1, 5);
        assertThat(calls).hasValue(1);
        waiters.onProgress(1, calls::incrementAndGet);
        waiters.ended(1);
        assertThat(calls).hasValue(2);
    }

    @Test
    void theReleaseCallsEverybodyWhoWaits() {
        waiters.onEnd(1, calls::incrementAndGet);
        waiters.onOutcome(2, 5, calls::incrementAndGet);
        waiters.onProgress(3, calls::incrementAndGet);
        assertThat(waiters.released()).isFalse();
        waiters.releaseAll();
        assertThat(waiters.released()).isTrue();
        assertThat(calls).hasValue(3);
    }
}
