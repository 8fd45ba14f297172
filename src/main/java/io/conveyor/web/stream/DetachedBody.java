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
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The body of a request that goes on to arrive while its answer is streamed: read by one thread that is not the
 * request's. At first it reads as any body does, while the request's thread waits; {@link #detach} lets that thread go, and
 * from then on no read waits inside the container. One thread reads; the rest is thread-safe.
 *
 * <p><b>Threads and state.</b> The container takes the request back as soon as it is over, on its own threads, and may
 * then serve another with the same objects. So after {@code detach} the reader touches the container's stream, which then
 * never blocks, only under {@link #io}, after a look at {@link #over}; and who ends the request notes that, then waits for
 * the lock. It waits for {@link #HAND_OVER} at the longest: it holds the container's lock of the connection, and a reader
 * that reaches the end of the body wants that lock for a moment, when it has done all its reading.
 *
 * <p>Everything else that the container tells only counts up {@link #signals}. In this order: a reader 1. notes the count, 2.
 * looks whether there are bytes, which asks the container to tell when there are, 3. waits until the count has changed.
 */
public final class DetachedBody extends InputStream {

    /** How long the end of a request waits for a reader that is in the middle of a read: far longer than one takes. */
    private static final Duration HAND_OVER = Duration.ofSeconds(1);

    /** How long a reader waits that was told of bytes and found none: half a frame had come. */
    private static final Duration HALF_A_FRAME = Duration.ofMillis(5);

    /** What a look at the container's stream found, beside a number of bytes or the end of the body. */
    private static final int NOT_READY = -2;

    private final ServletInputStream in;
    private final Duration maxPause;
    private final ReentrantLock io = new ReentrantLock();
    private final ReentrantLock state = new ReentrantLock();
    private final Condition changed = state.newCondition();

    // Mutable state
    /** Written by the request's thread while the reader waits for it. */
    private volatile boolean detached;
    /** The request is no longer ours. Written by the container's threads, read under {@code io}. */
    private volatile boolean over;
    /** How often the container has told something; guarded by {@code state}. */
    private long signals;

    /** @param maxPause how long a reader waits for the next bytes, once the request's thread has gone */
    public DetachedBody(HttpServletRequest request, Duration maxPause) throws IOException {
        this.in = request.getInputStream();
        this.maxPause = maxPause;
    }

    /**
     * Lets the request's thread go; called by it, after asynchronous processing has begun, while the reader does not read.
     */
    public void detach(AsyncContext context) {
        detached = true;
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
        if (!detached) {
            return in.read(target, offset, length);
        }
        long deadline = System.nanoTime() + maxPause.toNanos();
        while (true) {
            long seen = signals();
            int n = look(target, offset, length);
            if (n != NOT_READY && n != 0) {
                return n;
            }
            long left = deadline - System.nanoTime();
            if (left <= 0) {
                throw new SocketTimeoutException("Nothing of the body has come for " + maxPause.toSeconds() + " s");
            }
            await(seen, n == 0 ? Math.min(left, HALF_A_FRAME.toNanos()) : left);
        }
    }

    private int look(byte[] target, int offset, int length) throws IOException {
        io.lock();
        try {
            if (over) {
                throw new IOException("The client has gone before its body was complete");
            }
            if (in.isFinished()) {
                return -1;
            }
            return in.isReady() ? in.read(target, offset, length) : NOT_READY;
        } finally {
            io.unlock();
        }
    }

    private long signals() {
        state.lock();
        try {
            return signals;
        } finally {
            state.unlock();
        }
    }

    private void await(long seen, long nanos) throws IOException {
        long left = nanos;
        state.lock();
        try {
            while (signals == seen && left > 0) {
                left = changed.awaitNanos(left);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("Interrupted while the body arrived", e);
        } finally {
            state.unlock();
        }
    }

    @Override
    public int available() throws IOException {
        if (!detached) {
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
            signal();
        }

        @Override
        public void onAllDataRead() {
            signal();
        }

        @Override
        public void onError(Throwable failure) {
            leave();
        }

        @Override
        public void onComplete(AsyncEvent event) {
            leave();
        }

        @Override
        public void onError(AsyncEvent event) {
            leave();
        }

        @Override
        public void onTimeout(AsyncEvent event) {
            leave();
        }

        @Override
        public void onStartAsync(AsyncEvent event) {}

        private void signal() {
            state.lock();
            try {
                signals++;
                changed.signalAll();
            } finally {
                state.unlock();
            }
        }

        private void leave() {
            over = true;
            signal();
            try {
                if (io.tryLock(HAND_OVER.toMillis(), TimeUnit.MILLISECONDS)) {
                    io.unlock();
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
