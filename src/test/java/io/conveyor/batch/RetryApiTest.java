package io.conveyor.batch;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Batches of the jobs of others that did not succeed, as clients see them. */
class RetryApiTest extends ServiceTest {

    private static final JsonMapper JSON = new JsonMapper();

    @SuppressWarnings("NullAway.Init")
    RetryApiTest() {}

    private Api.Reply retry(String id, String query, String... headers) {
        return api.send("POST", "/v1/batches/" + id + "/retry" + query, null, headers)
                .join();
    }

    /** Makes a batch whose jobs of these indexes have failed; all others, out of so many, have not. */
    private void ended(String id, int total, List<Integer> failed) {
        String lines = IntStream.range(0, total)
                .mapToObj(n -> failed.contains(n)
                        ? "{\"kind\":\"gate\",\"input\":true,\"custom_id\":\"job-" + n + "\"}\n"
                        : echo(n))
                .collect(Collectors.joining());
        Api.Reply reply = api.put(id, lines, "Content-Type", "application/x-ndjson", "Prefer", "wait=60");
        assertThat(reply.at("/counts/failed").asInt()).isEqualTo(failed.size());
    }

    private List<JsonNode> results(String id, String query) {
        String body = api.get("/v1/batches/" + id + "/results" + query).body();
        List<JsonNode> results = new ArrayList<>();
        body.lines().forEach(line -> results.add(JSON.readTree(line)));
        return results;
    }

    private List<Integer> indexes(String id, String query) {
        return results(id, query).stream()
                .map(line -> line.at("/index").asInt())
                .toList();
    }

    @Test
    void aBodyIsRefusedInsteadOfPassedOver() {
        ended("with-body", 3, List.of(1));

        Api.Reply reply = api.send("POST", "/v1/batches/with-body/retry", "{\"state\":\"expired\"}")
                .join();

        assertThat(reply.status()).isEqualTo(400);
        assertThat(reply.at("/detail").asString()).contains("?state=failed");
        assertThat(api.get("/v1/batches").at("/items"))
                .noneMatch(batch -> batch.path("retry_of").asString().equals("with-body"));
    }

    @Test
    void theFailedRunAgainUnderTheirOwnIndexesAndNames() {
        List<Integer> failed = List.of(3, 4, 255, 256, 700, 1999);
        ended("first", 2000, failed);

        Api.Reply reply = retry("first", "", "Prefer", "wait=60");

        assertThat(reply.status()).isEqualTo(200);
        assertThat(reply.at("/retry_of").asString()).isEqualTo("first");
        assertThat(reply.at("/counts/total").asInt()).isEqualTo(6);
        assertThat(reply.at("/counts/failed").asInt()).isEqualTo(6);
        String id = reply.at("/id").asString();
        assertThat(indexes(id, "")).isEqualTo(failed);
        assertThat(results(id, "?state=failed").stream()
                        .map(r -> r.at("/custom_id").asString()))
                .containsExactly("job-3", "job-4", "job-255", "job-256", "job-700", "job-1999");
        assertThat(new TreeSet<>(indexes(id, "?order=completion"))).isEqualTo(new TreeSet<>(failed));
        assertThat(results(id, "?order=completion").stream()
                        .map(r -> r.at("/seq").asInt()))
                .containsExactly(1, 2, 3, 4, 5, 6);
        assertThat(indexes(id, "?after=255")).containsExactly(256, 700, 1999);
        assertThat(indexes(id, "?after=256&limit=1")).containsExactly(700);
        assertThat(indexes(id, "?after=1999")).isEmpty();
        assertThat(indexes(id, "?follow=true")).isEqualTo(failed);
        assertThat(api.get("/v1/batches/" + id + "/results/700")
                        .at("/custom_id")
                        .asString())
                .isEqualTo("job-700");
        for (int absent : new int[] {0, 5, 701, 2000}) {
            Api.Reply none = api.get("/v1/batches/" + id + "/results/" + absent);
            assertThat(none.status()).isEqualTo(404);
            assertThat(none.problem()).isEqualTo("result-not-found");
        }
        Api.Reply page = api.get("/v1/batches/" + id + "/results?limit=4", "Accept", "application/json");
        assertThat(page.at("/items").size()).isEqualTo(4);
        assertThat(api.get(page.at("/next").asString(), "Accept", "application/json")
                        .at("/items/1/index")
                        .asInt())
                .isEqualTo(1999);
    }

