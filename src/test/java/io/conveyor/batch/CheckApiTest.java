package io.conveyor.batch;

import static org.assertj.core.api.Assertions.assertThat;

import io.conveyor.store.BatchStore;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.test.context.TestPropertySource;
import tools.jackson.databind.JsonNode;

/** Submissions that are only looked at: what would become of them is told, and nothing of them is there. */
@TestPropertySource(properties = {"conveyor.intake.max-jobs=500", "conveyor.intake.max-json-body=64KB"})
class CheckApiTest extends ServiceTest {

    private static final String LINES = "application/x-ndjson";

    @Autowired
    BatchStore store;

    @SuppressWarnings("NullAway.Init")
    CheckApiTest() {}

    private Api.Reply put(String id, String body, String type, String... headers) {
        String[] all = new String[headers.length + 2];
        all[0] = "Content-Type";
        all[1] = type;
        System.arraycopy(headers, 0, all, 2, headers.length);
        return api.send("PUT", "/v1/batches/" + id + "?validate_only=true", body, all)
                .join();
    }

    private Api.Reply json(String body) {
        return put("looked-at", body, "application/json");
    }

    private Api.Reply lines(String body) {
        return put("looked-at", body, LINES);
    }

    private void assertNothingIsThere(String id) {
        assertThat(api.get("/v1/batches/" + id).status()).isEqualTo(404);
        assertThat(store.backlogJobs()).isZero();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "application/json | [{\"kind\":\"echo\"},{\"kind\":\"gate\"}]",
                "application/json | {\"jobs\":[{\"kind\":\"echo\"},{\"kind\":\"gate\"}],\"name\":\"n\"}",
                "application/x-ndjson | {\"kind\":\"echo\"}\\n\\n{\"kind\":\"gate\"}",
                "application/octet-stream | {\"kind\":\"echo\"}\\n{\"kind\":\"gate\"}\\n"
            })
    void whatWouldBeTakenIsNot(String type, String body) {
        Api.Reply reply = put("looked-at", body.replace("\\n", "\n"), type);

        assertThat(reply.status()).isEqualTo(200);
        assertThat(reply.body()).isEqualTo("{\"accepted\":true,\"total\":2,\"errors\":[]}");
        assertThat(reply.header("Location")).isNull();
        assertNothingIsThere("looked-at");
    }

    @Test
    void everyErrorOfAJsonBodyIsShownWithThatWhichItWouldBeRefusedWith() {
        Api.Reply reply = json("[{\"kind\":\"ecko\"},{\"kind\":\"echo\"},{\"inputs\":1}]");

        assertThat(reply.status()).isEqualTo(200);
        assertThat(reply.at("/accepted").asBoolean()).isFalse();
        assertThat(reply.at("/total").isMissingNode()).isTrue();
        assertThat(reply.at("/problem/type").asString()).isEqualTo("/problems/validation-failed");
        assertThat(reply.at("/problem/status").asInt()).isEqualTo(422);
        assertThat(reply.at("/errors"))
                .extracting(each -> each.path("pointer").asString() + " "
                        + each.path("code").asString())
                .containsExactly("/0/kind unknown-kind", "/2/inputs unknown-field", "/2/kind missing-field");
        assertNothingIsThere("looked-at");
    }

    @Test
    void linesThatWouldFailAreShownWithTheirNumbersAndTheRestWouldRun() {
        Api.Reply reply =
                lines("{\"kind\":\"echo\"}\n\noops\n{\"kind\":\"ecko\"}\n{\"kind\":\"echo\",\"timeout_ms\":0}\n");

        assertThat(reply.at("/accepted").asBoolean()).isTrue();
        assertThat(reply.at("/total").asInt()).isEqualTo(4);
        assertThat(reply.at("/errors"))
                .extracting(each -> each.path("line").asInt() + " "
                        + each.path("pointer").asString() + " "
                        + each.path("code").asString())
                .containsExactly("3  invalid-job", "4  unknown-kind", "5 /timeout_ms out-of-range");
        assertThat(reply.at("/errors/0/column").asInt()).isPositive();
        assertThat(reply.at("/errors/1/known_kinds").size()).isPositive();
        assertThat(reply.at("/errors/1/detail").asString()).contains("echo");
        assertNothingIsThere("looked-at");
    }

    @Test
    void ofVeryManyErrorsAHundredAreShown() {
        Api.Reply reply = lines(IntStream.range(0, 300).mapToObj(n -> "oops\n").collect(Collectors.joining()));

        assertThat(reply.at("/total").asInt()).isEqualTo(300);
        assertThat(reply.at("/errors").size()).isEqualTo(100);
        assertThat(reply.at("/errors_truncated").asBoolean()).isTrue();
        Api.Reply whole = json(IntStream.range(0, 300).mapToObj(n -> "{}").collect(Collectors.joining(",", "[", "]")));
        assertThat(whole.at("/errors").size()).isEqualTo(100);
        assertThat(whole.at("/errors_truncated").asBoolean()).isTrue();
    }

    @Test
    void whatIsNoJsonIsToldWithItsPlace() {
        JsonNode problem = json("[{\"kind\":\n oops}]").at("/problem");

        assertThat(problem.at("/type").asString()).isEqualTo("/problems/malformed-json");
        assertThat(problem.at("/line").asInt()).isEqualTo(2);
        assertThat(lines("{\"kind\":\"echo\"}\n".repeat(501))
                        .at("/problem/type")
                        .asString())
                .isEqualTo("/problems/too-many-jobs");
    }

    @Test
    void whatAnEarlierRequestHasTakenIsToldAsTheAnswerWouldTellIt() {
        String[] lines = {"Content-Type", LINES};
        assertThat(api.put("taken", echo(1), lines).status()).isEqualTo(202);

        assertThat(put("taken", echo(1), LINES).at("/accepted").asBoolean()).isTrue();
        assertThat(put("taken", echo(2), LINES).at("/problem/type").asString()).isEqualTo("/problems/batch-exists");
        assertThat(put("taken", echo(1), LINES, "If-None-Match", "*")
                        .at("/problem/status")
                        .asInt())
                .isEqualTo(412);
        assertThat(api.send("POST", "/v1/batches", echo(1), "Content-Type", LINES, "Idempotency-Key", "k-1")
                        .join()
                        .status())
                .isEqualTo(202);
        assertThat(put("other", echo(1), LINES, "Idempotency-Key", "k-1")
                        .at("/problem/type")
                        .asString())
                .isEqualTo("/problems/idempotency-key-mismatch");
    }

    @Test
    void aLookLeavesItsKeyToTheRequestThatFollows() {
        assertThat(put("later", echo(1), LINES, "Idempotency-Key", "k-2").status())
                .isEqualTo(200);
        assertNothingIsThere("later");

        assertThat(api.put("later", echo(1), "Content-Type", LINES, "Idempotency-Key", "k-2")
                        .status())
                .isEqualTo(202);
    }

    @Test
    void whatKeepsFromLookingIsTheAnswerItself() {
        assertThat(put("looked-at", "a=b", "application/x-www-form-urlencoded").status())
                .isEqualTo(415);
        assertThat(json("[" + " ".repeat(70_000) + "]").problem()).isEqualTo("payload-too-large");
        Api.Reply neither = api.send(
                        "PUT", "/v1/batches/looked-at?validate_only=yes", "[]", "Content-Type", "application/json")
                .join();
        assertThat(neither.problem()).isEqualTo("invalid-parameter");
        assertThat(neither.at("/parameter").asString()).isEqualTo("validate_only");
        Api.Reply live = api.send(
                        "PUT",
                        "/v1/batches/looked-at?validate_only=true&start=immediately",
                        "[]",
                        "Content-Type",
                        "application/json")
                .join();
        assertThat(live.status()).isEqualTo(400);
        assertThat(live.at("/parameter").asString()).isEqualTo("start");
        assertNothingIsThere("looked-at");
    }

    @Test
    void aLookIsNoMoreThanAnyOtherSubmissionUnlessItIsAskedFor() {
        Api.Reply taken = api.send(
                        "PUT", "/v1/batches/taken-all-the-same?validate_only=false", echo(1), "Content-Type", LINES)
                .join();

        assertThat(taken.status()).isEqualTo(202);
    }
}
