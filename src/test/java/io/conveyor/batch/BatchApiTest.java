package io.conveyor.batch;

import static org.assertj.core.api.Assertions.assertThat;

import io.conveyor.store.BatchStore;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.test.context.TestPropertySource;
import tools.jackson.databind.JsonNode;

/** The whole service on a real file, spoken to over HTTP; every answer is held against the OpenAPI document. */
@TestPropertySource(
        properties = {
            "conveyor.intake.max-json-body=64KB",
            "conveyor.intake.max-job-size=1KB",
            "conveyor.intake.max-jobs=1000",
            "conveyor.intake.hold=200ms",
            "conveyor.pool.workers=2",
            "conveyor.pool.caller-runs=1"
        })
class BatchApiTest extends ServiceTest {

    private static final String ECHO = "[{\"kind\":\"echo\",\"input\":1.10}]";
    private static final String GATE = "[{\"kind\":\"gate\",\"input\":false,\"custom_id\":\"g\"}]";

    @Autowired
    BatchStore store;

    @Autowired
    Refusals refusals;

    @SuppressWarnings("NullAway.Init")
    BatchApiTest() {}

    private static String echoArray(int n) {
        return IntStream.range(0, n)
                .mapToObj(i -> "{\"kind\":\"echo\",\"input\":" + i + ",\"custom_id\":\"c" + i + "\"}")
                .collect(Collectors.joining(",", "[", "]"));
    }

    private static String id(Api.Reply batch) {
        return batch.at("/id").asString();
    }

    @Test
    void acceptsABatchAndShowsItUntilItEnds() {
        Api.Reply accepted = api.post("{\"jobs\":" + ECHO + ",\"name\":\"n\",\"metadata\":{\"m\":  1.0}}");

        assertThat(accepted.status()).isEqualTo(202);
        assertThat(accepted.header("Location")).isEqualTo("/v1/batches/" + id(accepted));
        assertThat(accepted.body()).contains("\"metadata\":{\"m\":  1.0}");
        Api.Reply ended = api.get("/v1/batches/" + id(accepted) + "?wait=60");
        assertThat(ended.at("/state").asString()).isEqualTo("ended");
        assertThat(ended.at("/outcome").asString()).isEqualTo("succeeded");
        assertThat(ended.header("Retry-After")).isNull();
        assertThat(ended.header("Cache-Control")).isEqualTo("private, no-cache");
        assertThat(ended.at("/ended_at").asString()).matches("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z");
    }

    @Test
    void answersWithTheResultsInOrderIfTheClientWaits() {
        Api.Reply done = api.post(echoArray(900), "Prefer", "wait=60");

        assertThat(done.status()).isEqualTo(200);
        assertThat(done.header("Preference-Applied")).isEqualTo("wait=60");
        JsonNode results = done.at("/results");
        assertThat(results).hasSize(900);
        for (int i = 0; i < 900; i++) {
            assertThat(results.get(i).at("/output").asInt()).isEqualTo(i);
        }
    }

    @Test
    void outputsComeBackByteForByte() {
        Api.Reply done = api.post(
                "[{\"kind\":\"echo\",\"input\":{\"a\": 1.10,\n\"b\":12345678901234567890, \"c\":\"\\u00e9\"}}]",
                "Prefer",
                "wait=60");

        assertThat(done.body()).contains("\"output\":{\"a\": 1.10, \"b\":12345678901234567890, \"c\":\"\\u00e9\"}");
    }

    @Test
    void anEmptyBatchEndsAtOnce() {
        Api.Reply done = api.post("[]", "Prefer", "wait=1");

        assertThat(done.status()).isEqualTo(200);
        assertThat(done.at("/outcome").asString()).isEqualTo("succeeded");
        assertThat(done.at("/results")).isEmpty();
    }

    @Test
    void aWaitThatIsTooShortGetsThePresentState() {
        Api.Reply accepted = api.post(GATE, "Prefer", "wait=1");

        assertThat(accepted.status()).isEqualTo(202);
        assertThat(accepted.header("Preference-Applied")).isEqualTo("wait=1");
        assertThat(accepted.at("/counts/total").asInt()).isEqualTo(1);
        assertThat(accepted.at("/results").isMissingNode()).isTrue();
        gate.open.release();
    }

