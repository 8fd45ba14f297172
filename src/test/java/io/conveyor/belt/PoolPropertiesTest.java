package io.conveyor.belt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.conveyor.pool.WorkerPoolConfig;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
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

    @ParameterizedTest
    @CsvSource({
        "0,1,1,0,conveyor.pool.workers is 0",
        "1,0,1,0,conveyor.pool.queue-capacity is 0",
        "1,1,0,0,conveyor.pool.queue-bytes is 0B",
        "1,1,1,-1,conveyor.pool.caller-runs is -1"
    })
    void whatCannotBeIsRefusedByTheNameOfItsKey(int workers, int capacity, long bytes, int callers, String said) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new PoolProperties(workers, capacity, DataSize.ofBytes(bytes), callers))
                .withMessageStartingWith(said + "; set it to ");
    }
}
