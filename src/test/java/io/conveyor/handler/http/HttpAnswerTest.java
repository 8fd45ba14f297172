package io.conveyor.handler.http;

import static io.conveyor.handler.http.TestServer.answer;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.conveyor.handler.JobFailure;
import io.conveyor.handler.Jobs;
import io.conveyor.job.JobError;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** What comes back from the server, and what becomes of it. */
class HttpAnswerTest extends HttpHarness {

    @Test
    void jsonComesBackAsItWasWritten() throws Exception {
        server.on(
                "/", answer(200, "{\"a\": 1.10,\n \"b\": 12345678901234567890}", "Content-Type", "application/x+json"));

        String output = Jobs.run(http, "{\"url\":\"" + server.url("/") + "\"}");

        assertThat(output).endsWith(",\"body\":{\"a\": 1.10,  \"b\": 12345678901234567890}}");
    }

    @Test
    void whatOnlyClaimsToBeJsonIsText() throws Exception {
        server.on("/", answer(200, "{\"a\":", "Content-Type", "application/json"));

        assertThat(run("{'url':'%s'}", server.url("/")).get("body").asString()).isEqualTo("{\"a\":");
    }

    @Test
    void textIsReadInItsCharset() throws Exception {
        server.on("/", answer(200, new byte[] {(byte) 0xE9}, "Content-Type", "text/plain; charset=iso-8859-1"));

        assertThat(run("{'url':'%s'}", server.url("/")).get("body").asString()).isEqualTo("é");
    }

    @Test
    void bytesThatAreNoTextComeAsBase64() throws Exception {
        server.on("/", answer(200, new byte[] {(byte) 0x89, 'P', 0}, "Content-Type", "image/png"));

        JsonNode output = run("{'url':'%s'}", server.url("/"));

        assertThat(output.has("body")).isFalse();
        assertThat(output.get("body_base64").asString()).isEqualTo("iVAA");
    }

    @Test
    void headersHaveLowerCaseNamesAndNoCookies() throws Exception {
        server.on("/", answer(200, "", "X-Many", "1", "X-Many", "2", "Set-Cookie", "secret=1"));

        JsonNode output = run("{'url':'%s'}", server.url("/"));
        run("{'url':'%s'}", server.url("/"));

        assertThat(output.get("headers").get("x-many").asString()).isEqualTo("1, 2");
        assertThat(output.toString()).doesNotContain("secret");
        assertThat(output.has("body")).isFalse();
        assertThat(server.seen.get(1).headers()).doesNotContainKey("Cookie");
    }

    @Test
    void headHasNoBody() throws Exception {
        server.on("/", answer(200, "", "X-A", "1"));

        assertThat(run("{'method':'HEAD','url':'%s'}", server.url("/"))
                        .get("headers")
                        .get("x-a")
                        .asString())
                .isEqualTo("1");
    }

    @ParameterizedTest
    @ValueSource(ints = {204, 302, 400, 404, 500, 502, 999})
    void anyOtherStatusIsAnOutput(int status) throws Exception {
        server.on("/", answer(status, "", "Location", "/elsewhere"));

        assertThat(run("{'url':'%s'}", server.url("/")).get("status").asInt()).isEqualTo(status);
        assertThat(server.seen).hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(ints = {429, 503})
    void aServerThatAsksForPatienceCanBeRetried(int status) {
        server.on("/", answer(status, "", "Retry-After", "17"));

        JobError error = fail("{'url':'%s'}", server.url("/"));

        assertThat(error.slug()).isEqualTo("job-failed");
        assertThat(error.retryable()).isTrue();
        assertThat(error.extensions()).containsEntry("status", status).containsEntry("retry_after_seconds", 17L);
        assertThat(server.seen).hasSize(1);
    }

    @Test
    void theTargetOfAJobIsTheHostWithItsPort() throws Exception {
        assertThat(http.target(Jobs.job("{\"url\":\"HTTPS://Example.COM/a?b\"}")))
                .isEqualTo("example.com:443");
        assertThat(http.target(Jobs.job("{\"url\":\"https://example.com./a\"}")))
                .isEqualTo("example.com:443");
        assertThat(http.target(Jobs.job("{\"url\":\"http://[::1]:8080/\"}"))).isEqualTo("[::1]:8080");
        assertThatThrownBy(() -> http.target(Jobs.job("{\"url\":\"nowhere\"}"))).isInstanceOf(JobFailure.class);
        assertThatThrownBy(() -> http.target(Jobs.job("5"))).isInstanceOf(JobFailure.class);
        assertThat(server.seen).isEmpty();
    }

    @Test
    void retryAfterMayBeADateOrNonsense() {
        String past =
                ZonedDateTime.of(2020, 1, 1, 0, 0, 0, 0, ZoneOffset.UTC).format(DateTimeFormatter.RFC_1123_DATE_TIME);
        String far =
                ZonedDateTime.of(2999, 1, 1, 0, 0, 0, 0, ZoneOffset.UTC).format(DateTimeFormatter.RFC_1123_DATE_TIME);

        assertThat(RetryAfter.parse(past)).contains(Duration.ZERO);
        assertThat(RetryAfter.parse(far)).contains(Duration.ofDays(1));
        assertThat(RetryAfter.parse("999999999")).contains(Duration.ofDays(1));
        assertThat(RetryAfter.parse("-1")).isEmpty();
        assertThat(RetryAfter.parse("soon")).isEmpty();
        assertThat(RetryAfter.parse(null)).isEmpty();
    }

    @Test
    void anAnswerAtTheLimitPassesAndOneOverItFails() throws Exception {
        server.on("/full", answer(200, "x".repeat(LIMIT))).on("/over", answer(200, "x".repeat(LIMIT + 1)));

        assertThat(run("{'url':'%s'}", server.url("/full")).get("body").asString())
                .hasSize(LIMIT);
        JobError error = fail("{'url':'%s'}", server.url("/over"));

        assertThat(error.slug()).isEqualTo("job-failed");
        assertThat(error.retryable()).isFalse();
        assertThat(error.detail()).contains("1000 bytes").contains("conveyor.http.max-response");
    }

    @Test
    void compressionHidesNoSize() throws Exception {
        server.on("/", answer(200, gzip("x".repeat(LIMIT)), "Content-Encoding", "gzip"))
                .on("/bomb", answer(200, gzip("x".repeat(50_000_000)), "Content-Encoding", "gzip"));

        assertThat(run("{'url':'%s'}", server.url("/")).get("body").asString()).hasSize(LIMIT);
        assertThat(fail("{'url':'%s'}", server.url("/bomb")).detail()).contains("conveyor.http.max-response");
    }

    @Test
    void aServerThatNobodyRunsCanBeRetried() throws Exception {
        int port;
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = socket.getLocalPort();
        }

        JobError error = fail("{'url':'http://127.0.0.1:%s/'}", port);

        assertThat(error.slug()).isEqualTo("job-failed");
        assertThat(error.retryable()).isTrue();
        assertThat(error.detail()).contains("127.0.0.1:" + port).doesNotContain("Exception");
    }

    private static byte[] gzip(String text) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (GZIPOutputStream gzip = new GZIPOutputStream(bytes)) {
            gzip.write(text.getBytes(StandardCharsets.UTF_8));
        }
        return bytes.toByteArray();
    }
}
