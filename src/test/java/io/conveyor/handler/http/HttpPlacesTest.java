package io.conveyor.handler.http;

import static io.conveyor.handler.http.TestServer.answer;
import static org.assertj.core.api.Assertions.assertThat;

import io.conveyor.job.JobError;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.hc.client5.http.DnsResolver;
import org.apache.hc.client5.http.SystemDefaultDnsResolver;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Where a job may go: by its URL, by the names in it, and by redirects. */
class HttpPlacesTest extends HttpHarness {

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
}