    @Test
    void aWaitingClientIsToldOfTheEnd() throws InterruptedException {
        Api.Reply accepted = api.post(GATE, "Prefer", "respond-async");
        assertThat(accepted.status()).isEqualTo(202);
        assertThat(accepted.header("Preference-Applied")).isEqualTo("respond-async");
        gate.begun.acquire();
        String path = "/v1/batches/" + id(accepted);
        Api.Reply running = api.get(path);
        assertThat(running.at("/state").asString()).isEqualTo("running");
        assertThat(running.at("/counts/running").asInt()).isEqualTo(1);
        assertThat(running.header("Retry-After")).isEqualTo("1");
        assertThat(running.at("/started_at").isMissingNode()).isFalse();

        CompletableFuture<Api.Reply> batch = api.send("GET", path + "?wait=60", null);
        CompletableFuture<Api.Reply> preferred = api.send("GET", path, null, "Prefer", "wait=999");
        CompletableFuture<Api.Reply> result = api.send("GET", path + "/results/0?wait=60", null);
        gate.open.release();

        assertThat(batch.join().at("/state").asString()).isEqualTo("ended");
        assertThat(preferred.join().at("/state").asString()).isEqualTo("ended");
        assertThat(preferred.join().header("Preference-Applied")).isEqualTo("wait=60");
        assertThat(result.join().at("/output").asString()).isEqualTo("through");
    }

    @Test
    void countsAlwaysSumToTheTotal() {
        String id = id(api.post(echoArray(800)));

        Api.Reply batch;
        do {
            batch = api.get("/v1/batches/" + id);
            JsonNode counts = batch.at("/counts");
            int sum = counts.properties().stream()
                    .filter(count -> !count.getKey().equals("total"))
                    .mapToInt(count -> count.getValue().asInt())
                    .sum();
            assertThat(sum).isEqualTo(counts.get("total").asInt()).isEqualTo(800);
        } while (!batch.at("/state").asString().equals("ended"));
    }

    @Test
    void anUnchangedBatchIsNotSentAgain() {
        String path = "/v1/batches/" + id(api.post(ECHO, "Prefer", "wait=60"));
        String etag = String.valueOf(api.get(path).header("ETag"));

        assertThat(etag).startsWith("W/\"");
        Api.Reply unchanged = api.get(path, "If-None-Match", etag);
        assertThat(unchanged.status()).isEqualTo(304);
        assertThat(unchanged.body()).isEmpty();
        assertThat(api.get(path, "If-None-Match", "W/\"other\"").status()).isEqualTo(200);
    }

    @Test
    void theEtagChangesWhenTheBatchDoes() throws InterruptedException {
        String path = "/v1/batches/" + id(api.post(GATE, "Prefer", "respond-async"));
        gate.begun.acquire();
        String etag = String.valueOf(api.get(path).header("ETag"));
        assertThat(api.get(path, "If-None-Match", etag).status()).isEqualTo(304);

        gate.open.release();

        assertThat(api.get(path + "?wait=60", "If-None-Match", etag).status()).isEqualTo(200);
    }

    @Test
    void aRepeatedPutMakesOneBatch() {
        Api.Reply first = api.put("put-1", ECHO);
        Api.Reply again = api.put("put-1", ECHO, "Prefer", "wait=60");

        assertThat(first.status()).isEqualTo(202);
        assertThat(first.header("Location")).isEqualTo("/v1/batches/put-1");
        assertThat(again.status()).isEqualTo(200);
        assertThat(again.at("/created_at")).isEqualTo(first.at("/created_at"));
        assertThat(again.at("/results")).hasSize(1);
        Api.Reply other = api.put("put-1", "[]");
        assertThat(other.status()).isEqualTo(409);
        assertThat(other.problem()).isEqualTo("batch-exists");
        Api.Reply mustBeNew = api.put("put-1", ECHO, "If-None-Match", "*");
        assertThat(mustBeNew.status()).isEqualTo(412);
        assertThat(api.put("put-2", ECHO, "If-None-Match", "*").status()).isEqualTo(202);
    }

    @Test
    void simultaneousPutsMakeOneBatch() {
        List<CompletableFuture<Api.Reply>> puts = IntStream.range(0, 16)
                .mapToObj(i -> api.send("PUT", "/v1/batches/race", echoArray(300)))
                .toList();

        assertThat(puts.stream().map(put -> put.join().status()).filter(status -> status == 202))
                .hasSize(1);
        assertThat(puts.stream().map(put -> put.join().status())).containsOnly(200, 202);
        assertThat(api.get("/v1/batches/race?wait=60").at("/counts/succeeded").asInt())
                .isEqualTo(300);
    }

