package io.conveyor.handler.http;

import static io.conveyor.handler.http.TestServer.answer;
import static org.assertj.core.api.Assertions.assertThat;

import io.conveyor.job.JobError;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What goes out to the server. */
class HttpRequestTest extends HttpHarness {

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

    @Test
    void otherMethodsAreRefused() {
        assertInvalid(fail("{'method':'TRACE','url':'%s'}", server.url("/")), "/input/method");
        assertInvalid(fail("{'method':'get','url':'%s'}", server.url("/")), "/input/method");
    }

    @Test
    void schemaIsJson() {
        assertThat(JsonMapper.shared().readTree(http.kind().inputSchema()).has("properties"))
                .isTrue();
    }
}
