package io.conveyor.handler.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.conveyor.handler.JobContext;
import io.conveyor.handler.Jobs;
import io.conveyor.job.CallbackFault;
import io.conveyor.job.JobError;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;
import org.apache.hc.client5.http.SystemDefaultDnsResolver;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Messages about the end of a batch, received by a real server and checked by other programs than ours. */
class WebhookHandlerTest extends HttpHarness {

    private static final String OLD = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    private static final String NEW = "whsec_" + Base64.getEncoder().encodeToString(new byte[32]);
    private static final Instant NOW = Instant.ofEpochSecond(1_700_000_000);
    private static final String BATCH =
            "{'id':'nightly','links':{'self':'/v1/batches/nightly'},'outcome':'partial','counts':{'total':3},"
                    + "'ended_at':'2026-11-23T17:00:00.123Z'}";

    private WebhookHandler webhooks;

    @SuppressWarnings("NullAway.Init")
    WebhookHandlerTest() {}

    @BeforeEach
    void make() {
        webhooks = handler(new CallbackProperties(List.of(OLD), Map.of("partner", List.of(NEW, OLD))), NOW);
    }

    private WebhookHandler handler(CallbackProperties properties, Instant now) {
        return new WebhookHandler(http, properties, Clock.fixed(now, ZoneOffset.UTC));
    }

    private String input(String path, String more) {
        return ("{'id':'batch_7','url':'" + server.url(path) + "'" + more + ",'batch':" + BATCH + "}")
                .replace('\'', '"');
    }

    private static String header(TestServer.Seen seen, String name) {
        return seen.headers().entrySet().stream()
                .filter(entry -> entry.getKey().equalsIgnoreCase(name))
                .map(entry -> entry.getValue().get(0))
                .findFirst()
                .orElseThrow();
    }

    /** What OpenSSL makes of id, time and body with that secret. */
    private static String signedByOpenssl(String secret, TestServer.Seen seen) throws Exception {
        String key = HexFormat.of().formatHex(Base64.getDecoder().decode(secret.substring("whsec_".length())));
        Process openssl = new ProcessBuilder(
                        "openssl", "dgst", "-sha256", "-mac", "HMAC", "-macopt", "hexkey:" + key, "-binary")
                .start();
        try (OutputStream in = openssl.getOutputStream()) {
            in.write((header(seen, "webhook-id") + "." + header(seen, "webhook-timestamp") + "." + seen.body())
                    .getBytes(StandardCharsets.UTF_8));
        }
        byte[] mac = openssl.getInputStream().readAllBytes();
        assertThat(openssl.waitFor()).isZero();
        return "v1," + Base64.getEncoder().encodeToString(mac);
    }

