package io.conveyor.batch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.micrometer.metrics.test.autoconfigure.AutoConfigureMetrics;
import org.springframework.test.context.TestPropertySource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Results that come back on the connection on which the jobs go in. */
@AutoConfigureMetrics
@TestPropertySource(
        properties = {"conveyor.intake.max-jobs=200000", "conveyor.pool.workers=2", "conveyor.pool.caller-runs=1"})
class LiveExchangeTest extends ServiceTest {

    private static final JsonMapper JSON = new JsonMapper();
    private static final String GATE = "{\"kind\":\"gate\",\"input\":false}\n";

    /** Clients that go away; enough for each of the moments at which the container may notice. */
    private static final int GONE = 30;

    @Autowired
    MeterRegistry meters;

    @SuppressWarnings("NullAway.Init")
    LiveExchangeTest() {}

    private RawStream exchange(String request, String type) throws IOException {
        return RawStream.upload(port, request, "Accept: application/x-ndjson", "Content-Type: " + type);
    }

    private RawStream post(String query) throws IOException {
        return exchange("POST /v1/batches" + query, "application/x-ndjson");
    }

    private RawStream put(String id) throws IOException {
        return exchange("PUT /v1/batches/" + id, "application/x-ndjson");
    }

    /** The next result. */
    private static JsonNode result(RawStream exchange) throws IOException {
        return JSON.readTree(Objects.requireNonNull(exchange.line()));
    }

    /** All results that are left. */
    private static List<JsonNode> rest(RawStream exchange) throws IOException {
        return exchange.lines().stream().map(JSON::readTree).toList();
    }

    @Test
    void everyResultComesBackBeforeTheNextJobIsSent() throws Exception {
        try (RawStream exchange = post("")) {
            exchange.send(echo(0));
            assertThat(exchange.head())
                    .contains("http/1.1 200", "content-type: application/x-ndjson", "batch-state: open")
                    .anyMatch(line -> line.startsWith("location: /v1/batches/"));
            for (int i = 0; i < 50; i++) {
                JsonNode result = result(exchange);
                assertThat(result.at("/output").asInt(-1)).isEqualTo(i);
                assertThat(result.at("/seq").asInt()).isEqualTo(i + 1);
                exchange.send(echo(i + 1));
            }
            exchange.sendEnd();
            assertThat(rest(exchange)).hasSize(1);
        }
    }

    @Test
    void resultsComeAsTheyFinishOrInTheOrderOfTheInput() throws Exception {
        try (RawStream finished = post("");
                RawStream sorted = post("?order=input")) {
            finished.send(GATE);
            gate.begun.acquire();
            finished.send(echo(1));
            finished.head();
            assertThat(result(finished).at("/index").asInt()).isEqualTo(1);
            sorted.send(echo(0));
            sorted.head();
            assertThat(result(sorted).at("/index").asInt(-1)).isZero();
            sorted.send(GATE + echo(2));
            gate.begun.acquire();
            sorted.sendEnd();
            finished.sendEnd();
            gate.open.release(2);

            assertThat(rest(finished))
                    .extracting(result -> result.at("/index").asInt(-1))
                    .containsExactly(0);
            assertThat(rest(sorted))
                    .extracting(result -> result.at("/index").asInt(-1))
                    .containsExactly(1, 2);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "?order=input"})
    void aClientMaySendEverythingBeforeItReadsAnything(String query) throws Exception {
        String text = "\"" + "x".repeat(980) + "\"";
        int jobs = 13_000;
        try (RawStream exchange = post(query)) {
            for (int i = 0; i < jobs; i++) {
                exchange.send("{\"kind\":\"echo\",\"input\":" + text + "}\n");
            }
            exchange.sendEnd();

            exchange.head();
            List<JsonNode> results = rest(exchange);
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
        String body = echoes(50_000);
        HttpRequest request = HttpRequest.newBuilder(
                        URI.create("http://127.0.0.1:" + port + "/v1/batches/jdk?order=input"))
                .header("Content-Type", "application/x-ndjson")
                .header("Accept", "application/x-ndjson")
                .PUT(HttpRequest.BodyPublishers.ofInputStream(
                        () -> new ByteArrayInputStream(body.getBytes(StandardCharsets.US_ASCII))))
                .build();
        HttpResponse<Stream<String>> response =
                HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofLines());

        assertThat(response.statusCode()).isEqualTo(200);
        assertThat(response.body()
                        .map(line -> JSON.readTree(line).at("/output").asInt())
                        .toList())
                .isEqualTo(IntStream.range(0, 50_000).boxed().toList());
        assertThat(api.get("/v1/batches/jdk").at("/outcome").asString()).isEqualTo("succeeded");
    }