    @Test
    void listsTheNewestFirstPageByPage() {
        for (int i = 0; i < 5; i++) {
            api.post("{\"jobs\":[],\"name\":\"list & ü\"}");
        }
        String path = "/v1/batches?limit=2&state=ended&name=list%20%26%20%C3%BC";
        Api.Reply page = api.get(path);
        List<String> ids = new java.util.ArrayList<>();
        while (true) {
            page.at("/items").forEach(item -> ids.add(item.at("/id").asString()));
            if (page.at("/next").isMissingNode()) {
                break;
            }
            page = api.get(page.at("/next").asString());
        }

        assertThat(ids).hasSize(5).isSortedAccordingTo(java.util.Comparator.reverseOrder());
        assertThat(api.get("/v1/batches?name=nobody").at("/items")).isEmpty();
    }

    @Test
    void deletesWhatHasEnded() {
        String path = "/v1/batches/" + id(api.post(GATE));
        Api.Reply tooEarly = api.delete(path);
        assertThat(tooEarly.status()).isEqualTo(409);
        assertThat(tooEarly.problem()).isEqualTo("batch-not-ended");
        gate.open.release();
        api.get(path + "?wait=60");

        assertThat(api.delete(path).status()).isEqualTo(204);

        assertThat(api.delete(path).status()).isEqualTo(404);
        assertThat(api.get(path).status()).isEqualTo(404);
        assertThat(api.get(path + "/results").status()).isEqualTo(404);
        assertThat(api.get(path + "/results/0").status()).isEqualTo(404);
    }

    @Test
    void resultsComeAsLines() {
        String path = "/v1/batches/" + id(api.post(echoArray(600), "Prefer", "wait=60")) + "/results";

        Api.Reply all = api.get(path, "Accept", "*/*");
        assertThat(all.header("Content-Type")).isEqualTo("application/x-ndjson");
        assertThat(all.header("Batch-State")).isEqualTo("ended");
        assertThat(all.header("Batch-Job-Count")).isEqualTo("600");
        List<String> lines = all.body().lines().toList();
        assertThat(lines).hasSize(600);
        assertThat(lines.get(599)).startsWith("{\"index\":599,").contains("\"custom_id\":\"c599\"");
        assertThat(api.get(path + "?after=255&limit=2").body().lines()).containsExactly(lines.get(256), lines.get(257));
        assertThat(api.get(path + "?after=599").body()).isEmpty();
        assertThat(api.get(path + "?state=failed").body()).isEmpty();
        assertThat(api.get(path + "?state=failed,succeeded&order=input").body()).isEqualTo(all.body());
    }

    @Test
    void resultsComeInPages() {
        String path = "/v1/batches/" + id(api.post(echoArray(600), "Prefer", "wait=60")) + "/results";
        Api.Reply page = api.get(path + "?limit=250&state=succeeded", "Accept", "application/json");
        List<Integer> indexes = new java.util.ArrayList<>();
        int pages = 1;
        while (true) {
            page.at("/items").forEach(item -> indexes.add(item.at("/index").asInt()));
            if (page.at("/next").isMissingNode()) {
                break;
            }
            page = api.get(page.at("/next").asString(), "Accept", "application/json");
            pages++;
        }

        assertThat(pages).isEqualTo(3);
        assertThat(indexes).isEqualTo(IntStream.range(0, 600).boxed().toList());
    }

