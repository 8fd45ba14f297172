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
 */
public final class LeanProtocol extends Http11NioProtocol {

    /** Bytes, and characters, that a response collects before it is sent; 1 KiB holds most answers of the API. */
    private static final int BUFFER = 1024;

    private static final int NO_TIMEOUT = -1;

    public LeanProtocol() {
        super(new CollectedBuffers());
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
    private final class Patient extends Http11Processor {

        Patient() {
            super(LeanProtocol.this, LeanProtocol.this.getAdapter());
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
                }
            }
            if (state == SocketState.LONG) {
                socket.setWriteTimeout(NO_TIMEOUT);
            }
            return state;
        }
    }

    /**
     * Leaves the buffers of a connection, which lie outside of the heap, to the garbage collector, as everybody else does.
     * Tomcat frees those that it does not keep for the next connection by a method of {@code sun.misc.Unsafe}, of which the
     * virtual machine warns from JDK 24 on, and which is to go.
     */
    private static final class CollectedBuffers extends NioEndpoint {

        @Override
        protected NioChannel createChannel(SocketBufferHandler buffers) {
            return isSSLEnabled() ? super.createChannel(buffers) : new Channel(buffers);
        }

        private static final class Channel extends NioChannel {

            Channel(SocketBufferHandler buffers) {
                super(buffers);
            }

            @Override
            public void free() {}
        }
    }
}
