package io.conveyor.batch;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.test.context.TestPropertySource;

/** One key, one batch. */
@TestPropertySource(properties = {"conveyor.pool.workers=2"})
class IdempotencyApiTest extends ServiceTest {

    private static final String KEY = "Idempotency-Key";
    private static final String ECHO = "[{\"kind\":\"echo\",\"input\":1}]";

    @Test
    void theSameRequestWithTheSameKeyIsAnsweredWithItsBatch() {
        Api.Reply first = api.post(ECHO, KEY, "k-1");
        Api.Reply again = api.post(ECHO, KEY, "\"k-1\"", "Prefer", "wait=60");

        assertThat(first.status()).isEqualTo(202);
        assertThat(first.header("Idempotent-Replayed")).isNull();
        assertThat(again.status()).isEqualTo(200);
        assertThat(again.header("Idempotent-Replayed")).isEqualTo("true");
        assertThat(again.at("/id")).isEqualTo(first.at("/id"));
        assertThat(again.at("/results")).hasSize(1);
        assertThat(api.post(ECHO, KEY, "k-2").at("/id")).isNotEqualTo(first.at("/id"));
    }

    @Test
    void anotherRequestWithTheKeyIsRefused() {
        Api.Reply first = api.post(ECHO, KEY, "m-1");

        List.of(
                        api.post("[]", KEY, "m-1"),
                        api.put("m-batch", ECHO, KEY, "m-1"),
                        api.send("POST", "/v1/batches?name=n", ECHO, KEY, "m-1").join(),
                        api.post(ECHO + "\n", KEY, "m-1"))
                .forEach(other -> {
                    assertThat(other.status()).isEqualTo(422);
                    assertThat(other.problem()).isEqualTo("idempotency-key-mismatch");
                    assertThat(other.at("/batch_id")).isEqualTo(first.at("/id"));
                });
        assertThat(api.get("/v1/batches/m-batch").status()).isEqualTo(404);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "\"\"", "\"open", "\"a\"b", "\"a\\b\""})
    void whatIsNoKeyIsRefused(String key) {
        Api.Reply refused = api.post(ECHO, KEY, key);

        assertThat(refused.status()).isEqualTo(400);
        assertThat(refused.problem()).isEqualTo("idempotency-key-invalid");
    }

    @Test
    void aKeyHasUpTo255CharactersAndThereIsOne() {
        assertThat(api.post(ECHO, KEY, "x".repeat(255)).status()).isEqualTo(202);
        assertThat(api.post(ECHO, KEY, "x".repeat(256)).problem()).isEqualTo("idempotency-key-invalid");
        assertThat(api.post(ECHO, KEY, "a", KEY, "b").problem()).isEqualTo("idempotency-key-invalid");
        assertThat(api.post(ECHO, KEY, "\"with \\\"quotes\\\" and \\\\\"").status())
                .isEqualTo(202);
    }

    @Test
    void ofEqualRequestsAtTheSameTimeOneMakesTheBatch() {
        for (int round = 0; round < 20; round++) {
            String key = "race-" + round;
            List<CompletableFuture<Api.Reply>> posts = IntStream.range(0, 8)
                    .mapToObj(i -> api.send("POST", "/v1/batches", ECHO, KEY, key))
                    .toList();
            List<Api.Reply> replies =
                    posts.stream().map(CompletableFuture::join).toList();

            assertThat(replies).filteredOn(reply -> reply.status() == 202).hasSize(1);
            assertThat(replies).allSatisfy(reply -> assertThat(reply.status()).isIn(202, 200, 409));
            assertThat(replies).filteredOn(reply -> reply.status() == 409).allSatisfy(reply -> {
                assertThat(reply.problem()).isEqualTo("idempotency-key-in-flight");
                assertThat(reply.header("Retry-After")).isNotNull();
            });
            assertThat(replies.stream()
                            .filter(reply -> reply.status() != 409)
                            .map(reply -> reply.at("/id").asString())
                            .distinct())
                    .hasSize(1);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"/v1/batches", "/v1/batches?start=immediately"})
    void aKeyIsInUseForAsLongAsItsUploadArrives(String path) throws Exception {
        String key = "in-use-" + path.length();
        String[] headers = {"Content-Type", "application/x-ndjson", KEY, key};
        String made;
        try (RawStream upload = RawStream.upload(
                port, "POST " + path, "Content-Type: application/x-ndjson", KEY + ": " + key, "Expect: 100-continue")) {
            assertThat(upload.head()).contains("http/1.1 100"); // so it has got as far as reading the body
            upload.send(echo(1));

            for (Api.Reply second : List.of(
                    api.send("POST", path, echo(1), headers).join(),
                    api.post(ECHO, KEY, key),
                    api.put("other", ECHO, KEY, key))) {
                assertThat(second.status()).isEqualTo(409);
                assertThat(second.problem()).isEqualTo("idempotency-key-in-flight");
                assertThat(second.header("Retry-After")).isEqualTo("1");
            }
            assertThat(api.post(ECHO, KEY, "not-" + key).status()).isEqualTo(202);
            upload.sendEnd();
            made = location(upload.head());
        }
        Api.Reply again = api.send("POST", path, echo(1), headers).join();
        assertThat(again.status()).isEqualTo(200);
        assertThat(again.at("/links/self").asString()).isEqualTo(made);
    }

    private static String location(List<String> head) {
        assertThat(head).contains("http/1.1 202");
        return head.stream()
                .filter(line -> line.startsWith("location: "))
                .findFirst()
                .orElseThrow()
                .substring("location: ".length());
    }

    @Test
    void aRefusedRequestLeavesItsKeyFree() {
        assertThat(api.post("[{\"kind\":\"ecko\"}]", KEY, "free").status()).isEqualTo(422);
        assertThat(api.post(ECHO, KEY, "free").status()).isEqualTo(202);
    }

    @Test
    void aKeyOutlivesItsBatch() {
        Api.Reply first = api.post(ECHO, KEY, "gone", "Prefer", "wait=60");
        assertThat(api.delete("/v1/batches/" + first.at("/id").asString()).status())
                .isEqualTo(204);

        Api.Reply again = api.post(ECHO, KEY, "gone");
        assertThat(again.status()).isEqualTo(404);
        assertThat(again.problem()).isEqualTo("batch-not-found");
        assertThat(api.post("[]", KEY, "gone").status()).isEqualTo(422);
    }

    @Test
    void aPutMayHaveAKeyToo() {
        assertThat(api.put("keyed", ECHO, KEY, "p-1").status()).isEqualTo(202);
        Api.Reply again = api.put("keyed", ECHO, KEY, "p-1");
        assertThat(again.status()).isEqualTo(200);
        assertThat(again.header("Idempotent-Replayed")).isEqualTo("true");
        assertThat(api.put("keyed", ECHO).status()).isEqualTo(200);
        assertThat(api.put("keyed-2", ECHO, KEY, "p-1").status()).isEqualTo(422);
    }

    @Test
    void aLiveUploadCanBeAskedForAgainByItsKey() {
        String lines = "{\"kind\":\"echo\",\"input\":1}\n".repeat(700);
        String[] headers = {"Content-Type", "application/x-ndjson", KEY, "live"};
        Api.Reply first = api.send("POST", "/v1/batches?start=immediately", lines, headers)
                .join();
        Api.Reply again = api.send("POST", "/v1/batches?start=immediately", lines, headers)
                .join();

        assertThat(first.status()).isEqualTo(202);
        assertThat(again.status()).isEqualTo(200);
        assertThat(again.at("/id")).isEqualTo(first.at("/id"));
        assertThat(api.send("POST", "/v1/batches?start=immediately", lines + "\n", headers)
                        .join()
                        .problem())
                .isEqualTo("idempotency-key-mismatch");
    }
}
