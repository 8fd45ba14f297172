package io.conveyor.batch;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.test.context.TestPropertySource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Batches and messages that follow a batch, as clients and receivers see them. */
@TestPropertySource(
        properties = {
            "conveyor.http.allow=127.0.0.1",
            "conveyor.callback.secrets.partner=whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
        })
class FollowersApiTest extends ServiceTest {

    private static final JsonMapper JSON = new JsonMapper();

    private final BlockingQueue<Message> received = new LinkedBlockingQueue<>();
    private final AtomicInteger status = new AtomicInteger(204);
    private HttpServer receiver;

    private record Message(String id, String timestamp, String signature, JsonNode body) {}

    @SuppressWarnings("NullAway.Init")
    FollowersApiTest() {}

    @BeforeEach
    void receive() throws IOException {
        receiver = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        receiver.createContext("/", exchange -> {
            try (exchange) {
                var headers = exchange.getRequestHeaders();
                received.add(new Message(
                        headers.getFirst("webhook-id"),
                        headers.getFirst("webhook-timestamp"),
                        headers.getFirst("webhook-signature"),
                        JSON.readTree(exchange.getRequestBody().readAllBytes())));
                exchange.sendResponseHeaders(status.get(), -1);
            }
        });
        receiver.start();
    }

    @AfterEach
    void stop() {
        receiver.stop(0);
    }

    private String callback() {
        return "{\"url\":\"http://127.0.0.1:" + receiver.getAddress().getPort()
                + "/hook\",\"secret_name\":\"partner\"}";
    }

    /** The batches that continue that one; as there are that many sooner or later. */
    private List<JsonNode> followers(String id) {
        List<JsonNode> found = new ArrayList<>();
        api.get("/v1/batches?limit=1000").at("/items").forEach(batch -> {
            if (batch.path("continuation_of").asString().equals(id)) {
                found.add(batch);
            }
        });
        return found;
    }

    private String output(String batchId, int index) {
        return api.get("/v1/batches/" + batchId + "/results/" + index + "?wait=60")
                .at("/output")
                .toString();
    }

    @Test
    void jobsThatFollowGetWhatCameOfTheBatch() {
        String then = "[{\"kind\":\"echo\",\"custom_id\":\"sum\",\"input\":{\"mine\":1.10}},{\"kind\":\"echo\"},"
                + "{\"kind\":\"echo\",\"input\":{ }}]";
        Api.Reply ended = api.put(
                "fan-in",
                "{\"jobs\":[{\"kind\":\"echo\"},{\"kind\":\"gate\",\"input\":true}],\"then\":" + then + "}",
                "Prefer",
                "wait=60");
        assertThat(ended.at("/outcome").asString()).isEqualTo("partial");

        List<JsonNode> followers = followers("fan-in");
        assertThat(followers).hasSize(1);
        String id = followers.get(0).path("id").asString();
        Api.Reply done = api.get("/v1/batches/" + id + "?wait=60");
        assertThat(done.at("/outcome").asString()).isEqualTo("succeeded");
        assertThat(done.at("/counts/total").asInt()).isEqualTo(3);
        String batch = "\"batch\":{\"id\":\"fan-in\",\"links\":{\"self\":\"/v1/batches/fan-in\","
                + "\"results\":\"/v1/batches/fan-in/results\",\"events\":\"/v1/batches/fan-in/events\","
                + "\"cancel\":\"/v1/batches/fan-in/cancel\"},\"outcome\":\"partial\",\"counts\":{\"total\":2,\"pending\":0,"
                + "\"running\":0,\"succeeded\":1,\"failed\":1,\"cancelled\":0,\"expired\":0},\"ended_at\":\""
                + ended.at("/ended_at").asString() + "\"}";
        assertThat(api.get("/v1/batches/" + id + "/results/0").body())
                .contains("\"custom_id\":\"sum\"")
                .contains("\"output\":{\"mine\":1.10," + batch + "}");
        assertThat(output(id, 1)).isEqualTo("{" + batch + "}");
        assertThat(output(id, 2)).isEqualTo("{" + batch + "}");
    }

