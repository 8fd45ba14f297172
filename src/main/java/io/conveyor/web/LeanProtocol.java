package io.conveyor.web;

import java.io.IOException;
import org.apache.coyote.Processor;
import org.apache.coyote.http11.Http11NioProtocol;
import org.apache.coyote.http11.Http11Processor;
import org.apache.tomcat.util.net.AbstractEndpoint.Handler.SocketState;
import org.apache.tomcat.util.net.NioChannel;
import org.apache.tomcat.util.net.NioEndpoint;
import org.apache.tomcat.util.net.SocketBufferHandler;
import org.apache.tomcat.util.net.SocketEvent;
import org.apache.tomcat.util.net.SocketWrapperBase;

/**
 * HTTP/1.1 with small buffers for each response, and with patience for clients of streams. By default Tomcat keeps 24 KiB
 * of buffers for each connection that waits, of which streams, that come with a buffer of their own, need nothing: a
 * thousand of them would fill a small heap. Made by Tomcat from its name.
 *
 * <p>The {@link ConnectionBuffers} of a connection are replaced by larger ones while an answer wants it
 * ({@link ContainerResponse#room}), until it gives them back or the connection is closed.
 */
public final class LeanProtocol extends Http11NioProtocol {

    /** Bytes, and characters, that a response collects before it is sent; 1 KiB holds most answers of the API. */
    private static final int BUFFER = 1024;

    private static final int NO_TIMEOUT = -1;

    public LeanProtocol() {
        super(new OwnBuffers());
    }

    @Override
    public int getDesiredBufferSize() {
        return BUFFER;
    }

    @Override
    protected Processor createProcessor() {
        return new Patient();
    }

    /**
     * Waits for as long as the client likes with an answer that holds no thread: who reads late, or stops to think, must not
     * find its stream broken. A client that is gone is found by its kernel's answers, or the lack of them.
     */
    private final class Patient extends Http11Processor implements ContainerResponse.Room {

        Patient() {
            super(LeanProtocol.this, LeanProtocol.this.getAdapter());
            ContainerResponse.attachRoom(request, this);
        }

        @Override
        public int make(int bytes) {
            SocketBufferHandler buffers = getSocketWrapper().getSocketBufferHandler();
            if (buffers instanceof ConnectionBuffers ours) {
                ours.widen(bytes);
            }
            return buffers.getWriteBuffer().capacity();
        }

        @Override
        public void giveBack() {
            narrow(getSocketWrapper());
        }

        @Override
        public SocketState service(SocketWrapperBase<?> socket) throws IOException {
            socket.setWriteTimeout(getConnectionTimeout());
            return super.service(socket);
        }

        @Override
        public SocketState process(SocketWrapperBase<?> socket, SocketEvent event) throws IOException {
            SocketState state = SocketState.CLOSED;
            try {
                state = super.process(socket, event);
            } finally {
                if (state == SocketState.CLOSED) {
                    ContainerResponse.release(request);
                    narrow(socket); // it is kept for the next connection
                }
            }
            if (state == SocketState.LONG) {
                socket.setWriteTimeout(NO_TIMEOUT);
            }
            return state;
        }

        private static void narrow(SocketWrapperBase<?> socket) {
            if (socket.getSocketBufferHandler() instanceof ConnectionBuffers ours) {
                ours.narrow();
            }
        }
    }

    /** Gives connections without TLS buffers of ours. */
    private static final class OwnBuffers extends NioEndpoint {

        @Override
        protected NioChannel createChannel(SocketBufferHandler buffers) {
            if (isSSLEnabled()) {
                return super.createChannel(buffers);
            }
            int read = buffers.getReadBuffer().capacity();
            int write = buffers.getWriteBuffer().capacity();
            return super.createChannel(new ConnectionBuffers(read, write));
        }
    }
}