    @Test
    void aBrokenUploadNeverLooksComplete() throws Exception {
        try (RawStream exchange = put("cut")) {
            exchange.send(echo(0));
            exchange.head();
            assertThat(result(exchange).at("/output").asInt(-1)).isZero();
            exchange.write("this is no chunk\r\n");

            assertThatThrownBy(() -> rest(exchange)).isInstanceOf(IOException.class);
        }
        assertThat(api.get("/v1/batches/cut?wait=60").at("/outcome").asString()).isEqualTo("incomplete");
    }

    @Test
    void aClientThatGoesLeavesAnIncompleteBatchAndNoThread() throws Exception {
        for (int i = 0; i < 200; i++) { // more than submissions may arrive at once
            String id = "gone-" + i;
            try (RawStream exchange = put(id)) {
                exchange.send(echo(0));
                exchange.head();
                result(exchange);
            }
            assertThat(api.get("/v1/batches/" + id + "?wait=60").at("/outcome").asString())
                    .isEqualTo("incomplete");
        }
    }

    @Test
    void whatIsRefusedBeforeTheBatchIsThereIsAProblemAsEver() throws Exception {
        try (RawStream exchange = post("?order=sideways")) {
            assertThat(exchange.head()).contains("http/1.1 400", "content-type: application/problem+json");
        }
        try (RawStream exchange = exchange("POST /v1/batches", "text/plain")) {
            assertThat(exchange.head()).contains("http/1.1 415");
        }
        try (RawStream exchange = exchange("POST /v1/batches", "application/json")) {
            exchange.send("[{\"kind\":\"ecko\"}]");
            exchange.sendEnd();
            assertThat(exchange.head()).contains("http/1.1 422");
        }
        try (RawStream exchange = post("")) {
            exchange.write("no chunk\r\n");
            assertThat(exchange.head()).contains("http/1.1 400");
        }
    }

    @Test
    void aRepetitionIsAnsweredWithTheResultsOfTheBatchThatIsThere() throws Exception {
        for (int time = 0; time < 2; time++) {
            try (RawStream exchange = put("again")) {
                exchange.send(echo(0) + "nonsense\n" + echo(2));
                exchange.sendEnd();
                assertThat(exchange.head()).contains("location: /v1/batches/again");
                assertThat(rest(exchange)).hasSize(3);
            }
        }
        try (RawStream exchange = put("again")) {
            exchange.send(echo(1));
            exchange.sendEnd();
            assertThat(exchange.head()).contains("http/1.1 409");
        }
    }

    @Test
    void aJsonBodyIsTakenWholeAndItsResultsAreStreamed() throws Exception {
        try (RawStream exchange = exchange("POST /v1/batches", "application/json")) {
            exchange.send("[{\"kind\":\"gate\",\"input\":false},{\"kind\":\"echo\",\"input\":5}]");
            exchange.sendEnd();
            assertThat(exchange.head()).contains("batch-state: running", "batch-job-count: 2");
            assertThat(result(exchange).at("/output").asInt()).isEqualTo(5);
            gate.open.release();
            assertThat(rest(exchange)).hasSize(1);
        }
    }

    @Test
    void anEmptyUploadIsAnsweredWithNoResults() throws Exception {
        try (RawStream exchange = post("")) {
            exchange.sendEnd();
            assertThat(exchange.head()).contains("http/1.1 200");
            assertThat(rest(exchange)).isEmpty();
        }
    }

    @RepeatedTest(50)
    void whatCameTogetherNeedNotWaitForTheRestOfALine() throws Exception {
        try (RawStream exchange = post("")) {
            exchange.send(echo(0) + "{\"kind\":\"echo\",\"in");
            exchange.head();
            assertThat(result(exchange).at("/output").asInt(-1)).isZero();
            exchange.send("put\":1}");
            exchange.sendEnd();
            assertThat(rest(exchange))
                    .extracting(result -> result.at("/output").asInt())
                    .containsExactly(1);
        }
    }

    /** It is nobody's fault, and nothing that an operator should be called for. */
    @Test
    void aClientThatGoesAwayIsNoFaultOfOurs() throws Exception {
        long before = answers(".*");
        String lines = ("{\"kind\":\"echo\",\"input\":\"" + "x".repeat(500) + "\"}\n").repeat(60);
        for (int n = 0; n < GONE; n++) {
            try (RawStream exchange = put("reset-" + n)) {
                exchange.send(lines);
                if (n % 2 == 0) {
                    exchange.head();
                }
                exchange.write("ffff\r\n" + lines);
                if (n % 4 == 0) {
                    exchange.line();
                }
                exchange.reset();
            }
        }
        // Not all of them: the container takes some back without a word to anybody.
        await().atMost(Duration.ofMinutes(1)).until(() -> answers(".*") >= before + GONE / 2);
        assertThat(answers("5..")).as("counted as faults").isZero();
    }

    /** Requests that have come to their end, with a status like that. */
    private long answers(String status) {
        return meters.find("http.server.requests").timers().stream()
                .filter(timer -> String.valueOf(timer.getId().getTag("status")).matches(status))
                .mapToLong(Timer::count)
                .sum();
    }
}
