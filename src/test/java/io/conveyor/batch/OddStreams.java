package io.conveyor.batch;

import io.conveyor.web.stream.StreamPump;
import io.conveyor.web.stream.StreamSource;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.concurrent.CountDownLatch;
import org.springframework.boot.test.context.TestConfiguration;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/** Streams that tests need and the service does not have. A configuration whose classes Spring finds by themselves. */
@TestConfiguration
class OddStreams {

    /** A stream of dots that has no end. */
    @RestController
    static final class Endless implements StreamSource {

        private final StreamPump pump;
        final CountDownLatch released = new CountDownLatch(1);
        volatile boolean broken;

        Endless(StreamPump pump) {
            this.pump = pump;
        }

        @GetMapping("/endless")
        void answer(HttpServletRequest request) throws IOException {
            pump.open(request, StreamPump.Opening.of("endless", this));
        }

        @Override
        public void begin(Runnable wake) {}

        @Override
        public Next fill(ByteBuffer chunk) {
            if (broken) {
                throw new IllegalStateException("the source of dots is broken");
            }
            byte[] dots = new byte[chunk.remaining()];
            Arrays.fill(dots, (byte) '.');
            chunk.put(dots);
            return Next.MORE;
        }

        @Override
        public void release() {
            released.countDown();
        }

        @Override
        public void close() {}
    }

    /** A stream on which nothing happens: it only says, again and again, that it is alive, or not even that. */
    record Pulse(String sign, CountDownLatch closed) implements StreamSource {

        @Override
        public void begin(Runnable wake) {}

        @Override
        public Next fill(ByteBuffer chunk) {
            chunk.put(sign.getBytes(StandardCharsets.US_ASCII));
            return Next.LATER;
        }

        @Override
        public long patienceMillis() {
            return 1;
        }

        @Override
        public void release() {}

        @Override
        public void close() {
            closed.countDown();
        }
    }

    /** Answers that hold a thread, and streams on which nothing happens. */
    @RestController
    static final class Answers {

        private final StreamPump pump;
        final CountDownLatch pulseOver = new CountDownLatch(1);
        final CountDownLatch silenceOver = new CountDownLatch(1);
        final CountDownLatch givenUp = new CountDownLatch(1);

        Answers(StreamPump pump) {
            this.pump = pump;
        }

        @GetMapping("/pulse")
        void pulse(HttpServletRequest request) throws IOException {
            pump.open(request, StreamPump.Opening.of("endless", new Pulse("\n", pulseOver)));
        }

        @GetMapping("/silence")
        void silence(HttpServletRequest request) throws IOException {
            pump.open(request, StreamPump.Opening.of("endless", new Pulse("", silenceOver)));
        }

        /** Without an end, for as long as the client takes it. */
        @GetMapping("/blocking")
        void blocking(HttpServletResponse response) throws IOException {
            byte[] dots = new byte[64 * 1024];
            try {
                while (true) {
                    response.getOutputStream().write(dots);
                }
            } finally {
                givenUp.countDown();
            }
        }
    }
}
