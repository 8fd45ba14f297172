package io.conveyor.web.stream;

import static org.assertj.core.api.Assertions.assertThat;

import io.conveyor.ShortLives;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(300)
class StreamPumpLifeTest {

    /** As a context that is paused and goes on, the one pump has all the lives. */
    @Test
    void aPumpThatIsStoppedAndStartedAgainRunsStepsAndLeavesNoThread() throws Exception {
        StreamPump pump = new StreamPump(new StreamProperties(8));
        AtomicInteger lives = new AtomicInteger();
        ShortLives.live(
                300,
                () -> new ShortLives.Service() {
                    @Override
                    public void start() throws Exception {
                        pump.start();
                        CountDownLatch ran = new CountDownLatch(1);
                        pump.run(ran::countDown);
                        assertThat(ran.await(60, TimeUnit.SECONDS)).isTrue();
                        lives.incrementAndGet();
                    }

                    @Override
                    public void use(SplittableRandom random) {
                        for (int step = 0; step < 100 && pump.isRunning(); step++) {
                            pump.run(Thread::onSpinWait);
                            @Nullable ScheduledFuture<?> later = pump.later(Thread::onSpinWait, 1_000_000_000);
                            assertThat(later == null || !later.isDone()).isTrue();
                        }
                    }

                    @Override
                    public void stop() {
                        pump.stop();
                    }
                },
                "conveyor-stream-");
        assertThat(lives.get()).isPositive();
    }
}
