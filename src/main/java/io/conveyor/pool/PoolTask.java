package io.conveyor.pool;

/**
 * One piece of work for a {@link WorkerPool}. {@code run} is called once at most, by a worker or by the thread that
 * offered the task.
 *
 * <p>{@code run} must not throw. If it does, the pool counts it and hands it to {@link PoolListener#uncaught}; the worker
 * lives on. A {@link VirtualMachineError} goes on to the thread's uncaught exception handler (from a worker, which is
 * then replaced) or out of {@link WorkerPool#offer} (from a caller).
 */
public interface PoolTask extends Runnable {

    /**
     * The memory that this task holds while it waits, in bytes, 0 or more. Asked once, when it is offered. What is
     * larger than the whole byte bound of the pool counts as the bound: it waits alone.
     */
    long bytes();

    /**
     * How many tasks come together with this one, itself included, as far as is known. A task waits behind tasks of
     * groups of about the same size only, so a small group need not wait for a large one that came first. Asked once,
     * when it is offered; without limit if not said otherwise.
     */
    default long groupSize() {
        return Long.MAX_VALUE;
    }
}