    @Test
    void aFollowerInInputOrderWaitsForTheJobsThereAreAndForNoOthers() throws Exception {
        // Three jobs that hold three workers of four or more until they are cancelled, and again when they are retried.
        String jobs = IntStream.range(0, 600)
                .mapToObj(n -> n % 200 == 7
                        ? "{\"kind\":\"gate\",\"input\":false}"
                        : "{\"kind\":\"echo\",\"input\":" + n + "}")
                .collect(Collectors.joining(",", "[", "]"));
        api.put("held", jobs, "Prefer", "respond-async");
        assertThat(gate.begun.tryAcquire(3, 60, TimeUnit.SECONDS)).isTrue();
        while (api.get("/v1/batches/held").at("/counts/succeeded").asInt() < 597) {
            Thread.onSpinWait();
        }
        api.cancel("/v1/batches/held");
        assertThat(api.get("/v1/batches/held?wait=60").at("/counts/cancelled").asInt())
                .isEqualTo(3);

        Api.Reply again = retry("held", "?state=cancelled", "Prefer", "respond-async");
        String id = again.at("/id").asString();

        assertThat(again.status()).isEqualTo(202);
        assertThat(again.header("Location")).isEqualTo("/v1/batches/" + id);
        assertThat(gate.begun.tryAcquire(3, 60, TimeUnit.SECONDS)).isTrue();
        assertThat(api.get("/v1/batches/" + id).at("/counts/running").asInt()).isEqualTo(3);
        assertThat(api.get("/v1/batches/" + id + "/results/207").at("/state").asString())
                .isEqualTo("running");
        CompletableFuture<Api.Reply> follower = api.send("GET", "/v1/batches/" + id + "/results?follow=true", null);
        gate.open.release(3);
        assertThat(follower.join()
                        .body()
                        .lines()
                        .map(line -> JSON.readTree(line).at("/index").asInt()))
                .containsExactly(7, 207, 407);
        assertThat(api.get("/v1/batches/" + id + "?wait=60").at("/outcome").asString())
                .isEqualTo("succeeded");
    }

    @Test
    void onlyTheStatesThatAreAskedForAreRetriedAndARetryCanBeRetried() {
        ended("mixed", 300, List.of(10, 299));

        Api.Reply none = retry("mixed", "?state=cancelled,expired");
        assertThat(none.status()).isEqualTo(409);
        assertThat(none.problem()).isEqualTo("nothing-to-retry");
        assertThat(none.at("/detail").asString()).contains("none is cancelled, expired");

        Api.Reply once = retry("mixed", "?state=failed", "Prefer", "wait=60");
        Api.Reply twice = retry(once.at("/id").asString(), "", "Prefer", "wait=60");

        assertThat(twice.at("/retry_of").asString()).isEqualTo(once.at("/id").asString());
        assertThat(indexes(twice.at("/id").asString(), "")).containsExactly(10, 299);
    }

    @Test
    void theOptionsAreTakenOverButTheDeadlineIsNot() {
        String body = "{\"jobs\":[{\"kind\":\"gate\",\"input\":true,\"metadata\":{\"m\":1}}],\"name\":\"nightly\","
                + "\"metadata\":{\"a\":1.10},\"timeout_ms\":5000,\"max_concurrency\":3,\"deadline_ms\":60000,"
                + "\"on_error\":{\"tolerate\":7}}";
        Api.Reply original = api.put("options", body, "Prefer", "wait=60");
        assertThat(original.at("/deadline_at").isMissingNode()).isFalse();

        Api.Reply reply = retry("options", "", "Prefer", "wait=60");

        assertThat(reply.at("/name").asString()).isEqualTo("nightly");
        assertThat(reply.body()).contains("\"metadata\":{\"a\":1.10}");
        assertThat(reply.at("/max_concurrency").asInt()).isEqualTo(3);
        assertThat(reply.at("/on_error/tolerate").asInt()).isEqualTo(7);
        assertThat(reply.at("/deadline_at").isMissingNode()).isTrue();
        assertThat(retry("options", "?deadline_ms=60000").at("/deadline_at").isMissingNode())
                .isFalse();
    }

