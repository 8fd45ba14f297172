package io.conveyor.batch;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.test.context.TestPropertySource;
import tools.jackson.databind.JsonNode;

/** Jobs that are tried again, as clients see them, against a real server that is busy at first. */
@TestPropertySource(
        properties = {
            "conveyor.pool.workers=2",
            "conveyor.http.allow=127.0.0.1",
            "conveyor.job.max-attempts=2",
            "conveyor.job.backoff.first=5ms"
        })
class AttemptsApiTest extends ServiceTest {

    private final AtomicInteger calls = new AtomicInteger();
    private HttpServer target;

    @SuppressWarnings("NullAway.Init")
    AttemptsApiTest() {}

    @BeforeEach
    void start() throws IOException {
        target = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        target.createContext("/", exchange -> {
            boolean busy = calls.incrementAndGet() <= 2;
            exchange.sendResponseHeaders(busy ? 503 : 200, -1);
            exchange.close();
        });
        target.start();
    }

    @AfterEach
    void stop() {
        target.stop(0);
    }

    private JsonNode run(String id, String more) {
        String url = "http://127.0.0.1:" + target.getAddress().getPort() + "/";
        return api.put(
                        id,
                        "{\"jobs\":[{\"kind\":\"http\",\"input\":{\"url\":\"" + url + "\"}}]" + more + "}",
                        "Content-Type",
                        "application/json",
                        "Prefer",
                        "wait=30")
                .at("/results/0");
    }

    @Test
    void aTargetThatAnswers503TwiceGivesOneResultOfThreeAttempts() {
        JsonNode result = run("busy", ",\"max_attempts\":3");

        assertThat(result.get("state").asString()).isEqualTo("succeeded");
        assertThat(result.get("attempts").asInt()).isEqualTo(3);
        assertThat(result.at("/output/status").asInt()).isEqualTo(200);
        assertThat(calls).hasValue(3);
        assertThat(api.get("/v1/batches/busy").at("/counts/succeeded").asInt()).isEqualTo(1);
    }

    @Test
    void theServiceSaysHowOftenIfNobodyElseDoes() {
        JsonNode result = run("busier", "");

        assertThat(result.get("state").asString()).isEqualTo("failed");
        assertThat(result.get("attempts").asInt()).isEqualTo(2);
        assertThat(result.at("/error/retryable").asBoolean()).isTrue();
        assertThat(calls).hasValue(2);
    }

    @Test
    void aBatchOfTheFailedJobsOfAnotherTriesThemAgainUnderTheirIndexes() {
        String http = "{\"kind\":\"http\",\"input\":{\"url\":\"http://127.0.0.1:"
                + target.getAddress().getPort() + "/\"},\"custom_id\":\"call\"}";
        String echoes = "{\"kind\":\"echo\"},".repeat(400);
        api.put("mixed", "[" + echoes + http + ",{\"kind\":\"echo\"}]", "Prefer", "wait=30");
        assertThat(api.get("/v1/batches/mixed/results/400").at("/attempts").asInt())
                .isEqualTo(2);

        calls.set(1); // busy once more
        Api.Reply again = api.send("POST", "/v1/batches/mixed/retry", null, "Prefer", "wait=30")
                .join();

        assertThat(again.at("/counts/total").asInt()).isEqualTo(1);
        JsonNode result = again.at("/results/0");
        assertThat(result.at("/index").asInt()).isEqualTo(400);
        assertThat(result.at("/custom_id").asString()).isEqualTo("call");
        assertThat(result.at("/state").asString()).isEqualTo("succeeded");
        assertThat(result.at("/attempts").asInt()).isEqualTo(2);
        assertThat(calls).hasValue(3);
    }
}
