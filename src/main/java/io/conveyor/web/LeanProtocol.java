package io.conveyor.web;

import static java.util.Objects.requireNonNull;
import static java.util.concurrent.TimeUnit.MILLISECONDS;

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
import org.jspecify.annotations.Nullable;

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

    // Mutable state: written once, before the start
    private @Nullable SlowClients clients;

    public LeanProtocol() {
        super(new OwnBuffers());
    }

    /** Has these look after the connections; before the start. */
    void watchedBy(SlowClients slowClients) {
        clients = slowClients;
        ((OwnBuffers) getEndpoint()).clients = slowClients;
    }

    @Override
    public void start() throws Exception {
        super.start();
        if (clients != null) {
            clients.start(getMaxThreads());
        }
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
     * find its stream broken. A client that is gone is found by its kernel's answers to what is written; who writes
     * nothing for long has to ask ({@link ContainerResponse#isClosedByClient}).
     */
    private final class Patient extends Http11Processor implements ContainerResponse.Room {

        // Mutable state: of the connection that is served, on the thread that serves it
        /** When a head began to arrive that is not complete, in nanoseconds; 0 for none. */
        private long headSince;

        /** The connection of that head. */
        private @Nullable SocketWrapperBase<?> headOf;

        private @Nullable PacedChannel channel;

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
        public boolean isClosedByClient() {
            try {
                getSocketWrapper().isReadyForRead();
                return false;
            } catch (IOException e) {
                return true; // the end, or a connection that is broken
            }
        }

        @Override
        public SocketState service(SocketWrapperBase<?> socket) throws IOException {
            socket.setWriteTimeout(getConnectionTimeout());
            return super.service(socket);
        }

        @Override
        public void mayPause() {
            if (channel != null) {
                channel.mayPause();
            }
        }

        @Override
        public SocketState process(SocketWrapperBase<?> socket, SocketEvent event) throws IOException {
            if (headSince != 0 && headOf == socket && System.nanoTime() - headSince > longestHead()) {
                return SocketState.CLOSED;
            }
            channel = clients != null && socket.getSocket() instanceof PacedChannel paced ? paced : null;
            SocketState state = SocketState.CLOSED;
            try {
                state = channel == null ? super.process(socket, event) : paced(channel, socket, event);
                noteHead(socket, state);
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

        private SocketState paced(PacedChannel connection, SocketWrapperBase<?> socket, SocketEvent event)
                throws IOException {
            SlowClients watch = requireNonNull(clients);
            watch.begin(connection);
            try {
                return super.process(socket, event);
            } finally {
                watch.end(connection);
            }
        }

        /** The container's own limit is for the pause between two bytes of a head, and so none for those who send by drops. */
        private void noteHead(SocketWrapperBase<?> socket, SocketState state) {
            boolean incomplete = state == SocketState.LONG && !isAsync();
            if (!incomplete) {
                headSince = 0;
                headOf = null;
            } else if (headOf != socket) {
                headSince = System.nanoTime() | 1;
                headOf = socket;
            }
        }

        private long longestHead() {
            return MILLISECONDS.toNanos(getConnectionTimeout());
        }

        private static void narrow(SocketWrapperBase<?> socket) {
            if (socket.getSocketBufferHandler() instanceof ConnectionBuffers ours) {
                ours.narrow();
            }
        }
    }

    /** Gives connections without TLS buffers of ours. */
    private static final class OwnBuffers extends NioEndpoint {

        // Mutable state: written once, before the start
        private @Nullable SlowClients clients;

        @Override
        protected NioChannel createChannel(SocketBufferHandler buffers) {
            if (isSSLEnabled()) {
                return super.createChannel(buffers);
            }
            int read = buffers.getReadBuffer().capacity();
            int write = buffers.getWriteBuffer().capacity();
            ConnectionBuffers own = new ConnectionBuffers(read, write);
            return clients == null ? super.createChannel(own) : clients.channel(own);
        }
    }
}
