package io.conveyor.belt;

import io.conveyor.pool.WorkerPoolConfig;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;

/**
 * The crew and the queue in front of it.
 *
 * @param workers size of the crew, 1 or more; 2 per processor and at least 4 when not given
 * @param queueCapacity jobs that wait in memory for a worker, 1 or more
 * @param queueBytes bytes of inputs that wait in memory; at most an eighth of the heap is used
 * @param callerRuns how many callers may run jobs themselves at once, 0 or more; as many as workers when not given
 */
@ConfigurationProperties("conveyor.pool")
public record PoolProperties(
        @Nullable Integer workers,
        @DefaultValue("256") int queueCapacity,
        @DefaultValue("64MB") DataSize queueBytes,
        @Nullable Integer callerRuns) {

    private static final int HEAP_SHARE = 8;

    /** The pool that these settings ask for, with what was left open filled in. */
    WorkerPoolConfig config() {
        WorkerPoolConfig defaults = WorkerPoolConfig.defaults("conveyor");
        int crew = workers == null ? defaults.workers() : workers;
        long bytes = Math.min(queueBytes.toBytes(), Runtime.getRuntime().maxMemory() / HEAP_SHARE);
        return new WorkerPoolConfig("conveyor", crew, queueCapacity, bytes, callerRuns == null ? crew : callerRuns);
    }
}