    @Test
    void theSignatureIsThatOfTheStandard() {
        byte[] body = "{\"test\": 2432232314}".getBytes(StandardCharsets.UTF_8);

        assertThat(WebhookSecret.parse("key", OLD).sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body))
                .isEqualTo("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    @Test
    void theMessageTellsOfTheEndAndIsSigned() throws Exception {
        server.on("/hook", TestServer.answer(204, ""));

        assertThat(Jobs.run(webhooks, input("/hook", ""))).isEqualTo("{\"status\":204}");

        TestServer.Seen seen = server.seen.get(0);
        assertThat(seen.method()).isEqualTo("POST");
        assertThat(header(seen, "Content-Type")).isEqualTo("application/json");
        assertThat(header(seen, "webhook-id")).isEqualTo("batch_7");
        assertThat(header(seen, "webhook-timestamp")).isEqualTo("1700000000");
        assertThat(header(seen, "webhook-signature")).isEqualTo(signedByOpenssl(OLD, seen));
        assertThat(seen.body())
                .isEqualTo("{\"type\":\"batch.ended\",\"timestamp\":\"2026-11-23T17:00:00.123Z\",\"data\":"
                        + BATCH.replace('\'', '"') + "}");
    }

    @Test
    void whileTwoSecretsAreActiveThereAreTwoSignatures() throws Exception {
        server.on("/hook", TestServer.answer(200, "thanks"));

        Jobs.run(webhooks, input("/hook", ",'secret_name':'partner'"));

        TestServer.Seen seen = server.seen.get(0);
        assertThat(header(seen, "webhook-signature"))
                .isEqualTo(signedByOpenssl(NEW, seen) + " " + signedByOpenssl(OLD, seen));
    }

    @Test
    void anotherAttemptHasTheSameIdAndBodyAndATimeAndSignatureOfItsOwn() throws Exception {
        server.on("/hook", TestServer.answer(200, ""));

        Jobs.run(webhooks, input("/hook", ""));
        Jobs.run(handler(new CallbackProperties(List.of(OLD), Map.of()), NOW.plusSeconds(90)), input("/hook", ""));

        TestServer.Seen first = server.seen.get(0);
        TestServer.Seen second = server.seen.get(1);
        assertThat(header(second, "webhook-id")).isEqualTo(header(first, "webhook-id"));
        assertThat(second.body()).isEqualTo(first.body());
        assertThat(header(second, "webhook-timestamp")).isEqualTo("1700000090");
        assertThat(header(second, "webhook-signature")).isEqualTo(signedByOpenssl(OLD, second));
        assertThat(header(second, "webhook-signature")).isNotEqualTo(header(first, "webhook-signature"));
    }

    @ParameterizedTest
    @ValueSource(ints = {301, 307, 400, 404, 429, 500, 503})
    void whatIsNotAcknowledgedMayBeTriedAgain(int status) {
        server.on("/hook", TestServer.answer(status, "", "Retry-After", "7", "Location", server.url("/other")));

        JobError error = Jobs.failure(webhooks, input("/hook", ""));

        assertThat(error.retryable()).isTrue();
        assertThat(error.extensions()).containsEntry("status", status).containsEntry("retry_after_seconds", 7L);
        assertThat(server.seen).hasSize(1);
    }

    @Test
    void aReceiverThatIsGoneIsNotTriedAgain() {
        server.on("/hook", TestServer.answer(410, ""));

        JobError error = Jobs.failure(webhooks, input("/hook", ""));

        assertThat(error.retryable()).isFalse();
        assertThat(error.detail()).contains("410");
    }

    @ParameterizedTest
    @ValueSource(ints = {404, 500})
    void aReceiverWhoseErrorPageIsLargeMayBeTriedAgain(int status) {
        server.on("/hook", TestServer.answer(status, "x".repeat(LIMIT + 1)));

        JobError error = Jobs.failure(webhooks, input("/hook", ""));

        assertThat(error.retryable()).isTrue();
        assertThat(error.extensions()).containsEntry("status", status);
    }

    @Test
    void aReceiverThatAcknowledgesAtLengthHasAcknowledged() throws Exception {
        server.on("/hook", TestServer.answer(200, "x".repeat(1_000_000)));

        assertThat(Jobs.run(webhooks, input("/hook", ""))).isEqualTo("{\"status\":200}");
    }

    @Test
    void aReceiverThatAcknowledgesAndHangsHasAcknowledged() throws Exception {
        CountDownLatch over = new CountDownLatch(1);
        server.on("/hook", exchange -> {
            exchange.sendResponseHeaders(202, 100);
            exchange.getResponseBody().write(new byte[10]);
            exchange.getResponseBody().flush();
            try {
                over.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        try {
            JobContext job = Jobs.job(input("/hook", ""), Duration.ofSeconds(5)); // enough for all but the body
            assertThat(webhooks.handle(job).json()).asString().isEqualTo("{\"status\":202}");
        } finally {
            over.countDown();
        }
    }

    /** It may have expired: its owner renews it, and the message still comes. */
    @Test
    void aReceiverWhoseCertificateIsNotTrustedMayBeTriedAgain() throws Exception {
        try (TlsServer tls = new TlsServer()) {
            String input = input("/hook", "").replace("http://127.0.0.1:" + server.port(), tls.url(""));

            JobError error = Jobs.failure(webhooks, input);

            assertThat(error.retryable()).isTrue();
            assertThat(error.detail()).contains("certificate");
            assertThat(Jobs.failure(http, "{\"url\":\"" + tls.url("/") + "\"}").retryable())
                    .isFalse();
        }
    }

    @Test
    void callbacksReachNoMorePlacesThanJobsDo() throws IOException {
        server.on("/hook", TestServer.answer(200, ""));
        try (HttpHandler guarded = handler(SystemDefaultDnsResolver.INSTANCE)) {
            WebhookHandler refused =
                    new WebhookHandler(guarded, new CallbackProperties(List.of(OLD), Map.of()), Clock.systemUTC());

            JobError error = Jobs.failure(refused, input("/hook", ""));

            assertThat(error.retryable()).isFalse();
            assertThat(error.detail()).contains("conveyor.http.allow");
        }
        assertThat(server.seen).isEmpty();
    }

    @Test
    void aSecretThatIsGoneLeavesNothingUnsigned() {
        server.on("/hook", TestServer.answer(200, ""));

        JobError error = Jobs.failure(webhooks, input("/hook", ",'secret_name':'former'"));

        assertThat(error.retryable()).isTrue();
        assertThat(error.detail()).contains("configuration");
        assertThat(server.seen).isEmpty();
    }

    @Test
    void whatCannotBeSentIsSaidBeforehand() {
        assertThat(webhooks.fault("https://example.com/", null)).isEmpty();
        assertThat(webhooks.fault("https://example.com/", "partner")).isEmpty();
        for (String url : List.of("ftp://example.com", "https://u:p@example.com", "not a url", "https://0x7f.1/")) {
            assertThat(webhooks.fault(url, null))
                    .get()
                    .extracting(CallbackFault::field)
                    .isEqualTo("url");
        }
        assertThat(webhooks.fault("https://example.com/", "nobody"))
                .get()
                .extracting(CallbackFault::field)
                .isEqualTo("secret_name");
        WebhookHandler none = handler(new CallbackProperties(List.of(), Map.of()), NOW);
        CallbackFault fault = none.fault("https://example.com/", null).orElseThrow();
        assertThat(fault.field()).isEmpty();
        assertThat(fault.detail()).contains("conveyor.callback.secret");
    }

    @Test
    void noSecretShowsItself() {
        CallbackProperties properties = new CallbackProperties(List.of(OLD), Map.of("partner", List.of(NEW)));

        assertThat(Stream.of(properties, properties.unnamed(), properties.named())
                        .map(String::valueOf))
                .noneMatch(text -> text.contains(OLD.substring(6)) || text.contains(NEW.substring(6)))
                .first()
                .asString()
                .contains("partner");
    }
}
