package io.conveyor.batch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.context.annotation.Import;
import org.springframework.test.context.TestPropertySource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What clients see of batches that stop by themselves: for their failures, or since their deadline has passed. */
@TestPropertySource(properties = {"conveyor.pool.workers=1", "conveyor.pool.caller-runs=1"})
@Import(CancelApiTest.Deaf.class)
class StopApiTest extends ServiceTest {

    private static final JsonMapper JSON = new JsonMapper();
    private static final String GATE = "{\"kind\":\"gate\",\"input\":false}";
    private static final String FAILING = "{\"kind\":\"gate\",\"input\":true}";

    @Autowired
    CancelApiTest.Deaf deaf;

    @SuppressWarnings("NullAway.Init")
    StopApiTest() {}

    private Api.Reply awaitEnd(String path) {
        Api.Reply batch = api.get(path + "?wait=60");
        assertThat(batch.at("/state").asString()).isEqualTo("ended");
        return batch;
    }

    @Test
    void aFailureTooManyCancelsTheRest() {
        Api.Reply batch = api.post(
                "{\"on_error\":{\"tolerate\":1},\"jobs\":[" + FAILING + "," + FAILING + "," + GATE + "," + GATE + "]}",
                "Prefer",
                "wait=60");

        assertThat(batch.at("/outcome").asString()).isEqualTo("cancelled");
        assertThat(batch.at("/on_error/tolerate").asInt()).isEqualTo(1);
        assertThat(batch.at("/cancel_requested_at").isMissingNode()).isFalse();
        assertThat(batch.at("/counts/failed").asInt()).isEqualTo(2);
        assertThat(batch.at("/counts/cancelled").asInt()).isEqualTo(2);
        assertThat(batch.at("/results/3/error/detail").asString()).contains("on_error");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            "continue"             | partial
            {"tolerate":1}         | partial
            {"tolerate_percent":50} | partial
            """)
    void whatIsToleratedStopsNothing(String onError, String outcome) {
        Api.Reply batch = api.post(
                "{\"on_error\":" + onError + ",\"jobs\":[" + FAILING + ",{\"kind\":\"echo\"}]}", "Prefer", "wait=60");

        assertThat(batch.at("/outcome").asString()).isEqualTo(outcome);
        assertThat(batch.body()).contains("\"on_error\":" + onError);
        assertThat(batch.at("/cancel_requested_at").isMissingNode()).isTrue();
    }

    @Test
    void aLineThatIsNoJobCountsAndALiveUploadIsReadToItsEnd() throws Exception {
        try (RawStream exchange = RawStream.upload(
                port,
                "PUT /v1/batches/live-failure?on_error=cancel_rest",
                "Accept: application/x-ndjson",
                "Content-Type: application/x-ndjson")) {
            exchange.send("{\"kind\":\"echo\"}\n");
            exchange.head();
            assertThat(state(exchange.line())).isEqualTo("succeeded");
            exchange.send("no job\n");
            assertThat(state(exchange.line())).isEqualTo("failed");
            awaitEnd("/v1/batches/live-failure");
            exchange.send(GATE + "\n");
            exchange.sendEnd();

            assertThat(exchange.lines()).isEmpty();
            assertThat(exchange.isWhole()).isTrue();
        }
        Api.Reply ended = api.get("/v1/batches/live-failure");
        assertThat(ended.at("/outcome").asString()).isEqualTo("incomplete");
        assertThat(ended.at("/counts/total").asInt()).isEqualTo(2);
    }

    private static String state(String line) {
        return JSON.readTree(line).at("/state").asString();
    }

    @Test
    void whatHasNotStartedInTimeExpires() throws Exception {
        List<String> jobs = List.of(GATE, GATE, GATE);
        Api.Reply batch = api.post("{\"deadline_ms\":500,\"jobs\":" + jobs + "}", "Prefer", "respond-async");
        assertThat(batch.at("/deadline_at").asString()).endsWith("Z");

        Api.Reply ended = awaitEnd(batch.at("/links/self").asString());

        assertThat(ended.at("/outcome").asString()).isEqualTo("expired");
        assertThat(ended.at("/counts/expired").asInt()).isEqualTo(3);
        assertThat(ended.at("/cancel_requested_at").isMissingNode()).isTrue();
        String results = batch.at("/links/results").asString();
        assertThat(api.get(results + "?state=expired").body().lines()).hasSize(3);
        JsonNode last = api.get(results + "/2").json();
        assertThat(last.at("/error/type").asString()).isEqualTo("/problems/job-expired");
        assertThat(last.at("/attempts").asInt(-1)).isZero();
        assertThat(api.get("/problems/job-expired").status()).isEqualTo(200);
    }

    @Test
    void aDeadlineThatIsKeptChangesNothing() {
        Api.Reply batch = api.post("{\"deadline_ms\":31536000000,\"jobs\":[{\"kind\":\"echo\"}]}", "Prefer", "wait=60");

        assertThat(batch.at("/outcome").asString()).isEqualTo("succeeded");
    }

    @Test
    void aLiveUploadWhoseDeadlinePassesIsReadToItsEnd() throws Exception {
        try (RawStream upload = RawStream.upload(
                port,
                "PUT /v1/batches/live-late?start=immediately&deadline_ms=300",
                "Content-Type: application/x-ndjson")) {
            upload.send(GATE + "\n");
            gate.begun.acquire();
            Api.Reply ended = awaitEnd("/v1/batches/live-late");
            assertThat(ended.at("/outcome").asString()).isEqualTo("expired");
            upload.send(GATE + "\n");
            upload.sendEnd();

            assertThat(upload.head()).contains("http/1.1 202");
        }
        assertThat(api.get("/v1/batches/live-late").at("/counts/total").asInt()).isEqualTo(1);
    }

    @Test
    void aCancelAfterTheDeadlineIsAcceptedAndTheFirstReasonStands() {
        Api.Reply batch = api.post(
                "{\"deadline_ms\":100,\"jobs\":[{\"kind\":\"deaf\"},{\"kind\":\"deaf\"}]}", "Prefer", "respond-async");
        String path = batch.at("/links/self").asString();
        await().atMost(Duration.ofSeconds(60))
                .until(() -> api.get(path).at("/state").asString().equals("cancelling"));

        Api.Reply cancelled = api.cancel(path);

        assertThat(cancelled.status()).isEqualTo(202);
        assertThat(cancelled.at("/cancel_requested_at").isMissingNode()).isTrue();
        deaf.open.release(2);
        assertThat(awaitEnd(path).at("/counts/cancelled").asInt()).isZero();
        assertThat(api.get(path).at("/counts/expired").asInt()).isGreaterThanOrEqualTo(1);
    }
}