    @Test
    void resultsOfARunningBatchAreThoseThatThereAre() throws InterruptedException {
        String path = "/v1/batches/"
                + id(
                        api.post(
                                "[{\"kind\":\"gate\",\"input\":false,\"custom_id\":\"g\"},{\"kind\":\"gate\",\"input\":true}]"));
        gate.begun.acquire();
        api.get(path + "/results/1?wait=60");

        Api.Reply now = api.get(path + "/results");
        assertThat(now.header("Batch-State")).isEqualTo("running");
        assertThat(now.body().lines()).hasSize(1).first().asString().contains("\"state\":\"failed\"");
        assertThat(api.get(path + "/results?state=failed").body()).isEqualTo(now.body());
        Api.Reply first = api.get(path + "/results/0");
        assertThat(first.body()).isEqualTo("{\"index\":0,\"custom_id\":\"g\",\"kind\":\"gate\",\"state\":\"running\"}");
        assertThat(api.get(path + "/results/2").problem()).isEqualTo("result-not-found");
        assertThat(api.get(path).at("/progress/rate_per_second").asDouble()).isPositive();

        gate.open.release();
        assertThat(api.get(path + "?wait=60").at("/outcome").asString()).isEqualTo("partial");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    /v1/batches?limit=0                 | limit
                    /v1/batches?limit=1001              | limit
                    /v1/batches?limit=x                 | limit
                    /v1/batches?state=done              | state
                    /v1/batches?cursor=x                | cursor
                    /v1/batches?frobnicate=1            | frobnicate
                    /v1/batches/parameters?wait=61      | wait
                    /v1/batches/parameters?wait=-1      | wait
                    /v1/batches/parameters?wait=1.5     | wait
                    /v1/batches/parameters/results?order=sideways   | order
                    /v1/batches/parameters/results?state=pending    | state
                    /v1/batches/parameters/results?state=           | state
                    /v1/batches/parameters/results?after=-1         | after
                    /v1/batches/parameters/results?limit=0          | limit
                    /v1/batches/parameters/results?follow=yes       | follow
                    /v1/batches/parameters/results?cursor=AAAAAAAAAAA | cursor
                    /v1/batches/parameters/results/x                | index
                    /v1/batches/parameters/results/-1               | index
                    """)
    void refusesParametersThatCannotBeUsed(String path, String parameter) {
        api.put("parameters", ECHO);

        Api.Reply refused = api.get(path);

        assertThat(refused.status()).isEqualTo(400);
        assertThat(refused.problem()).isEqualTo("invalid-parameter");
        assertThat(refused.at("/parameter").asString()).isEqualTo(parameter);
    }

    @Test
    void refusesWhatItCannotAnswerOrRead() {
        String results = "/v1/batches/" + id(api.post(ECHO)) + "/results";
        assertThat(api.get(results, "Accept", "text/plain").status()).isEqualTo(406);
        assertThat(api.post(ECHO, "Accept", "text/csv").status()).isEqualTo(406);
        assertThat(api.post(ECHO, "Accept", "application/x-ndjson").body().lines())
                .hasSize(1);
        assertThat(api.post(ECHO, "Content-Type", "text/plain").status()).isEqualTo(415);
        assertThat(api.put("-x", ECHO).at("/parameter").asString()).isEqualTo("id");
        assertThat(api.put("x".repeat(64), ECHO).status()).isEqualTo(400);
    }

    @Test
    void aRefusedBatchHasStoredNothing() {
        String newest = api.get("/v1/batches?limit=1").body();
        long backlog = store.status().backlogJobs();

        Api.Reply invalid = api.put("refused", echoArray(900).replace("}]", "},{\"kind\":\"ecko\"}]"));
        assertThat(invalid.status()).isEqualTo(422);
        assertThat(invalid.at("/errors/0/pointer").asString()).isEqualTo("/900/kind");
        Api.Reply broken = api.put("refused", echoArray(900).replace("}]", "}"));
        assertThat(broken.status()).isEqualTo(400);
        assertThat(broken.problem()).isEqualTo("malformed-json");
        assertThat(broken.at("/column").asInt()).isPositive();

        assertThat(api.get("/v1/batches/refused").status()).isEqualTo(404);
        assertThat(api.get("/v1/batches?limit=1").body()).isEqualTo(newest);
        assertThat(store.status().backlogJobs()).isEqualTo(backlog);
    }

    @Test
    void refusesWhatIsTooLargeAndCountsIt() {
        long large = refusals.count(Refusals.Reason.TOO_LARGE);
        long many = refusals.count(Refusals.Reason.TOO_MANY_JOBS);

        Api.Reply tooLarge = api.post("[" + " ".repeat(70_000) + "]");
        assertThat(tooLarge.status()).isEqualTo(413);
        assertThat(tooLarge.at("/limit").asInt()).isEqualTo(65_536);
        Api.Reply tooMany = api.post("[" + "{\"kind\":\"echo\"},".repeat(1000) + "{\"kind\":\"echo\"}]");
        assertThat(tooMany.status()).isEqualTo(422);
        assertThat(tooMany.problem()).isEqualTo("too-many-jobs");

        assertThat(refusals.count(Refusals.Reason.TOO_LARGE)).isEqualTo(large + 1);
        assertThat(refusals.count(Refusals.Reason.TOO_MANY_JOBS)).isEqualTo(many + 1);
    }

    @Test
    void tellsOfItself() {
        Api.Reply service = api.get("/v1");
        assertThat(service.at("/links/batches").asString()).isEqualTo("/v1/batches");
        assertThat(service.at("/limits/max_jobs").asInt()).isEqualTo(1000);
        assertThat(service.at("/limits/max_job_bytes").asInt()).isEqualTo(1024);
        JsonNode kinds = api.get("/v1/job-kinds").at("/items");
        assertThat(kinds.findValuesAsString("name"))
                .contains("echo", "gate", "hash", "sleep")
                .isSorted();
        assertThat(kinds.findValue("input_schema").isContainer()).isTrue();
    }

    /** Each is sent, and both the request and its answer are held against the document by {@link Api}. */
    @Test
    void everyOperationOfTheDocumentIsThereAndTrue() {
        String id = "documented";
        Map<String, Supplier<Api.Reply>> asked = new TreeMap<>();
        asked.put("PUT /v1/batches/{id}", () -> api.put(id, echoArray(3), "Prefer", "wait=10"));
        asked.put(
                "POST /v1/batches",
                () -> api.post("{\"name\":\"n\",\"jobs\":" + echoArray(1) + "}", "Prefer", "wait=10"));
        asked.put("GET /v1/batches", () -> api.get("/v1/batches?limit=1&state=ended"));
        asked.put("GET /v1/batches/{id}", () -> api.get("/v1/batches/" + id + "?wait=10"));
        asked.put("GET /v1/batches/{id}/results", () -> api.get("/v1/batches/" + id + "/results?after=0&limit=1"));
        asked.put("GET /v1/batches/{id}/events", () -> api.get("/v1/batches/" + id + "/events?last_event_id=1"));
        asked.put("GET /v1/batches/{id}/results/{index}", () -> api.get("/v1/batches/" + id + "/results/2?wait=10"));
        asked.put("GET /v1/job-kinds", () -> api.get("/v1/job-kinds"));
        asked.put("GET /v1", () -> api.get("/v1"));
        asked.put("GET /problems/{slug}", () -> api.get("/problems/job-failed"));
        asked.put("POST /v1/batches/{id}/cancel", () -> api.cancel("/v1/batches/" + id));
        Map<String, String> refused = Map.of(
                "POST /v1/batches/{id}/pause", "batch-not-running",
                "POST /v1/batches/{id}/resume", "batch-not-running",
                "POST /v1/batches/{id}/retry", "nothing-to-retry");
        refused.keySet()
                .forEach(operation -> asked.put(
                        operation,
                        () -> api.send("POST", operation.substring(5).replace("{id}", id), null)
                                .join()));
        asked.put("DELETE /v1/batches/{id}", () -> api.delete("/v1/batches/" + id));

        assertThat(api.operations()).isEqualTo(asked.keySet());
        List.of("PUT /v1/batches/{id}", "GET /v1/batches/{id}", "GET /v1/batches/{id}/results/{index}")
                .forEach(operation ->
                        assertThat(asked.get(operation).get().status()).isIn(200, 202));
        refused.forEach((operation, problem) ->
                assertThat(asked.remove(operation).get().problem()).isEqualTo(problem));
        asked.remove("PUT /v1/batches/{id}");
        Supplier<Api.Reply> deletion = asked.remove("DELETE /v1/batches/{id}");
        asked.forEach(
                (operation, ask) -> assertThat(ask.get().status()).as(operation).isEqualTo(200));
        assertThat(deletion.get().status()).isEqualTo(204);
    }

    @Test
    void headOfResultsWritesNone() {
        String path = "/v1/batches/" + id(api.post(ECHO, "Prefer", "wait=60")) + "/results";

        Api.Reply head = api.send("HEAD", path, null).join();

        assertThat(head.status()).isEqualTo(200);
        assertThat(head.header("Batch-Job-Count")).isEqualTo("1");
        assertThat(head.header("Content-Length")).isIn(null, "0");
    }
}
