package io.conveyor.batch;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.context.TestConfiguration;
import org.springframework.boot.test.web.server.LocalServerPort;
import org.springframework.context.annotation.Bean;
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Results that come back on the connection on which the jobs go in. */
@SpringBootTest(
        webEnvironment = SpringBootTest.WebEnvironment.RANDOM_PORT,
        properties = {
            "server.address=127.0.0.1",
            "conveyor.intake.max-jobs=200000",
            "conveyor.pool.workers=2",
            "conveyor.pool.caller-runs=1",
            "conveyor.drain=0s"
        })
class LiveExchangeTest {

    private static final String GATE = "{\"kind\":\"gate\",\"input\":false}\n";

    @TestConfiguration
    static class Kinds {
        @Bean
        Gate gate() {
            return new Gate();
        }
    }

    @DynamicPropertySource
    static void store(DynamicPropertyRegistry registry) {
        registry.add("spring.datasource.url", () -> "jdbc:sqlite:target/stores/exchange-" + System.nanoTime() + ".db");
    }

    @LocalServerPort
    int port;

    @Autowired
    Gate gate;

    private Api api;

    @SuppressWarnings("NullAway.Init")
    LiveExchangeTest() {}

    @BeforeEach
    void open() {
        api = new Api(port);
        gate.open.drainPermits();
        gate.begun.drainPermits();
    }

    @AfterEach
    void letAllThrough() {
        gate.open.release(1_000_000);
    }

    private static String echo(int n) {
        return "{\"kind\":\"echo\",\"input\":" + n + "}\n";
    }

    /** One connection, on which chunks go out and chunks come back. */
    private final class Exchange implements AutoCloseable {

        private final Socket socket = new Socket(InetAddress.getLoopbackAddress(), port);
        private final InputStream in = new BufferedInputStream(socket.getInputStream());
        private byte[] chunk = new byte[0];
        private int at;

        Exchange(String request, String... headers) throws IOException {
            socket.setSoTimeout(60_000);
            write(request + " HTTP/1.1\r\nHost: a\r\nAccept: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n"
                    + String.join("\r\n", headers) + (headers.length == 0 ? "\r\n" : "\r\n\r\n"));
        }

        private void write(String text) throws IOException {
            socket.getOutputStream().write(text.getBytes(StandardCharsets.UTF_8));
        }

        void send(String text) throws IOException {
            write(Integer.toHexString(text.getBytes(StandardCharsets.UTF_8).length) + "\r\n" + text + "\r\n");
        }

        void sendEnd() throws IOException {
            write("0\r\n\r\n");
        }

        private String rawLine() throws IOException {
            ByteArrayOutputStream line = new ByteArrayOutputStream();
            for (int b = in.read(); b != '\n'; b = in.read()) {
                if (b < 0) {
                    throw new EOFException("The connection ended");
                }
                line.write(b);
            }
            return line.toString(StandardCharsets.UTF_8).strip();
        }

        String head() throws IOException {
            StringBuilder head = new StringBuilder();
            for (String line = rawLine(); !line.isEmpty(); line = rawLine()) {
                head.append(line).append('\n');
            }
            return head.toString();
        }

        private int body() throws IOException {
            if (at == chunk.length) {
                int size = Integer.parseInt(rawLine(), 16);
                chunk = in.readNBytes(size);
                at = 0;
                rawLine();
                if (size == 0) {
                    return -1;
                }
            }
            return chunk[at++];
        }

        /** The next result; null at the regular end. */
        JsonNode result() throws IOException {
            ByteArrayOutputStream line = new ByteArrayOutputStream();
            int b = body();
            if (b < 0) {
                return new JsonMapper().nullNode();
            }
            for (; b != '\n'; b = body()) {
                line.write(b);
            }
            return new JsonMapper().readTree(line.toByteArray());
        }

        List<JsonNode> rest() throws IOException {
            List<JsonNode> results = new ArrayList<>();
            for (JsonNode result = result(); !result.isNull(); result = result()) {
                results.add(result);
            }
            return results;
        }

        @Override
        public void close() throws IOException {
            socket.close();
        }
    }

