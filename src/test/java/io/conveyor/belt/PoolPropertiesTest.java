package io.conveyor.belt;

import static org.assertj.core.api.Assertions.assertThat;

import io.conveyor.pool.WorkerPoolConfig;
import org.junit.jupiter.api.Test;
import org.springframework.util.unit.DataSize;

class PoolPropertiesTest {

    @Test
    void whatIsNotGivenFollowsFromTheMachineAndTheCrew() {
        int processors = Runtime.getRuntime().availableProcessors();

        assertThat(new PoolProperties(null, 256, DataSize.ofBytes(1), null).config())
                .isEqualTo(new WorkerPoolConfig(
                        "conveyor", Math.max(4, 2 * processors), 256, 1, Math.max(4, 2 * processors)));
        assertThat(new PoolProperties(7, 256, DataSize.ofBytes(1), null)
                        .config()
                        .callerRuns())
                .isEqualTo(7);
    }

    @Test
    void theQueueNeverTakesMoreThanAnEighthOfTheHeap() {
        assertThat(new PoolProperties(1, 1, DataSize.ofTerabytes(1), 0).config().queueBytes())
                .isEqualTo(Runtime.getRuntime().maxMemory() / 8);
    }
}
