package io.conveyor.handler.plugin;

import io.conveyor.handler.JobContext;
import io.conveyor.handler.JobHandler;
import io.conveyor.handler.JobOutput;
import io.conveyor.job.JobKind;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;

/**
 * A handler of a plug-in, called as if its classes were the application's: libraries that look for their parts through
 * the thread find those of the plug-in. Safe for all threads, as the handler is.
 */
final class PluginHandler implements JobHandler, AutoCloseable {

    private final JobHandler handler;
    private final JobKind kind;
    private final ClassLoader classes;

    PluginHandler(JobHandler handler, JobKind kind, ClassLoader classes) {
        this.handler = handler;
        this.kind = kind;
        this.classes = classes;
    }

    @Override
    public JobKind kind() {
        return kind;
    }

    @Override
    public JobOutput handle(JobContext job) throws Exception {
        return asItsOwn(() -> handler.handle(job));
    }

    @Override
    public @Nullable String target(JobContext job) throws Exception {
        return asItsOwn(() -> handler.target(job));
    }

    private <T extends @Nullable Object> T asItsOwn(Callable<T> call) throws Exception {
        Thread thread = Thread.currentThread();
        ClassLoader before = thread.getContextClassLoader();
        thread.setContextClassLoader(classes);
        try {
            return call.call();
        } finally {
            thread.setContextClassLoader(before);
        }
    }

    /** Closes the handler if it wants to be closed. */
    @Override
    public void close() throws Exception {
        if (handler instanceof AutoCloseable closeable) {
            closeable.close();
        }
    }
}
