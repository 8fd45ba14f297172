package io.conveyor.handler.http;

import static io.conveyor.handler.http.TestServer.answer;
import static org.assertj.core.api.Assertions.assertThat;

import io.conveyor.handler.Jobs;
import io.conveyor.job.JobError;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.zip.GZIPOutputStream;
import org.apache.hc.client5.http.DnsResolver;
import org.apache.hc.client5.http.SystemDefaultDnsResolver;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.util.unit.DataSize;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class HttpHandlerTest {

    private static final int LIMIT = 1000;

    private TestServer server;
    private HttpHandler http;

    @BeforeEach
    void start() throws IOException {
        server = new TestServer();
        http = handler(SystemDefaultDnsResolver.INSTANCE, "127.0.0.1");
    }

    @AfterEach
    void stop() throws IOException {
        http.close();
        server.close();
    }

    // What goes out

    @Test
    void aUrlAloneIsGotWithoutABody() throws Exception {
        server.on("/a", answer(200, "hello", "Content-Type", "text/plain"));

        JsonNode output = run("{'url':'%s'}", server.url("/a?b=c%20d#frag"));

        assertThat(output.get("status").asInt()).isEqualTo(200);
        assertThat(output.get("body").asString()).isEqualTo("hello");
        TestServer.Seen seen = server.seen.get(0);
        assertThat(seen.method()).isEqualTo("GET");
        assertThat(seen.uri()).isEqualTo("/a?b=c%20d");
        assertThat(seen.body()).isEmpty();
        assertThat(seen.headers()).containsEntry("User-agent", List.of("conveyor-test"));
        assertThat(seen.headers()).doesNotContainKeys("Content-type", "Content-length", "Transfer-encoding", "Cookie");
    }

    @ParameterizedTest
    @CsvSource(
            quoteCharacter = '^',
            delimiter = '|',
            value = {
                "\"a\\nb\\u00e9\"        | ^a\nbé^              | text/plain;charset=UTF-8",
                "{ \"n\" : 1.10 }        | { \"n\" : 1.10 }     | application/json",
                "12345678901234567890    | 12345678901234567890 | application/json",
                "false                   | false                | application/json",
            })
    void aBodyIsSentAsTextOrAsItsOwnJson(String body, String sent, String type) throws Exception {
        server.on("/", answer(204, ""));

        run("{'method':'POST','url':'%s','body':" + body + "}", server.url("/"));

        assertThat(server.seen.get(0).body()).isEqualTo(sent);
        assertThat(server.seen.get(0).headers()).containsEntry("Content-type", List.of(type));
    }

    @Test
    void headersOfTheClientAreSent() throws Exception {
        server.on("/", answer(200, ""));

        run(
                "{'method':'PUT','url':'%s','body':'<a/>','headers':{'content-type':'application/xml',"
                        + "'Authorization':'Bearer x','X-Trace':'1','user-agent':'mine'}}",
                server.url("/"));

        assertThat(server.seen.get(0).headers())
                .containsEntry("Content-type", List.of("application/xml"))
                .containsEntry("Authorization", List.of("Bearer x"))
                .containsEntry("X-trace", List.of("1"))
                .containsEntry("User-agent", List.of("mine"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "Host",
                "host",
                "Content-Length",
                "Transfer-Encoding",
                "Connection",
                "Keep-Alive",
                "TE",
                "Trailer",
                "Upgrade",
                "Expect",
                "Proxy-Authorization",
                "Proxy-Connection",
                "a b",
                "a:b",
                ""
            })
    void headersThatAreNotTheClientsAreRefused(String name) {
        JobError error = fail("{'url':'%s','headers':{'" + name + "':'1'}}", server.url("/"));

        assertInvalid(error, "/input/headers/" + name);
        assertThat(server.seen).isEmpty();
    }

    @Test
    void headersCannotBreakOutOfTheirLine() {
        assertInvalid(fail("{'url':'%s','headers':{'X':'a\\r\\nHost: b'}}", server.url("/")), "/input/headers/X");
        assertInvalid(fail("{'url':'%s','headers':{'X':null}}", server.url("/")), "/input/headers/X");
        assertInvalid(fail("{'url':'%s','headers':{'A':'1','a':'2'}}", server.url("/")), "/input/headers/a");
        assertInvalid(
                fail("{'url':'%s','headers':{'Content-Type':'nonsense'}}", server.url("/")),
                "/input/headers/Content-Type");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "ftp://example.com/",
                "file:///etc/passwd",
                "//example.com/",
                "example.com",
                "",
                "http://",
                "http:///path",
                "http:example.com",
                "http://user@example.com/",
                "http://user:pass@127.0.0.1/",
                "http://exa mple.com/",
                "http://example.com:0/",
                "http://example.com:65536/",
                "http://127.1/",
                "http://2130706433/",
                "http://0x7f.1/",
                "http://0x7f000001/",
                "http://017700000001/",
                "http://010.0.0.1/",
                "http://127.0.0.1./",
                "http://127.0.0.2/",
                "http://0.0.0.0/",
                "http://10.0.0.1/",
                "http://169.254.169.254/latest/meta-data/",
                "http://[::]/",
                "http://[::1]/",
                "http://[::ffff:127.0.0.2]/",
                "http://[64:ff9b::7f00:1]/",
                "http://[::127.0.0.1]/",
                "http://[fe80::1]/",
            })
    void urlsThatLeadWhereNoJobMayGoAreRefused(String url) {
        JobError error = fail("{'url':'%s'}", url);

        assertInvalid(error, "/input/url");
        assertThat(error.detail()).doesNotContain("java").doesNotContain("Exception");
    }

    @Test
    void otherMethodsAreRefused() {
        assertInvalid(fail("{'method':'TRACE','url':'%s'}", server.url("/")), "/input/method");
        assertInvalid(fail("{'method':'get','url':'%s'}", server.url("/")), "/input/method");
    }

    // What comes back

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

    // Redirects

    @Test
    void redirectsAreFollowedOnlyWhenAsked() throws Exception {
        server.on("/from", answer(302, "", "Location", "/to")).on("/to", answer(200, "there"));

        assertThat(run("{'url':'%s'}", server.url("/from")).get("status").asInt())
                .isEqualTo(302);
        assertThat(run("{'url':'%s','follow_redirects':true}", server.url("/from"))
                        .get("body")
                        .asString())
                .isEqualTo("there");
    }

    @ParameterizedTest
    @CsvSource({"301,GET,''", "302,GET,''", "303,GET,''", "307,POST,payload", "308,POST,payload"})
    void aRedirectKeepsOrChangesTheMethodAsItsStatusSays(int status, String method, String body) throws Exception {
        server.on("/from", answer(status, "", "Location", "to")).on("/to", answer(200, ""));

        run("{'method':'POST','url':'%s','body':'payload','follow_redirects':true}", server.url("/from"));

        assertThat(server.seen.get(1).method()).isEqualTo(method);
        assertThat(server.seen.get(1).body()).isEqualTo(body);
        assertThat(server.seen.get(1).headers().containsKey("Content-type")).isEqualTo(!body.isEmpty());
    }

    @Test
    void fiveRedirectsAreFollowedAndNotASixth() throws Exception {
        for (int i = 0; i < 6; i++) {
            server.on("/" + i, answer(302, "", "Location", "/" + (i + 1)));
        }
        server.on("/6", answer(200, "end"));

        assertThat(run("{'url':'%s','follow_redirects':true}", server.url("/1"))
                        .get("body")
                        .asString())
                .isEqualTo("end");
        assertThat(fail("{'url':'%s','follow_redirects':true}", server.url("/0"))
                        .detail())
                .contains("more than 5 times");
    }

    @ParameterizedTest
    @ValueSource(strings = {"http://127.0.0.2:PORT/", "http://[::1]:PORT/", "http://169.254.169.254/"})
    void aRedirectCannotLeadToAClosedAddress(String target) {
        server.on("/", answer(302, "", "Location", target.replace("PORT", "" + server.port())));

        JobError error = fail("{'url':'%s','follow_redirects':true}", server.url("/"));

        assertThat(error.slug()).isEqualTo("job-failed");
        assertThat(error.retryable()).isFalse();
        assertThat(error.detail()).contains("not a public address");
        assertThat(server.seen).hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "file:///etc/passwd",
                "http://u:p@127.0.0.1/",
                "gopher://a/",
                "http://",
                "ht tp:",
                "http://127.1/"
            })
    void aRedirectKeepsTheRulesOnUrls(String target) {
        server.on("/", answer(302, "", "Location", target));

        assertThat(fail("{'url':'%s','follow_redirects':true}", server.url("/")).detail())
                .contains("redirects to a place that is not followed");
    }

    @Test
    void anotherHostDoesNotGetTheCredentials() throws Exception {
        http.close();
        http = handler(SystemDefaultDnsResolver.INSTANCE, "127.0.0.1", "localhost");
        server.on("/from", answer(307, "", "Location", "http://localhost:" + server.port() + "/to"))
                .on("/same", answer(307, "", "Location", "/to"))
                .on("/to", answer(200, ""));
        String headers =
                "'follow_redirects':true,'headers':{'Authorization':'a','X-Api-Key':'b','Cookie':'c','Accept':'text/d'}";

        run("{'url':'%s'," + headers + "}", server.url("/from"));
        run("{'url':'%s'," + headers + "}", server.url("/same"));

        assertThat(server.seen.get(1).headers())
                .containsEntry("Accept", List.of("text/d"))
                .doesNotContainKeys("Authorization", "X-api-key", "Cookie");
        assertThat(server.seen.get(3).headers()).containsKeys("Authorization", "X-api-key", "Cookie");
    }

    // Names

    @Test
    void aNameThatResolvesToAClosedAddressIsRefused() throws Exception {
        http.close();
        http = handler(AddressGuardTest.names(Map.of("evil.example", List.of("127.0.0.1"))));
        server.on("/", answer(200, ""));

        JobError error = fail("{'url':'http://evil.example:%s/'}", server.port());

        assertInvalid(error, "/input/url");
        assertThat(error.detail()).contains("conveyor.http.allow").doesNotContain("127.0.0.1");
        assertThat(server.seen).isEmpty();
    }

    @Test
    void theAddressThatIsCheckedIsTheOneThatIsConnectedTo() throws Exception {
        AtomicInteger lookups = new AtomicInteger();
        http.close();
        http = handler(
                new DnsResolver() {
                    @Override
                    public InetAddress[] resolve(String host) throws UnknownHostException {
                        String address = lookups.incrementAndGet() == 1 ? "127.0.0.1" : "127.0.0.2";
                        return new InetAddress[] {InetAddress.getByName(address)};
                    }

                    @Override
                    public String resolveCanonicalHostname(String host) {
                        return host;
                    }
                },
                "127.0.0.1");
        server.on("/", answer(200, "", "Connection", "close"));

        run("{'url':'http://rebind.example:%s/'}", server.port());
        JobError second = fail("{'url':'http://rebind.example:%s/'}", server.port());

        assertInvalid(second, "/input/url");
        assertThat(lookups).hasValue(2);
        assertThat(server.seen).hasSize(1);
    }

    @Test
    void anUnknownNameCanBeRetried() throws Exception {
        http.close();
        http = handler(AddressGuardTest.names(Map.of()));

        JobError error = fail("{'url':'%s'}", "http://nowhere.example/");

        assertThat(error.slug()).isEqualTo("job-failed");
        assertThat(error.retryable()).isTrue();
        assertThat(error.detail()).contains("nowhere.example");
    }

    @Test
    void schemaIsJson() {
        assertThat(JsonMapper.shared().readTree(http.kind().inputSchema()).has("properties"))
                .isTrue();
    }

    static HttpHandler handler(DnsResolver resolver, String... allow) {
        return new HttpHandler(
                new HttpJobProperties(List.of(allow), DataSize.ofBytes(LIMIT), Duration.ofSeconds(5), "conveyor-test"),
                resolver);
    }

    private JsonNode run(String input, Object url) throws Exception {
        return JsonMapper.shared()
                .readTree(Jobs.run(http, input.replace("%s", url.toString()).replace('\'', '"')));
    }

    private JobError fail(String input, Object url) {
        return Jobs.failure(http, input.replace("%s", url.toString()).replace('\'', '"'));
    }

    private static void assertInvalid(JobError error, String pointer) {
        assertThat(error.slug()).isEqualTo("invalid-job");
        assertThat(error.retryable()).isFalse();
        assertThat(error.extensions()).containsEntry("pointer", pointer);
    }

    private static byte[] gzip(String text) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (GZIPOutputStream gzip = new GZIPOutputStream(bytes)) {
            gzip.write(text.getBytes(StandardCharsets.UTF_8));
        }
        return bytes.toByteArray();
    }
}
