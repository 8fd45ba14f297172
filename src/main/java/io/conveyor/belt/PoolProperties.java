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

    public PoolProperties {
        // Here and not only in the pool: what fails while it is bound is told to the operator in two sentences.
        require(workers == null || workers >= 1, "workers", workers, "1 or more, or leave it out for 2 per processor");
        require(queueCapacity >= 1, "queue-capacity", queueCapacity, "1 or more");
        require(queueBytes.toBytes() >= 1, "queue-bytes", queueBytes, "more than nothing, such as 64MB");
        require(callerRuns == null || callerRuns >= 0, "caller-runs", callerRuns, "0 (callers wait) or more");
    }

    private static void require(boolean holds, String key, @Nullable Object value, String mend) {
        if (!holds) {
            throw new IllegalArgumentException("conveyor.pool." + key + " is " + value + "; set it to " + mend);
        }
    }

    /** The pool that these settings ask for, with what was left open filled in. */
    WorkerPoolConfig config() {
        WorkerPoolConfig defaults = WorkerPoolConfig.defaults("conveyor");
        int crew = workers == null ? defaults.workers() : workers;
        long bytes = Math.min(queueBytes.toBytes(), Runtime.getRuntime().maxMemory() / HEAP_SHARE);
        return new WorkerPoolConfig("conveyor", crew, queueCapacity, bytes, callerRuns == null ? crew : callerRuns);
    }
}
