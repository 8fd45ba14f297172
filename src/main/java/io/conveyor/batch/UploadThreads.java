package io.conveyor.batch;

import io.conveyor.web.ApiException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.springframework.beans.factory.DisposableBean;
import org.springframework.stereotype.Component;

/**
 * The threads that read submissions whose answer is streamed meanwhile: as many as there are such submissions, and never
 * more than submissions may arrive at once. Thread-safe.
 */
@Component
final class UploadThreads implements DisposableBean {

    private static final long IDLE_SECONDS = 10;

    private static final long RETRY_SECONDS = 1;

    private final int most;
    private final ThreadPoolExecutor threads;

    UploadThreads(IntakeProperties limits) {
        most = limits.maxSubmissions();
        AtomicInteger number = new AtomicInteger();
        threads = new ThreadPoolExecutor(0, most, IDLE_SECONDS, TimeUnit.SECONDS, new SynchronousQueue<>(), task -> {
            Thread thread = new Thread(task, "conveyor-upload-" + number.incrementAndGet());
            thread.setDaemon(true);
            return thread;
        });
    }

    /** Runs an upload; one too many, or one during the stop, is refused. */
    void run(Runnable upload) {
        try {
            threads.execute(upload);
        } catch (RejectedExecutionException e) {
            throw ApiException.overloaded(
                    "All " + most + " submissions that may arrive at once are arriving.", RETRY_SECONDS);
        }
    }

    @Override
    public void destroy() {
        threads.shutdown();
    }
}
