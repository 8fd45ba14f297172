package io.conveyor.pool;

/**
 * The size of a {@link WorkerPool}. At most {@code workers + callerRuns} tasks run at once, and at most
 * {@code queueCapacity} tasks of together {@code queueBytes} wait in memory. Immutable.
 *
 * @param name what the threads are called after: {@code <name>-worker-1} and so on; not blank
 * @param workers number of threads of the crew, at least 1
 * @param queueCapacity how many tasks wait for a worker, at least 1
 * @param queueBytes how many bytes the waiting tasks hold together ({@link PoolTask#bytes()}), at least 1
 * @param callerRuns how many threads that offer tasks may run one themselves at the same time, 0 for never
 */
public record WorkerPoolConfig(String name, int workers, int queueCapacity, long queueBytes, int callerRuns) {

    private static final int MIN_DEFAULT_WORKERS = 4;
    private static final int DEFAULT_QUEUE_CAPACITY = 256;
    private static final long DEFAULT_QUEUE_BYTES = 64L * 1024 * 1024;

    public WorkerPoolConfig {
        if (name.isBlank()) {
            throw new IllegalArgumentException("The pool has no name: give it one, its threads are called after it");
        }
        require(workers >= 1, "workers", workers, "set it to 1 or more; 2 x processors is a good start");
        require(queueCapacity >= 1, "queueCapacity", queueCapacity, "set it to 1 or more");
        require(queueBytes >= 1, "queueBytes", queueBytes, "set it to 1 or more; it bounds the memory of what waits");
        require(callerRuns >= 0, "callerRuns", callerRuns, "set it to 0 (callers wait) or more");
    }

    /** The defaults: 2 x processors workers (at least 4), 256 tasks, 64 MiB, as many caller-runs permits as workers. */
    public static WorkerPoolConfig defaults(String name) {
        int workers = Math.max(MIN_DEFAULT_WORKERS, 2 * Runtime.getRuntime().availableProcessors());
        return new WorkerPoolConfig(name, workers, DEFAULT_QUEUE_CAPACITY, DEFAULT_QUEUE_BYTES, workers);
    }

    private static void require(boolean holds, String what, long value, String mend) {
        if (!holds) {
            throw new IllegalArgumentException(what + " is " + value + ": " + mend);
        }
    }
}