    private Exchange exchange(String query) throws IOException {
        return new Exchange("POST /v1/batches" + query, "Content-Type: application/x-ndjson");
    }

    @Test
    void everyResultComesBackBeforeTheNextJobIsSent() throws Exception {
        try (Exchange exchange = exchange("")) {
            exchange.send(echo(0));
            assertThat(exchange.head())
                    .startsWith("HTTP/1.1 200")
                    .contains("Content-Type: application/x-ndjson", "Location: /v1/batches/", "Batch-State: open");
            for (int i = 0; i < 50; i++) {
                JsonNode result = exchange.result();
                assertThat(result.at("/output").asInt(-1)).isEqualTo(i);
                assertThat(result.at("/seq").asInt()).isEqualTo(i + 1);
                exchange.send(echo(i + 1));
            }
            exchange.sendEnd();
            assertThat(exchange.rest()).hasSize(1);
        }
    }

    @Test
    void resultsComeAsTheyFinishOrInTheOrderOfTheInput() throws Exception {
        try (Exchange finished = exchange("");
                Exchange sorted = exchange("?order=input")) {
            finished.send(GATE);
            gate.begun.acquire();
            finished.send(echo(1));
            finished.head();
            assertThat(finished.result().at("/index").asInt()).isEqualTo(1);
            sorted.send(echo(0));
            sorted.head();
            assertThat(sorted.result().at("/index").asInt(-1)).isZero();
            sorted.send(GATE + echo(2));
            gate.begun.acquire();
            sorted.sendEnd();
            finished.sendEnd();
            gate.open.release(2);

            assertThat(finished.rest())
                    .extracting(result -> result.at("/index").asInt(-1))
                    .containsExactly(0);
            assertThat(sorted.rest())
                    .extracting(result -> result.at("/index").asInt(-1))
                    .containsExactly(1, 2);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "?order=input"})
    void aClientMaySendEverythingBeforeItReadsAnything(String query) throws Exception {
        String text = "\"" + "x".repeat(980) + "\"";
        int jobs = 13_000;
        try (Exchange exchange = exchange(query)) {
            for (int i = 0; i < jobs; i++) {
                exchange.send("{\"kind\":\"echo\",\"input\":" + text + "}\n");
            }
            exchange.sendEnd();

            exchange.head();
            List<JsonNode> results = exchange.rest();
            assertThat(results.size()).isEqualTo(jobs);
            String place = query.isEmpty() ? "/seq" : "/index";
            int first = query.isEmpty() ? 1 : 0;
            assertThat(results)
                    .extracting(result -> result.at(place).asInt(-1))
                    .isEqualTo(IntStream.range(first, first + jobs).boxed().toList());
        }
    }

    @Test
    void theJdksClientMaySendAndReadAtOnce() throws Exception {
        String body = IntStream.range(0, 50_000)
                .mapToObj(LiveExchangeTest::echo)
                .reduce(new StringBuilder(), StringBuilder::append, StringBuilder::append)
                .toString();
        HttpRequest request = HttpRequest.newBuilder(
                        URI.create("http://127.0.0.1:" + port + "/v1/batches/jdk?order=input"))
                .header("Content-Type", "application/x-ndjson")
                .header("Accept", "application/x-ndjson")
                .PUT(HttpRequest.BodyPublishers.ofInputStream(
                        () -> new java.io.ByteArrayInputStream(body.getBytes(StandardCharsets.US_ASCII))))
                .build();
        HttpResponse<java.util.stream.Stream<String>> response =
                HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofLines());

