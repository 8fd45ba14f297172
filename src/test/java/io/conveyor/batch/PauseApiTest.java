package io.conveyor.batch;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.springframework.test.context.TestPropertySource;

/** Clients that fall silent in the middle of a body, or never come to its end. */
@TestPropertySource(
        properties = {
            // Else the connection's own limit would do the same, only later.
            "server.tomcat.connection-timeout=10m",
            "conveyor.intake.max-pause=1s",
            "conveyor.intake.max-duration=1s"
        })
class PauseApiTest extends ServiceTest {

    /** Only ends a test that has failed already, in nanoseconds. */
    private static final long LONG_NANOS = 30_000_000_000L;

    private static final String LINE = "{\"kind\":\"echo\",\"input\":1}\n";

    /** The beginning of an upload, and everything that comes back until the connection ends. */
    private String halfOf(String request, String... headers) throws IOException {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            socket.setSoTimeout(60_000);
            String head =
                    request + " HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-ndjson\r\nContent-Length: 1000\r\n"
                            + String.join("\r\n", headers) + (headers.length == 0 ? "\r\n" : "\r\n\r\n");
            socket.getOutputStream().write((head + LINE).getBytes(StandardCharsets.US_ASCII));
            InputStream in = socket.getInputStream();
            return new String(in.readAllBytes(), StandardCharsets.US_ASCII);
        }
    }

    @Test
    void anUploadThatFallsSilentIsBroken() throws IOException {

        assertThat(halfOf("PUT /v1/batches/silent")).startsWith("HTTP/1.1 408").contains("request-timeout");
        assertThat(api.get("/v1/batches/silent").status()).isEqualTo(404);
    }

    @Test
    void aLiveOneEndsAsIncompleteAndItsAnswerIsCut() throws IOException {

        String answer = halfOf("PUT /v1/batches/silent-live", "Accept: application/x-ndjson");

        assertThat(answer).startsWith("HTTP/1.1 200").contains("\"index\":0").doesNotContain("\r\n0\r\n");
        assertThat(api.get("/v1/batches/silent-live?wait=60").at("/outcome").asString())
                .isEqualTo("incomplete");
    }

    @Test
    void anUploadThatNeverEndsIsBroken() throws IOException {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            socket.setSoTimeout(60_000);
            OutputStream out = socket.getOutputStream();
            InputStream in = socket.getInputStream();
            String head =
                    "PUT /v1/batches/endless HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-ndjson\r\nContent-Length: "
                            + 1_000_000_000 + "\r\n\r\n";
            out.write(head.getBytes(StandardCharsets.US_ASCII));

            long begin = System.nanoTime();
            while (in.available() == 0 && System.nanoTime() - begin < LONG_NANOS) {
                out.write('\n');
            }

            assertThat(in.available()).as("bytes of an answer").isPositive();
            byte[] status = in.readNBytes("HTTP/1.1 408".length());
            assertThat(new String(status, StandardCharsets.US_ASCII)).isEqualTo("HTTP/1.1 408");
        }
        assertThat(api.get("/v1/batches/endless").status()).isEqualTo(404);
    }
}