    @Test
    void theReceiverIsToldOnceAndEveryKindOfEndIsOne() throws Exception {
        api.put(
                "told",
                "{\"jobs\":[{\"kind\":\"gate\",\"input\":false}],\"then\":[{\"kind\":\"echo\"}],\"callback\":"
                        + callback() + "}",
                "Prefer",
                "respond-async");
        assertThat(gate.begun.tryAcquire(60, TimeUnit.SECONDS)).isTrue();
        api.cancel("/v1/batches/told");

        Message message = received.poll(60, TimeUnit.SECONDS);

        assertThat(message).isNotNull();
        assertThat(message.body().at("/type").asString()).isEqualTo("batch.ended");
        assertThat(message.body().at("/data/id").asString()).isEqualTo("told");
        assertThat(message.body().at("/data/outcome").asString()).isEqualTo("cancelled");
        assertThat(message.body().at("/timestamp")).isEqualTo(message.body().at("/data/ended_at"));
        assertThat(message.signature()).startsWith("v1,");
        // The id of the message is that of the batch that sends it.
        Api.Reply sender = api.get("/v1/batches/" + message.id() + "?wait=60");
        assertThat(sender.at("/continuation_of").asString()).isEqualTo("told");
        assertThat(sender.at("/outcome").asString()).isEqualTo("succeeded");
        assertThat(output(message.id(), 0)).isEqualTo("{\"status\":204}");
        assertThat(followers("told")).hasSize(2);
        assertThat(received).isEmpty();
    }

    @Test
    void aReceiverThatWantsNoMoreFailsTheBatchForAllToSeeAndItCanBeSentAgain() throws Exception {
        status.set(410);
        api.put("unwanted", "{\"jobs\":[{\"kind\":\"echo\"}],\"callback\":" + callback() + "}", "Prefer", "wait=60");
        String id = received.poll(60, TimeUnit.SECONDS).id();
        Api.Reply failed = api.get("/v1/batches/" + id + "?wait=60");
        assertThat(failed.at("/outcome").asString()).isEqualTo("failed");
        assertThat(api.get("/v1/batches/" + id + "/results/0")
                        .at("/error/status")
                        .asInt())
                .isEqualTo(410);

        status.set(200);
        Api.Reply again = api.send("POST", "/v1/batches/" + id + "/retry", null, "Prefer", "wait=60")
                .join();

        assertThat(again.at("/outcome").asString()).isEqualTo("succeeded");
        assertThat(received.poll(60, TimeUnit.SECONDS).id()).isEqualTo(id);
    }

    @Test
    void aReceiverThatFailsIsToldAgainUnderTheSameId() throws Exception {
        status.set(500);
        api.put("flaky", "{\"jobs\":[{\"kind\":\"echo\"}],\"callback\":" + callback() + "}", "Prefer", "wait=60");
        Message first = received.poll(60, TimeUnit.SECONDS);
        Message second = received.poll(60, TimeUnit.SECONDS);
        status.set(204);

        Api.Reply sender = api.get("/v1/batches/" + first.id() + "?wait=60");

        assertThat(sender.at("/outcome").asString()).isEqualTo("succeeded");
        assertThat(second.id()).isEqualTo(first.id());
        assertThat(second.body()).isEqualTo(first.body());
        assertThat(api.get("/v1/batches/" + first.id() + "/results/0")
                        .at("/attempts")
                        .asInt())
                .isGreaterThanOrEqualTo(2);
    }

    @Test
    void theQueryStringSaysItForLinesAndALiveUpload() throws Exception {
        for (String start : List.of("complete", "immediately")) {
            String query = "?start=" + start + "&callback=" + URLEncoder.encode(callback(), StandardCharsets.UTF_8)
                    + "&then=" + URLEncoder.encode("[{\"kind\":\"echo\"}]", StandardCharsets.UTF_8);
            api.put("lines-" + start + query, echoes(3), "Content-Type", "application/x-ndjson", "Prefer", "wait=60");
            assertThat(received.poll(60, TimeUnit.SECONDS).body().at("/data/id").asString())
                    .isEqualTo("lines-" + start);
            assertThat(followers("lines-" + start)).hasSize(2);
            Api.Reply other =
                    api.put("lines-" + start + "?start=" + start, echoes(3), "Content-Type", "application/x-ndjson");
            assertThat(other.problem()).isEqualTo("batch-exists");
        }
        assertThat(api.put("bad?then=no", "[]").problem()).isEqualTo("invalid-parameter");
        assertThat(api.put("bad?callback=%7B%7D", "[]").at("/errors/0/pointer").asString())
                .isEqualTo("/callback/url");
        assertThat(api.put("bad?then=%5B%7B%22kind%22:%22no%22%7D%5D", "[]")
                        .at("/errors/0/pointer")
                        .asString())
                .isEqualTo("/then/0/kind");
    }

