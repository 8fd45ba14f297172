package io.conveyor.batch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.test.context.TestPropertySource;

/** A service that may take one submission at a time and little work, on a real file. */
@TestPropertySource(
        properties = {
            "conveyor.intake.max-submissions=1",
            "conveyor.intake.max-backlog=2",
            "conveyor.intake.hold=0s",
            "conveyor.pool.workers=2"
        })
class LimitsApiTest extends ServiceTest {

    private static final String GATES = "[{\"kind\":\"gate\",\"input\":false},{\"kind\":\"gate\",\"input\":false}]";

    @Autowired
    Refusals refusals;

    @SuppressWarnings("NullAway.Init")
    LimitsApiTest() {}

    @Test
    void aFullBacklogRefusesAndRecovers() {
        long before = refusals.count(Refusals.Reason.BACKLOG);
        String path = api.post(GATES).at("/links/self").asString();

        Api.Reply refused = api.post("[]");

        assertThat(refused.status()).isEqualTo(429);
        assertThat(refused.problem()).isEqualTo("overloaded");
        assertThat(refused.header("Retry-After")).isEqualTo("5");
        assertThat(refusals.count(Refusals.Reason.BACKLOG)).isEqualTo(before + 1);
        gate.open.release(2);
        assertThat(api.get(path + "?wait=60").at("/state").asString()).isEqualTo("ended");
        assertThat(api.post("[]").status()).isEqualTo(202);
    }

    @Test
    void aSubmissionTooManyIsRefusedUntilAnotherIsThrough() throws IOException {
        long before = refusals.count(Refusals.Reason.SUBMISSIONS);
        try (Socket slow = new Socket(InetAddress.getLoopbackAddress(), port)) {
            slow.getOutputStream()
                    .write(
                            "PUT /v1/batches/slow?start=immediately HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-ndjson\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
                                    .getBytes(StandardCharsets.US_ASCII));
            // The body is asked for by the first who reads it: the permit is taken now. Its client may pause, and keeps
            // it.
            byte[] answer = slow.getInputStream().readNBytes("HTTP/1.1 100".length());
            assertThat(new String(answer, StandardCharsets.US_ASCII)).isEqualTo("HTTP/1.1 100");

            Api.Reply refused = api.post("[]");

            assertThat(refused.status()).isEqualTo(429);
            assertThat(refused.header("Retry-After")).isEqualTo("1");
            Api.Reply live = api.post("", "Accept", "application/x-ndjson");
            assertThat(live.status()).isEqualTo(429);
            assertThat(live.body()).isEqualTo(refused.body());
            assertThat(refusals.count(Refusals.Reason.SUBMISSIONS)).isEqualTo(before + 2);
            slow.getOutputStream().write("\n\n".getBytes(StandardCharsets.US_ASCII));
            assertThat(slow.getInputStream().readNBytes(24)).isNotEmpty();
        }
        assertThat(api.get("/v1/batches/slow?wait=60").at("/state").asString()).isEqualTo("ended");
        assertThat(api.post("[]").status()).isEqualTo(202);
    }

    @Test
    void anUploadThatBreaksLeavesNothing() throws IOException, InterruptedException {
        try (Socket broken = new Socket(InetAddress.getLoopbackAddress(), port)) {
            broken.getOutputStream()
                    .write(
                            "PUT /v1/batches/broken HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 99999999\r\n\r\n[{\"kind\":\"echo\"}"
                                    .getBytes(StandardCharsets.US_ASCII));
            broken.shutdownOutput();
            assertThat(new String(broken.getInputStream().readAllBytes(), StandardCharsets.US_ASCII))
                    .doesNotStartWith("HTTP/1.1 2");
        }

        assertThat(api.get("/v1/batches/broken").status()).isEqualTo(404);
        assertThat(api.post("[]").status()).isEqualTo(202);
    }

    @Test
    void aLargeBatchIsSpilledWhileItArrives() {
        String text = "x".repeat(100_000);
        String body = ("{\"kind\":\"echo\",\"input\":\"" + text + "\"},").repeat(20);

        Api.Reply refused = api.put("spilled", "[" + body + "{\"kind\":\"nope\"}]");
        Api.Reply done = api.put("spilled", "[" + body.substring(0, body.length() - 1) + "]", "Prefer", "wait=60");

        assertThat(refused.status()).isEqualTo(422);
        assertThat(done.status()).isEqualTo(200);
        assertThat(done.at("/results"))
                .hasSize(20)
                .allSatisfy(
                        result -> assertThat(result.at("/output").asString()).isEqualTo(text));
    }

    @Test
    void resultsThatAreCutNeverLookComplete() throws IOException, InterruptedException {
        String job = "{\"kind\":\"echo\",\"input\":\"" + "x".repeat(700_000) + "\"}";
        String path = api.post("[" + (job + ",").repeat(39) + job + "]", "Prefer", "respond-async")
                .at("/links/self")
                .asString();
        assertThat(api.get(path + "?wait=60").at("/state").asString()).isEqualTo("ended");
        HttpRequest request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path + "/results"))
                .build();

        try (InputStream body = HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .build()
                .send(request, HttpResponse.BodyHandlers.ofInputStream())
                .body()) {
            assertThat(body.read()).isEqualTo('{');
            assertThat(api.delete(path).status()).isEqualTo(204);

            assertThatThrownBy(body::readAllBytes).isInstanceOf(IOException.class);
        }
    }
}
