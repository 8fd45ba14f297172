package io.conveyor.web;

import io.conveyor.ShortLives;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.util.unit.DataSize;

@Timeout(300)
class SlowClientsLifeTest {

    @Test
    void itsThreadEndsWithItWhateverIsServed() throws Exception {
        ShortLives.live(
                300,
                () -> {
                    SlowClients clients = new SlowClients(new ClientProperties(DataSize.ofKilobytes(1)));
                    return new ShortLives.Service() {
                        @Override
                        public void start() {
                            clients.start(8);
                        }

                        @Override
                        public void use(SplittableRandom random) {
                            clients.start(random.nextInt(1, 8)); // another connector begins as well
                            clients.senderGivesWay();
                        }

                        @Override
                        public void stop() {
                            clients.destroy();
                        }
                    };
                },
                "conveyor-slow-clients");
    }
}
