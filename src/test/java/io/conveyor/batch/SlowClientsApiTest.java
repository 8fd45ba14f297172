package io.conveyor.batch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.test.context.TestPropertySource;

/** Clients that keep threads and places of a small service waiting, when others need them. */
@Timeout(120)
@TestPropertySource(
        properties = {
            // Else these would end the wait of a slow client as well, only later.
            "server.tomcat.connection-timeout=10m",
            "conveyor.intake.max-pause=10m",
            "server.tomcat.threads.max=8",
            "server.tomcat.threads.min-spare=8",
            "conveyor.intake.max-submissions=4",
            "conveyor.intake.max-live=2"
        })
class SlowClientsApiTest extends ServiceTest {

    private static final Duration LONG = Duration.ofSeconds(60);

    private final List<Client> clients = new ArrayList<>();

    @AfterEach
    void leave() throws IOException {
        for (Client client : clients) {
            client.close();
        }
    }

    /** A client that does nothing for itself. */
    private static final class Client implements Closeable {

        private final Socket socket = new Socket();

        Client(int port, String request) throws IOException {
            socket.setReceiveBufferSize(4096);
            socket.setSoTimeout((int) LONG.toMillis());
            socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
            send(request);
        }

        void send(String text) throws IOException {
            socket.getOutputStream().write(text.getBytes(StandardCharsets.US_ASCII));
        }

        String read(int bytes) throws IOException {
            return new String(socket.getInputStream().readNBytes(bytes), StandardCharsets.US_ASCII);
        }

        boolean hasAnswer() {
            try {
                InputStream in = socket.getInputStream();
                return in.available() > 0;
            } catch (IOException e) {
                throw new IllegalStateException(e);
            }
        }

        @Override
        public void close() throws IOException {
            socket.close();
        }
    }

    private Client client(String request) throws IOException {
        Client client = new Client(port, request);
        clients.add(client);
        return client;
    }

    /** A client that has a place among the submissions, and sends nothing. */
    private Client silent(String target) throws IOException {
        Client client =
                client("PUT /v1/batches/" + target + " HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-ndjson\r\n"
                        + "Content-Length: " + echo(1).length() + "\r\nExpect: 100-continue\r\n\r\n");
        // Sent by the first read: it is in.
        assertThat(client.read("HTTP/1.1 100 \r\n\r\n".length())).startsWith("HTTP/1.1 100");
        return client;
    }

    @Test
    void whoSendsNothingGivesItsPlaceToWhoeverComes() throws IOException {
        List<Client> silent = List.of(silent("s1"), silent("s2"), silent("s3"), silent("s4"));

        // At first nobody is behind.
        await().atMost(LONG).until(() -> api.post("[]").status() == 202);

        await().atMost(LONG).until(() -> silent.stream().anyMatch(Client::hasAnswer));
        List<Client> answered = silent.stream().filter(Client::hasAnswer).toList();
        assertThat(answered).hasSize(1);
        assertThat(answered.get(0).read(1024)).startsWith("HTTP/1.1 408").contains("request-timeout");
        for (Client client : silent) {
            if (!answered.contains(client)) {
                client.send(echo(1));
                assertThat(client.read("HTTP/1.1 202".length())).isEqualTo("HTTP/1.1 202");
            }
        }
    }

    @Test
    void whoSendsToABatchThatHasStartedMayPause() throws IOException {
        List<Client> pausing = List.of(silent("p1?start=immediately"), silent("p2?start=immediately"));
        List<Client> silent = List.of(silent("p3"), silent("p4"));

        await().atMost(LONG).until(() -> api.post("[]").status() == 202);
        Api.Reply third = api.put("p5?start=immediately", "\n", "Content-Type", "application/x-ndjson");

        assertThat(third.status()).isEqualTo(429);
        assertThat(silent).anyMatch(Client::hasAnswer);
        for (Client client : pausing) {
            assertThat(client.hasAnswer()).isFalse();
            client.send(echo(1));
            assertThat(client.read("HTTP/1.1 202".length())).isEqualTo("HTTP/1.1 202");
        }
        assertThat(api.put("p5?start=immediately", "\n", "Content-Type", "application/x-ndjson")
                        .status())
                .isEqualTo(202);
    }

    @Test
    void whoReadsNothingGivesItsThreadToWhoeverComes() throws IOException {
        String job = "{\"kind\":\"echo\",\"input\":\"" + "x".repeat(100_000) + "\"}";
        String large = "[" + (job + ",").repeat(199) + job + "]";
        assertThat(api.put("large", large, "Prefer", "wait=60").status()).isEqualTo(200);

        // As many as there are threads, each of which has an answer that no kernel takes as a whole.
        for (int i = 0; i < 8; i++) {
            client("GET /v1/batches/large/results?limit=1000 HTTP/1.1\r\nHost: a\r\nAccept: application/json\r\n\r\n");
        }

        assertThat(clients).allSatisfy(client -> assertThat(client.read(9)).isEqualTo("HTTP/1.1 "));
        assertThat(api.get("/v1").status()).isEqualTo(200);
        assertThat(api.post("[]").status()).isEqualTo(202);
    }
}
