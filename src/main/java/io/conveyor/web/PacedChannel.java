package io.conveyor.web;

import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.concurrent.TimeUnit;
import org.apache.tomcat.util.net.NioChannel;
import org.apache.tomcat.util.net.NioEndpoint.NioSocketWrapper;
import org.apache.tomcat.util.net.SocketBufferHandler;

/**
 * A connection that knows how long its client keeps a thread of ours waiting. The time grows while nothing can be read or
 * written, and every byte that moves takes some of it off; it never becomes a credit, so that who was quick at first cannot
 * be slow for long.
 *
 * <p><b>Threads and state.</b> Between {@link #begin} and {@link #end} one thread works on a request and may wait; only what
 * happens then is counted. Any thread may look, and {@link #hangUp}: the wait then ends at once, as one that took too long.
 */
final class PacedChannel extends NioChannel {

    private static final long NOT_WAITING = Long.MIN_VALUE;

    private final long nanosAByte;

    // Mutable state: written by the thread that works on the request, read by any
    private volatile boolean working;
    private volatile boolean mayPause;
    private volatile long waitingSince = NOT_WAITING;
    private volatile boolean writing;
    /** Nanoseconds that the client is behind, without the present wait. */
    private volatile long behind;
    /** Written by whoever hangs up. */
    private volatile boolean hungUp;

    /** @param bytesPerSecond below which a client falls behind */
    PacedChannel(SocketBufferHandler buffers, long bytesPerSecond) {
        super(buffers);
        nanosAByte = TimeUnit.SECONDS.toNanos(1) / bytesPerSecond;
    }

    @Override
    public void reset(SocketChannel channel, NioSocketWrapper wrapper) throws IOException {
        super.reset(channel, wrapper);
        end();
        behind = 0;
        hungUp = false;
    }

    /** A thread begins to work on a request of this connection. */
    void begin() {
        behind = 0;
        mayPause = false;
        working = true;
    }

    /** The thread goes. */
    void end() {
        working = false;
        waitingSince = NOT_WAITING;
    }

    /** The request may keep its thread waiting for as long as it likes. */
    void mayPause() {
        mayPause = true;
    }

    @Override
    public int read(ByteBuffer target) throws IOException {
        if (hungUp) {
            throw new SocketTimeoutException("The client gave way to others: it sent too slowly");
        }
        return moved(super.read(target), false);
    }

    @Override
    public int write(ByteBuffer source) throws IOException {
        return source.hasRemaining() ? moved(super.write(source), true) : super.write(source);
    }

    private int moved(int bytes, boolean out) {
        long since = waitingSince;
        if (bytes > 0 && since != NOT_WAITING) {
            behind = Math.max(0, behind + System.nanoTime() - since - bytes * nanosAByte);
            waitingSince = NOT_WAITING;
        } else if (bytes == 0 && since == NOT_WAITING && working) {
            writing = out;
            waitingSince = System.nanoTime();
        }
        return bytes;
    }

    /** Nanoseconds that the client is behind; 0 if no thread waits for it. */
    long behind(long now) {
        long since = waitingSince;
        return since == NOT_WAITING || mayPause || hungUp ? 0 : behind + now - since;
    }

    /** Whether a wait is one until the client reads. */
    boolean isWriting() {
        return writing;
    }

    /** Ends the wait for the client: a read as one that took too long, which is answered; a write without a word. */
    void hangUp() {
        hungUp = true;
        SocketChannel socket = getIOChannel();
        try {
            // Wakes whoever waits for the connection to become ready.
            if (writing) {
                socket.shutdownOutput();
            }
            socket.shutdownInput();
        } catch (IOException e) {
            // Gone meanwhile: nobody waits for it any more.
        }
    }
}