        assertThat(response.statusCode()).isEqualTo(200);
        assertThat(response.body()
                        .map(line ->
                                new JsonMapper().readTree(line).at("/output").asInt())
                        .toList())
                .isEqualTo(IntStream.range(0, 50_000).boxed().toList());
        assertThat(api.get("/v1/batches/jdk").at("/outcome").asString()).isEqualTo("succeeded");
    }

    @Test
    void aBrokenUploadNeverLooksComplete() throws Exception {
        try (Exchange exchange = new Exchange("PUT /v1/batches/cut", "Content-Type: application/x-ndjson")) {
            exchange.send(echo(0));
            exchange.head();
            assertThat(exchange.result().at("/output").asInt(-1)).isZero();
            exchange.write("this is no chunk\r\n");

            org.assertj.core.api.Assertions.assertThatThrownBy(exchange::rest).isInstanceOf(IOException.class);
        }
        assertThat(api.get("/v1/batches/cut?wait=60").at("/outcome").asString()).isEqualTo("incomplete");
    }

    @Test
    void aClientThatGoesLeavesAnIncompleteBatchAndNoThread() throws Exception {
        for (int i = 0; i < 200; i++) { // more than submissions may arrive at once
            String id = "gone-" + i;
            try (Exchange exchange = new Exchange("PUT /v1/batches/" + id, "Content-Type: application/x-ndjson")) {
                exchange.send(echo(0));
                exchange.head();
                exchange.result();
            }
            assertThat(api.get("/v1/batches/" + id + "?wait=60").at("/outcome").asString())
                    .isEqualTo("incomplete");
        }
    }

    @Test
    void whatIsRefusedBeforeTheBatchIsThereIsAProblemAsEver() throws Exception {
        try (Exchange exchange = new Exchange("POST /v1/batches?order=sideways")) {
            assertThat(exchange.head()).startsWith("HTTP/1.1 400").contains("application/problem+json");
        }
        try (Exchange exchange = new Exchange("POST /v1/batches", "Content-Type: text/plain")) {
            assertThat(exchange.head()).startsWith("HTTP/1.1 415");
        }
        try (Exchange exchange = new Exchange("POST /v1/batches", "Content-Type: application/json")) {
            exchange.send("[{\"kind\":\"ecko\"}]");
            exchange.sendEnd();
            assertThat(exchange.head()).startsWith("HTTP/1.1 422");
        }
        try (Exchange exchange = exchange("")) {
            exchange.write("no chunk\r\n");
            assertThat(exchange.head()).startsWith("HTTP/1.1 400");
        }
    }

    @Test
    void aRepetitionIsAnsweredWithTheResultsOfTheBatchThatIsThere() throws Exception {
        for (int time = 0; time < 2; time++) {
            try (Exchange exchange = new Exchange("PUT /v1/batches/again", "Content-Type: application/x-ndjson")) {
                exchange.send(echo(0) + "nonsense\n" + echo(2));
                exchange.sendEnd();
                assertThat(exchange.head()).contains("Location: /v1/batches/again");
                assertThat(exchange.rest()).hasSize(3);
            }
        }
        try (Exchange exchange = new Exchange("PUT /v1/batches/again", "Content-Type: application/x-ndjson")) {
            exchange.send(echo(1));
            exchange.sendEnd();
            assertThat(exchange.head()).startsWith("HTTP/1.1 409");
        }
    }

    @Test
    void aJsonBodyIsTakenWholeAndItsResultsAreStreamed() throws Exception {
        try (Exchange exchange = new Exchange("POST /v1/batches", "Content-Type: application/json")) {
            exchange.send("[{\"kind\":\"gate\",\"input\":false},{\"kind\":\"echo\",\"input\":5}]");
            exchange.sendEnd();
            assertThat(exchange.head()).contains("Batch-State: running", "Batch-Job-Count: 2");
            assertThat(exchange.result().at("/output").asInt()).isEqualTo(5);
            gate.open.release();
            assertThat(exchange.rest()).hasSize(1);
        }
    }

    @Test
    void anEmptyUploadIsAnsweredWithNoResults() throws Exception {
        try (Exchange exchange = exchange("")) {
            exchange.sendEnd();
            assertThat(exchange.head()).startsWith("HTTP/1.1 200");
            assertThat(exchange.rest()).isEmpty();
        }
    }

    @RepeatedTest(50)
    void whatCameTogetherNeedNotWaitForTheRestOfALine() throws Exception {
        try (Exchange exchange = exchange("")) {
            exchange.send(echo(0) + "{\"kind\":\"echo\",\"in");
            exchange.head();
            assertThat(exchange.result().at("/output").asInt(-1)).isZero();
            exchange.send("put\":1}");
            exchange.sendEnd();
            assertThat(exchange.rest())
                    .extracting(result -> result.at("/output").asInt())
                    .containsExactly(1);
        }
    }
}
