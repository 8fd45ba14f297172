package io.conveyor.pool;

/**
 * Is told when tasks start and end. Each method but {@link #stuck} is called by the thread that runs the task, with no lock
 * held and outside of any {@link Guard}; its time delays that thread. What it throws is treated like an exception of the task. Must be
 * thread-safe.
 */
public interface PoolListener {

    /** The listener that does nothing. */
    PoolListener NONE = new PoolListener() {};

    /**
     * The task is about to run.
     *
     * @param waitedNanos time since it was offered
     * @param inCaller whether the thread that offered it runs it
     */
    default void started(PoolTask task, long waitedNanos, boolean inCaller) {}

    /** The task has ended, by itself or with an exception, after {@code busyNanos}. */
    default void finished(PoolTask task, long busyNanos) {}

    /**
     * The task has ignored its interrupt for {@value Guard#STUCK_SECONDS} seconds: it holds its place for as long as it likes.
     * Told once for each guard, by the pool's watchdog, which must not be held up.
     *
     * @param place the name of its place in the pool
     * @param thread the one that runs it
     */
    default void stuck(PoolTask task, String place, Thread thread) {}

    /**
     * The task threw, although a task must not. The default hands it to the uncaught exception handler of the running
     * thread, which does not die of it.
     */
    default void uncaught(PoolTask task, Throwable thrown) {
        Thread thread = Thread.currentThread();
        thread.getUncaughtExceptionHandler().uncaughtException(thread, thrown);
    }
}