    @Test
    void linesThatWereNoJobsAreLeftOut() {
        String lines = "{\"kind\":\"gate\",\"input\":true}\nno job\n" + echo(2);
        api.put("lines", lines, "Content-Type", "application/x-ndjson", "Prefer", "wait=60");

        Api.Reply reply = retry("lines", "", "Prefer", "wait=60");
        assertThat(indexes(reply.at("/id").asString(), "")).containsExactly(0);

        api.put("noise", "no job\n", "Content-Type", "application/x-ndjson", "Prefer", "wait=60");
        Api.Reply none = retry("noise", "");
        assertThat(none.problem()).isEqualTo("nothing-to-retry");
        assertThat(none.at("/detail").asString()).contains("all 1 that are").contains("could not be read");
    }

    @Test
    void whatHasNotEndedOrIsNotThereIsNotRetriedAndNothingIsMade() {
        api.put("going", "[{\"kind\":\"gate\",\"input\":false}]", "Prefer", "respond-async");
        int before = api.get("/v1/batches?limit=1000").at("/items").size();

        Api.Reply early = retry("going", "");
        assertThat(early.status()).isEqualTo(409);
        assertThat(early.problem()).isEqualTo("batch-not-ended");
        assertThat(early.at("/state").asString()).isEqualTo("running");
        assertThat(retry("nobody", "").problem()).isEqualTo("batch-not-found");

        assertThat(api.get("/v1/batches?limit=1000").at("/items").size()).isEqualTo(before);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "?state=succeeded",
                "?state=",
                "?state=failed,pending",
                "?state=failed&state=expired",
                "?now=1",
                "?deadline_ms=0"
            })
    void whatCannotBeAskedForIsSaid(String query) {
        ended("asked" + query.hashCode(), 1, List.of(0));

        assertThat(retry("asked" + query.hashCode(), query).problem()).isEqualTo("invalid-parameter");
    }

    @Test
    void aKeyMakesARetrySafeToRepeatEvenAfterTheOtherBatchIsGone() {
        ended("keyed", 5, List.of(1, 3));
        Api.Reply first = retry("keyed", "", "Idempotency-Key", "again-1", "Prefer", "wait=60");
        Api.Reply second = retry("keyed", "?state=cancelled,failed,expired", "Idempotency-Key", "again-1");

        assertThat(second.status()).isEqualTo(200);
        assertThat(second.header("Idempotent-Replayed")).isEqualTo("true");
        assertThat(second.at("/id").asString()).isEqualTo(first.at("/id").asString());
        assertThat(retry("keyed", "?state=failed", "Idempotency-Key", "again-1").problem())
                .isEqualTo("idempotency-key-mismatch");
        assertThat(retry("keyed", "").at("/id").asString())
                .isNotEqualTo(first.at("/id").asString());

        api.delete("/v1/batches/keyed");
        assertThat(retry("keyed", "", "Idempotency-Key", "again-1").at("/id").asString())
                .isEqualTo(first.at("/id").asString());
        assertThat(retry("keyed", "", "Idempotency-Key", "again-2").problem()).isEqualTo("batch-not-found");
    }

    @Test
    void ofManyRetriesWithOneKeyAtOnceThereIsOneBatch() {
        ended("raced", 400, IntStream.range(0, 400).boxed().toList());
        List<CompletableFuture<Api.Reply>> replies = new ArrayList<>();
        for (int n = 0; n < 8; n++) {
            replies.add(api.send("POST", "/v1/batches/raced/retry", null, "Idempotency-Key", "raced"));
        }
        List<String> ids = replies.stream()
                .map(CompletableFuture::join)
                .filter(reply -> reply.status() != 409) // the first was still arriving
                .map(reply -> reply.at("/id").asString())
                .distinct()
                .toList();

        assertThat(ids).hasSize(1);
        assertThat(List.of(
                        retry("raced", "", "Idempotency-Key", "raced").at("/id").asString()))
                .isEqualTo(ids);
    }
}
