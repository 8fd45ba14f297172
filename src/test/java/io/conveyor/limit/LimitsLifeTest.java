package io.conveyor.limit;

import io.conveyor.ShortLives;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(300)
class LimitsLifeTest {

    @Test
    void itsThreadEndsWithItHoweverManyWait() throws Exception {
        ShortLives.live(
                300,
                () -> {
                    Limits limits = Limits.of(Map.of(
                            "slow", new LimitProperties.Rule(List.of("k"), List.of(), 2, 1000, Duration.ofSeconds(1))));
                    return new ShortLives.Service() {
                        @Override
                        public void start() {
                            // it is there when it has been made
                        }

                        /** What comes after the stop asks in vain, and hears of no error. */
                        @Override
                        public void use(SplittableRandom random) {
                            for (int job = 0; job < 50; job++) {
                                Permit permit = Permit.take(limits.of("k", null), () -> {});
                                if (permit != null) {
                                    permit.start();
                                    permit.release();
                                }
                            }
                        }

                        @Override
                        public void stop() {
                            limits.close();
                        }
                    };
                },
                "conveyor-limits");
    }
}
