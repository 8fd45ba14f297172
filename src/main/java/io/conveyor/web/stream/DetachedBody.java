package io.conveyor.web.stream;

import jakarta.servlet.AsyncContext;
import jakarta.servlet.AsyncEvent;
import jakarta.servlet.AsyncListener;
import jakarta.servlet.ReadListener;
import jakarta.servlet.ServletInputStream;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.io.InputStream;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The body of a request that goes on to arrive while its answer is streamed: read by one thread that is not the
 * request's. At first it reads as any body does, while the request's thread waits; {@link #detach} lets that thread go, and
 * from then on no read waits inside the container. One thread reads; the rest is thread-safe.
 *
 * <p><b>Threads and state.</b> The container takes the request back as soon as it is over, on its own threads, and may
 * then serve another with the same objects. So after {@code detach} each touch of the container's stream, none of which
 * blocks, is made under {@link #io}, and the end of the request waits for that lock: a reader never touches a request
 * that is over. The container's threads only note that bytes have come, or that the request is over, and wake the reader.
 * Order of locks: the container's, then {@code io}.
 */
public final class DetachedBody extends InputStream {

    private final ServletInputStream in;
    private final Duration maxPause;
    private final ReentrantLock io = new ReentrantLock();
    private final Condition changed = io.newCondition();

    // Mutable state, guarded by io
    private boolean detached;
    private boolean over;

    /** @param maxPause how long a reader waits for the next bytes, once the request's thread has gone */
    public DetachedBody(HttpServletRequest request, Duration maxPause) throws IOException {
        this.in = request.getInputStream();
        this.maxPause = maxPause;
    }

    /**
     * Lets the request's thread go; called by it, after asynchronous processing has begun, while the reader does not read.
     */
    public void detach(AsyncContext context) {
        io.lock();
        try {
            detached = true;
        } finally {
            io.unlock();
        }
        Events events = new Events();
        context.addListener(events);
        in.setReadListener(events);
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    /**
     * @throws SocketTimeoutException if nothing has come for too long
     * @throws IOException if the request is over, or its body is broken
     */
    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
        if (!isDetached()) {
            return in.read(target, offset, length);
        }
        long left = maxPause.toNanos();
        io.lock();
        try {
            while (true) {
                if (over) {
                    throw new IOException("The client has gone before its body was complete");
                }
                if (in.isFinished()) {
                    return -1;
                }
                int n = in.isReady() ? in.read(target, offset, length) : 0;
                if (n != 0) {
                    return n;
                }
                if (left <= 0) {
                    throw new SocketTimeoutException("Nothing of the body has come for " + maxPause.toSeconds() + " s");
                }
                left = changed.awaitNanos(left);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("Interrupted while the body arrived", e);
        } finally {
            io.unlock();
        }
    }

    private boolean isDetached() {
        io.lock();
        try {
            return detached;
        } finally {
            io.unlock();
        }
    }

    @Override
    public int available() throws IOException {
        if (!isDetached()) {
            return in.available();
        }
        io.lock();
        try {
            return over || in.isFinished() || !in.isReady() ? 0 : Math.max(1, in.available());
        } finally {
            io.unlock();
        }
    }

    /** What the container tells. */
    private final class Events implements ReadListener, AsyncListener {

        @Override
        public void onDataAvailable() {
            note(false);
        }

        @Override
        public void onAllDataRead() {
            note(false);
        }

        @Override
        public void onError(Throwable failure) {
            note(true);
        }

        @Override
        public void onComplete(AsyncEvent event) {
            note(true);
        }

        @Override
        public void onError(AsyncEvent event) {
            note(true);
        }

        @Override
        public void onTimeout(AsyncEvent event) {
            note(true);
        }

        @Override
        public void onStartAsync(AsyncEvent event) {}

        private void note(boolean gone) {
            io.lock();
            try {
                over |= gone;
                changed.signalAll();
            } finally {
                io.unlock();
            }
        }
    }
}
