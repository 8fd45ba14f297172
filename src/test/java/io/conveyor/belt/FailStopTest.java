package io.conveyor.belt;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class FailStopTest {

    private final BlockingQueue<Integer> exits = new LinkedBlockingQueue<>();

    @Test
    void theProcessEndsOnceHoweverManyThingsBreak() throws Exception {
        CountDownLatch ended = new CountDownLatch(1);
        FailStop stop = new FailStop(code -> {
            exits.add(code);
            ended.countDown();
        });
        stop.fatal(new OutOfMemoryError("for a test"));
        stop.fatal(new OutOfMemoryError("for a test"));
        assertThat(ended.await(60, TimeUnit.SECONDS)).isTrue();
        assertThat(exits).containsExactly(FailStop.SOFTWARE);
    }

    @Test
    void whoReportsTheFailureIsNotHeldUpByTheEnd() throws Exception {
        CountDownLatch reported = new CountDownLatch(1);
        CountDownLatch ended = new CountDownLatch(1);
        FailStop stop = new FailStop(code -> {
            try {
                assertThat(reported.await(60, TimeUnit.SECONDS)).isTrue();
                exits.add(code);
                ended.countDown();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        stop.fatal(new OutOfMemoryError("for a test"));
        reported.countDown();
        assertThat(ended.await(60, TimeUnit.SECONDS)).isTrue();
    }
}
