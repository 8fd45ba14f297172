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
     * Whether it is among the first few tasks of whatever it belongs to. Early tasks have the whole queue, and pass those
     * that wait for room and are not; the others have the part of it that the crew works off at once. So whoever comes
     * with little need not wait for those who came before with much. Asked once, when it is offered; false if not said
     * otherwise.
     */
    default boolean early() {
        return false;
    }
}
