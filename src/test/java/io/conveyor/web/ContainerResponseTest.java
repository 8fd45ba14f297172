package io.conveyor.web;

import static org.assertj.core.api.Assertions.assertThat;

import io.conveyor.web.stream.ResponseStream;
import io.conveyor.web.stream.StreamPump;
import io.conveyor.web.stream.StreamSource;
import jakarta.servlet.AsyncContext;
import jakarta.servlet.ServletOutputStream;
import jakarta.servlet.WriteListener;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.web.server.LocalServerPort;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

/** What streams ask of the container: word of the release of a response, and room to write. */
@SpringBootTest(
        classes = WebTestApplication.App.class,
        webEnvironment = SpringBootTest.WebEnvironment.RANDOM_PORT,
        properties = {"server.address=127.0.0.1", "management.endpoints.web.exposure.include=metrics"})
class ContainerResponseTest {

    private static final int PATIENCE_MILLIS = 60_000;
    private static final int ORDINARY = 8 * 1024 - 32;
    private static final AtomicInteger LARGEST = new AtomicInteger();
    private static final Pattern CONTENT_LENGTH = Pattern.compile("(?i)Content-Length: (\\d+)");

    /** Breaks the connection on another thread while one of the container's tells that more may be written. */
    @RestController
    static final class Breaking {

        private final CountDownLatch released = new CountDownLatch(1);

        @GetMapping("/v1/breaking")
        void answer(HttpServletRequest request) throws IOException {
            AsyncContext context = request.startAsync();
            context.setTimeout(0);
            ContainerResponse response = ContainerResponse.of(request);
            response.beforeRelease(released::countDown);
            ServletOutputStream out = context.getResponse().getOutputStream();
            out.setWriteListener(new WriteListener() {

                @Override
                public void onWritePossible() {
                    CompletableFuture.runAsync(response::cut).join();
                }

                @Override
                public void onError(Throwable failure) {}
            });
        }
    }

    /** Streams as much as is asked for, and says how much a connection takes at once. */
    @RestController
    static final class Streaming {

        private final StreamPump pump;
        private final AtomicBoolean letGo = new AtomicBoolean();
        private final Queue<ResponseStream> streams = new ConcurrentLinkedQueue<>();

        Streaming(StreamPump pump) {
            this.pump = pump;
        }

        @GetMapping("/v1/stream")
        void stream(@RequestParam int bytes, HttpServletRequest request) throws IOException {
            Zeros zeros = new Zeros(bytes, letGo::get);
            streams.add(pump.open(request, StreamPump.Opening.of("test", zeros)));
        }

        /** Ends those that wait. */
        void letGo() {
            letGo.set(true);
            streams.forEach(ResponseStream::wake);
        }

        @GetMapping("/v1/room")
        String room(HttpServletRequest request) {
            return Integer.toString(ContainerResponse.of(request).room(1));
        }
    }

    /** So many bytes; if the number is negative, none, and the end when it is let go. */
    private static final class Zeros implements StreamSource {

        private final BooleanSupplier letGo;
        private int left;

        Zeros(int bytes, BooleanSupplier letGo) {
            this.left = bytes;
            this.letGo = letGo;
        }

        @Override
        public void begin(Runnable wake) {}

        @Override
        public Next fill(ByteBuffer chunk) {
            if (left < 0) {
                return letGo.getAsBoolean() ? Next.END : Next.LATER;
            }
            LARGEST.accumulateAndGet(chunk.remaining(), Math::max);
            int count = Math.min(left, chunk.remaining());
            chunk.put(new byte[count]);
            left -= count;
            return left == 0 ? Next.END : Next.MORE;
        }

        @Override
        public void release() {}

        @Override
        public void close() {}
    }

    @LocalServerPort
    private int port;

    @Autowired
    private Breaking breaking;

    @Autowired
    private Streaming streaming;

    @SuppressWarnings("NullAway.Init")
    ContainerResponseTest() {}

    @Test
    void whoWritesHearsOfTheReleaseOfAConnectionThatItFoundBroken() throws IOException {
        try (Socket client = new Socket(InetAddress.getLoopbackAddress(), port)) {
            client.setSoTimeout(PATIENCE_MILLIS);
            client.getOutputStream()
                    .write("GET /v1/breaking HTTP/1.1\r\nHost: a\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            assertThat(client.getInputStream().read()).isEqualTo(-1);
        }

        assertThat(breaking.released.getCount()).isZero();
    }

    @Test
    void aStreamIsWrittenInLargePiecesAndTheConnectionIsOrdinaryAfterIt() throws IOException {
        try (Wire wire = new Wire(port)) {
            assertThat(room(wire)).isEqualTo(ORDINARY);

            wire.send("GET /v1/stream?bytes=300000 HTTP/1.1\r\nHost: a\r\n\r\n");
            wire.readHead();
            assertThat(wire.readChunks()).isEqualTo(300_000);

            assertThat(LARGEST.get()).isGreaterThan(4 * ORDINARY);
            assertThat(room(wire)).isEqualTo(ORDINARY);
        }
    }

    @Test
    void aShortStreamTakesNoLargeBuffer() throws IOException {
        LARGEST.set(0);
        try (Wire wire = new Wire(port)) {
            wire.send("GET /v1/stream?bytes=3000 HTTP/1.1\r\nHost: a\r\n\r\n");
            wire.readHead();
            assertThat(wire.readChunks()).isEqualTo(3000);
        }
        assertThat(LARGEST.get()).isEqualTo(ORDINARY);
    }

    @Test
    void whileManyStreamsAreOpenEachIsWrittenInOrdinaryPieces() throws IOException {
        Deque<Wire> waiting = new ArrayDeque<>();
        try (Wire wire = new Wire(port)) {
            for (int stream = 0; stream < 16; stream++) {
                waiting.push(new Wire(port));
                waiting.peek().send("GET /v1/stream?bytes=-1 HTTP/1.1\r\nHost: a\r\n\r\n");
                assertThat(waiting.peek().readHead()).contains("200");
            }
            LARGEST.set(0);

            wire.send("GET /v1/stream?bytes=300000 HTTP/1.1\r\nHost: a\r\n\r\n");
            wire.readHead();
            assertThat(wire.readChunks()).isEqualTo(300_000);

            assertThat(LARGEST.get()).isEqualTo(ORDINARY);
            streaming.letGo();
            for (Wire other : waiting) {
                assertThat(other.readChunks()).isZero();
            }
        } finally {
            for (Wire other : waiting) {
                other.close();
            }
        }
    }

    private static int room(Wire wire) throws IOException {
        wire.send("GET /v1/room HTTP/1.1\r\nHost: a\r\n\r\n");
        Matcher length = CONTENT_LENGTH.matcher(wire.readHead());
        assertThat(length.find()).isTrue();
        return Integer.parseInt(wire.readBody(Integer.parseInt(length.group(1))));
    }
}
