package io.conveyor.handler.http;

import io.conveyor.ShortLives;
import java.time.Duration;
import java.util.SplittableRandom;
import java.util.concurrent.RejectedExecutionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(300)
class CallTimerLifeTest {

    @Test
    void itsThreadEndsWithItWhateverCallsAreUnderWay() throws Exception {
        ShortLives.live(
                300,
                () -> {
                    CallTimer timer = new CallTimer();
                    return new ShortLives.Service() {
                        @Override
                        public void start() {
                            // it is there when it has been made
                        }

                        @Override
                        public void use(SplittableRandom random) {
                            try {
                                for (int call = 0; call < 20; call++) {
                                    timer.watch(Duration.ofMillis(random.nextInt(1, 10)))
                                            .close();
                                    CallTimer.Watch left = timer.watch(Duration.ofMinutes(1)); // its call goes on
                                    left.abort();
                                }
                            } catch (RejectedExecutionException e) {
                                // it has been closed
                            }
                        }

                        @Override
                        public void stop() {
                            timer.close();
                        }
                    };
                },
                "http-timer");
    }
}