    @Test
    void aBatchWithoutJobsHasAnEndAsWell() throws Exception {
        api.put("nothing", "{\"jobs\":[],\"callback\":" + callback() + "}");

        assertThat(received.poll(60, TimeUnit.SECONDS)
                        .body()
                        .at("/data/counts/total")
                        .asInt())
                .isZero();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "'then':[]                                            | /then              | invalid-length",
                "'then':{}                                            | /then              | wrong-type",
                "'then':[1]                                           | /then/0            | wrong-type",
                "'then':[{'kind':'echo'},{'kind':'nope'}]             | /then/1/kind       | unknown-kind",
                "'then':[{'kind':'callback'}]                         | /then/0/kind       | unknown-kind",
                "'then':[{'kind':'echo','input':[]}]                  | /then/0/input      | wrong-type",
                "'then':[{'kind':'echo','input':null}]                | /then/0/input      | wrong-type",
                "'then':[{'kind':'echo','input':{'a':{},'batch':1}}]  | /then/0/input/batch| duplicate-field",
                "'then':[{'kind':'echo','now':1}]                     | /then/0/now        | unknown-field",
                "'callback':'http://example.com'                      | /callback          | wrong-type",
                "'callback':{}                                        | /callback/url      | missing-field",
                "'callback':{'url':7}                                 | /callback/url      | wrong-type",
                "'callback':{'url':'ftp://example.com'}               | /callback/url      | invalid-value",
                "'callback':{'url':'http://example.com'}              | /callback          | no-secret",
                "'callback':{'url':'http://e.com','secret_name':'x'}  | /callback/secret_name | no-secret",
                "'callback':{'url':'http://e.com','method':'PUT'}     | /callback/method   | unknown-field",
            })
    void whatCannotFollowIsSaidAndNothingIsTaken(String member, String pointer, String code) {
        Api.Reply reply = api.put("refused", "{\"jobs\":[{\"kind\":\"echo\"}]," + member.replace('\'', '"') + "}");

        assertThat(reply.status()).isEqualTo(422);
        assertThat(reply.at("/errors/0/pointer").asString()).isEqualTo(pointer);
        assertThat(reply.at("/errors/0/code").asString()).isEqualTo(code);
        assertThat(reply.body()).doesNotContain("MfKQ9r8");
        assertThat(api.get("/v1/batches/refused").status()).isEqualTo(404);
    }

    @Test
    void whoAsksForACallbackWithoutASecretLearnsWhatTheOperatorMustSet() {
        Api.Reply reply = api.post("{\"jobs\":[{\"kind\":\"echo\"}],\"callback\":{\"url\":\"https://example.com/\"}}");

        assertThat(reply.at("/detail").asString()).contains("operator").contains("conveyor.callback.secret");
    }

    @Test
    void nobodySeesOrNamesTheKindThatSendsCallbacks() {
        assertThat(api.get("/v1/job-kinds").body()).doesNotContain("\"callback\"");
        assertThat(api.post("[{\"kind\":\"callback\"}]").at("/errors/0/code").asString())
                .isEqualTo("unknown-kind");
        assertThat(api.get("/v3/api-docs").body()).doesNotContain("MfKQ9r8");
    }

    @Test
    void tooManyJobsAndTooLargeOnesAreRefused() {
        String many = "[" + "{\"kind\":\"echo\"},".repeat(100) + "{\"kind\":\"echo\"}]";
        assertThat(api.post("{\"jobs\":[],\"then\":" + many + "}")
                        .at("/errors/0/code")
                        .asString())
                .isEqualTo("invalid-length");
        String large = "{\"kind\":\"echo\",\"input\":{\"x\":\"" + "x".repeat(600_000) + "\"}}";
        assertThat(api.post("{\"jobs\":[],\"then\":[" + large + "," + large + "]}")
                        .at("/errors/0/code")
                        .asString())
                .isEqualTo("too-large");
    }

    @Test
    void httpJobsThatFollowSendWhatCameOfTheBatch() throws Exception {
        String then = "[{\"kind\":\"http\",\"input\":{\"method\":\"POST\",\"url\":\"http://127.0.0.1:"
                + receiver.getAddress().getPort() + "/then\"}},{\"kind\":\"sleep\",\"input\":{\"ms\":1}},"
                + "{\"kind\":\"hash\",\"input\":{\"text\":\"a\"}}]";
        api.put("http-then", "{\"jobs\":[{\"kind\":\"echo\"}],\"then\":" + then + "}", "Prefer", "wait=60");

        assertThat(received.poll(60, TimeUnit.SECONDS).body().at("/outcome").asString())
                .isEqualTo("succeeded");
        String id = followers("http-then").get(0).path("id").asString();
        assertThat(api.get("/v1/batches/" + id + "?wait=60").at("/outcome").asString())
                .isEqualTo("succeeded");
    }
}
