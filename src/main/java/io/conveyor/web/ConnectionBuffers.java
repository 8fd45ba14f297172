package io.conveyor.web;

import java.nio.ByteBuffer;
import org.apache.tomcat.util.net.SocketBufferHandler;

/**
 * The two buffers of a connection, outside of the heap, of which the one that is sent from can be made larger for the
 * time of an answer: the kernel takes 64 KiB at once for little more than the price of 8, and a buffer of that size for each
 * connection would be far too much.
 *
 * <p>Threads and state: as the container's class, it relies on there being one writer at a time, and on what passes a
 * connection from one thread to the next.
 */
final class ConnectionBuffers extends SocketBufferHandler {

    private final int ordinaryBytes;

    // Mutable state
    private volatile ByteBuffer out;
    /** Whether bytes are being put into {@link #out}; else they are being taken. */
    private volatile boolean filling = true;

    ConnectionBuffers(int readBytes, int writeBytes) {
        super(readBytes, 0, true);
        ordinaryBytes = writeBytes;
        out = ByteBuffer.allocateDirect(writeBytes);
    }

    /** Makes room for so many bytes to be sent at once, if there is less; call when there are none. */
    void widen(int bytes) {
        if (out.capacity() < bytes && isWriteBufferEmpty()) {
            replace(bytes);
        }
    }

    /** Goes back to the ordinary size; what has not been sent is lost. */
    void narrow() {
        if (out.capacity() > ordinaryBytes) {
            replace(ordinaryBytes);
        }
    }

    private void replace(int bytes) {
        out = ByteBuffer.allocateDirect(bytes);
        filling = true;
    }

    @Override
    public void configureWriteBufferForWrite() {
        if (!filling) {
            out.compact();
            filling = true;
        }
    }

    @Override
    public void configureWriteBufferForRead() {
        if (filling) {
            out.flip();
            filling = false;
        }
    }

    @Override
    public boolean isWriteBufferWritable() {
        return filling ? out.hasRemaining() : !out.hasRemaining();
    }

    @Override
    public ByteBuffer getWriteBuffer() {
        return out;
    }

    @Override
    public boolean isWriteBufferEmpty() {
        return filling ? out.position() == 0 : !out.hasRemaining();
    }

    @Override
    public void reset() {
        super.reset();
        narrow();
        out.clear();
        filling = true;
    }

    /** Both stay as they are: only TLS asks for it, and that has buffers of its own. */
    @Override
    public void expand(int newSize) {
        throw new UnsupportedOperationException("These buffers are for connections without TLS");
    }

    /**
     * Leaves the buffers to the garbage collector, as everybody else does. Tomcat frees them by a method of
     * {@code sun.misc.Unsafe}, of which the virtual machine warns from JDK 24 on, and which is to go.
     */
    @Override
    public void free() {}
}
