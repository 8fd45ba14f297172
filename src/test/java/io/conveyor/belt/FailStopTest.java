package io.conveyor.belt;

import static org.assertj.core.api.Assertions.assertThat;

import io.conveyor.store.StoreException;
import io.conveyor.store.StoreFailures;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class FailStopTest {

    private final BlockingQueue<Integer> exits = new LinkedBlockingQueue<>();

    @Test
    void afterAFailureOfTheDiskTheProcessEndsOnceInGoodOrder() throws Exception {
        CountDownLatch ended = new CountDownLatch(1);
        FailStop stop = new FailStop(
                code -> {
                    exits.add(code);
                    ended.countDown();
                },
                code -> exits.add(-code));
        stop.broken(StoreFailures.failure(StoreException.Reason.UNAVAILABLE));
        stop.broken(StoreFailures.failure(StoreException.Reason.UNAVAILABLE));
        assertThat(ended.await(60, TimeUnit.SECONDS)).isTrue();
        assertThat(exits).containsExactly(FailStop.DISK);
    }

    @Test
    void whoReportsTheFailureIsNotHeldUpByTheEnd() throws Exception {
        CountDownLatch reported = new CountDownLatch(1);
        CountDownLatch ended = new CountDownLatch(1);
        FailStop stop = new FailStop(
                code -> {
                    try {
                        assertThat(reported.await(60, TimeUnit.SECONDS)).isTrue();
                        exits.add(code);
                        ended.countDown();
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                },
                code -> exits.add(-code));
        stop.broken(StoreFailures.failure(StoreException.Reason.UNAVAILABLE));
        reported.countDown();
        assertThat(ended.await(60, TimeUnit.SECONDS)).isTrue();
    }

    /** Nothing else may come to its end first: what runs now is what the next start suspects. */
    @Test
    void afterAnErrorOfTheJvmTheProcessEndsAtOnce() {
        FailStop stop = new FailStop(code -> exits.add(-code), exits::add);
        stop.fatal(new OutOfMemoryError("for a test"));
        assertThat(exits).containsExactly(FailStop.SOFTWARE);
    }
}
