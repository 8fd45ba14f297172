package io.conveyor.handler.http;

import java.time.Duration;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.apache.hc.client5.http.classic.methods.HttpUriRequestBase;
import org.jspecify.annotations.Nullable;

/**
 * Breaks off HTTP calls whose time is up or whose thread has been interrupted: blocking socket reads notice neither,
 * and a server that trickles one byte a second never meets a read timeout.
 *
 * <h2>Threads and state</h2>
 * One daemon thread for all calls; it looks at each call that is under way ten times a second and sleeps when there is
 * none. A call belongs to the thread that started it; the timer reads that thread's interrupt flag, never clears it, and
 * closes the call's connection, upon which the blocked read fails.
 */
final class CallTimer implements AutoCloseable {

    /** Milliseconds between two looks: how late an interrupt may take effect. */
    private static final long LOOK = 100;

    private final ScheduledThreadPoolExecutor timer = new ScheduledThreadPoolExecutor(1, task -> {
        Thread thread = new Thread(task, "http-timer");
        thread.setDaemon(true);
        return thread;
    });

    CallTimer() {
        timer.setRemoveOnCancelPolicy(true);
    }

    /** Starts to watch over what the calling thread does, until the watch is closed. */
    Watch watch(Duration limit) {
        Watch watch = new Watch(limit);
        watch.look = timer.scheduleWithFixedDelay(
                watch::look, Math.min(LOOK, limit.toMillis()), LOOK, TimeUnit.MILLISECONDS);
        return watch;
    }

    @Override
    public void close() {
        timer.shutdownNow();
    }

    /** One call with its redirects, under watch. Methods other than {@code look} are for the calling thread alone. */
    static final class Watch implements AutoCloseable {

        private final Thread caller = Thread.currentThread();
        private final long deadline;

        // Mutable state
        private @Nullable ScheduledFuture<?> look; // calling thread only
        private volatile @Nullable HttpUriRequestBase request; // written by the caller, read by the timer
        private volatile boolean over; // written by the timer and the caller, never set back
        private volatile boolean interrupted; // written by the timer, read by the caller

        private Watch(Duration limit) {
            deadline = System.nanoTime() + limit.toNanos();
        }

        /** Takes the next request under watch. */
        void on(HttpUriRequestBase next) {
            request = next;
            if (over) {
                next.abort();
            }
        }

        /** Breaks off the request, so that nothing more is read from its connection, not even to reuse it. */
        void abort() {
            over = true;
            HttpUriRequestBase current = request;
            if (current != null) {
                current.abort();
            }
        }

        /** Whether the calling thread has been interrupted; clears its flag. */
        boolean interrupted() {
            return Thread.interrupted() || interrupted;
        }

        boolean timedOut() {
            return System.nanoTime() - deadline >= 0;
        }

        private void look() {
            if (caller.isInterrupted()) {
                interrupted = true;
            }
            if (interrupted || timedOut()) {
                abort();
            }
        }

        @Override
        public void close() {
            ScheduledFuture<?> running = look;
            if (running != null) {
                running.cancel(false);
            }
        }
    }
}
