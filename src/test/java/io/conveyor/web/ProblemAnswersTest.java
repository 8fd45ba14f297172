package io.conveyor.web;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import org.springframework.boot.test.web.server.LocalServerPort;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What goes wrong inside the application, as the client gets to see it. */
@SpringBootTest(
        classes = WebTestApplication.App.class,
        webEnvironment = SpringBootTest.WebEnvironment.RANDOM_PORT,
        properties = {"server.address=127.0.0.1", "management.endpoint.health.group.readiness.include=readinessState"})
@ExtendWith(OutputCaptureExtension.class)
class ProblemAnswersTest {

    private static final JsonMapper MAPPER = new JsonMapper();
    private static final HttpClient CLIENT = HttpClient.newHttpClient();

    @LocalServerPort
    private int port;

    @ParameterizedTest
    @ValueSource(
            strings = {
                "*/*",
                "application/json",
                "application/x-ndjson",
                "text/event-stream",
                "text/html",
                "no;;such//type"
            })
    void aProblemComesWhateverIsAccepted(String accept) throws Exception {
        HttpResponse<String> answer = send(request("/v1/overloaded").header("Accept", accept));

        assertThat(answer.statusCode()).isEqualTo(429);
        assertThat(answer.headers().firstValue("Content-Type")).hasValue("application/problem+json");
        assertThat(answer.headers().firstValue("Retry-After")).hasValue("7");
        assertThat(answer.body())
                .isEqualTo("{\"type\":\"/problems/overloaded\",\"title\":\"More than can be taken now\",\"status\":429,"
                        + "\"detail\":\"Too much waits.\",\"instance\":\"/v1/overloaded\",\"retry_after_seconds\":7}");
    }

    @ParameterizedTest
    @CsvSource({
        "/v1/fault, '', secret of a controller",
        "/v1/error, '', secret of an error",
        "/v1/later-fault, '', secret of a worker",
        "/v1/json, throw, secret of a filter",
        "/v1/status/503, '', Said so",
        "/v1/never, '', AsyncRequestTimeoutException"
    })
    void aFaultOfOursIsToldByItsTraceIdOnlyAndLoggedOnce(String path, String filter, String secret, CapturedOutput log)
            throws Exception {
        String id = "trace-" + path.hashCode();
        HttpResponse<String> answer =
                send(request(path).header("X-Request-Id", id).header("X-Filter", filter));

        JsonNode problem = problem(answer, 500, "internal");
        assertThat(problem.propertyNames())
                .containsExactly("type", "title", "status", "detail", "instance", "trace_id");
        assertThat(problem.get("trace_id").asString()).isEqualTo(id);
        assertThat(answer.body()).doesNotContain("secret", "Exception");
        assertThat(log.getOut()).contains("trace id " + id).contains(secret);
        assertThat(log.getOut().split(" ERROR ", -1)).as(log.getOut()).hasSize(2);
    }

    @Test
    void aFilterMayThrowAProblemAndTheContainersOwnMessageStaysInside() throws Exception {
        HttpResponse<String> thrown = send(request("/v1/json").header("X-Filter", "refuse"));
        assertThat(problem(thrown, 403, "forbidden").get("detail").asString()).isEqualTo("Not you.");

        HttpResponse<String> sent = send(request("/v1/json").header("X-Filter", "send-error"));
        assertThat(problem(sent, 403, "forbidden").get("instance").asString()).isEqualTo("/v1/json");
        assertThat(sent.body()).doesNotContain("secret");
    }

    @ParameterizedTest
    @ValueSource(strings = {"send-500", "throw-error"})
    void aFaultThatOnlyTheContainerSawIsLoggedUnderItsTraceIdToo(String filter, CapturedOutput log) throws Exception {
        HttpResponse<String> answer =
                send(request("/v1/json").header("X-Filter", filter).header("X-Request-Id", filter));
        assertThat(problem(answer, 500, "internal").get("trace_id").asString()).isEqualTo(filter);
        assertThat(answer.body()).doesNotContain("secret");
        assertThat(log.getOut()).contains("trace id " + filter);
    }

    @Test
    void anExceptionThatAnotherPackageKnowsIsItsProblem() throws Exception {
        HttpResponse<String> answer = send(request("/v1/sums"));
        problem(answer, 507, "storage-full");
        assertThat(answer.headers().firstValue("Retry-After")).hasValue("10");
        assertThat(answer.body()).doesNotContain("secret");
    }

    @Test
    void aContainerThatIsStoppingSaysSo() throws Exception {
        HttpResponse<String> answer = send(request("/v1/json").header("X-Filter", "send-503"));
        problem(answer, 503, "draining");
        assertThat(answer.headers().firstValue("Retry-After")).hasValue("1");
    }

    @Test
    void whatAFailedHandlerHadPreparedIsTakenBack() throws Exception {
        HttpResponse<String> answer = send(request("/v1/prepared"));

        assertThat(problem(answer, 404, "batch-not-found").get("batch_id").asString())
                .isEqualTo("b");
        assertThat(answer.headers().map()).doesNotContainKeys("etag", "location");
        problem(send(request("/v1/json").header("X-Filter", "prepare")), 404, "batch-not-found");
    }

    @Test
    void anAnswerThatBreaksNeverLooksComplete(CapturedOutput log) {
        assertThatThrownBy(() -> send(request("/v1/cut"))).isInstanceOf(IOException.class);
        // The container's own line.
        assertThat(log.getOut().split(" ERROR ", -1)).as(log.getOut()).hasSize(2);
    }

    @Test
    void aWrongMethodIsToldTheRightOnes() throws Exception {
        HttpResponse<String> answer = send(request("/v1/typed").DELETE());
        assertThat(problem(answer, 405, "method-not-allowed").get("supported").toString())
                .isEqualTo("[\"OPTIONS\",\"POST\"]");
        assertThat(answer.headers().firstValue("Allow")).hasValue("OPTIONS, POST");
    }

    @Test
    void optionsAndHeadAreAnswered() throws Exception {
        HttpResponse<String> options = send(request("/v1/json").method("OPTIONS", BodyPublishers.noBody()));
        assertThat(options.statusCode()).isEqualTo(200);
        assertThat(options.headers().firstValue("Allow")).hasValue("GET,HEAD,OPTIONS");

        HttpResponse<String> head = send(request("/v1/json").method("HEAD", BodyPublishers.noBody()));
        assertThat(head.statusCode()).isEqualTo(200);
        assertThat(head.body()).isEmpty();
    }

    @Test
    void aTypeThatIsNotReadIsToldTheRightOnes() throws Exception {
        HttpResponse<String> answer = post("/v1/typed", "text/csv", "a,b");
        assertThat(problem(answer, 415, "unsupported-media-type")
                        .get("supported")
                        .toString())
                .isEqualTo("[\"application/json\"]");
        assertThat(answer.headers().firstValue("Accept")).hasValue("application/json");
    }

    @ParameterizedTest
    @ValueSource(strings = {"image/png", "no;;such//type"})
    void aTypeThatIsNotOfferedIsToldTheOthers(String accept) throws Exception {
        HttpResponse<String> answer = send(request("/v1/json").header("Accept", accept));
        assertThat(problem(answer, 406, "not-acceptable").has("supported")).isTrue();
    }

    @Test
    void brokenJsonIsShownItsPlace() throws Exception {
        JsonNode problem =
                problem(post("/v1/typed", "application/json", "{\n  \"name\": oops}"), 400, "malformed-json");
        assertThat(problem.get("line").asInt()).isEqualTo(2);
        assertThat(problem.get("column").asInt()).isBetween(11, 16);
        assertThat(problem.get("detail").asString()).startsWith("Unrecognized token 'oops'");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"name\":\"a\",\"name\":\"b\"}",
                "{\"name\":\"a\"} {}",
                "{\"name\":\"a\"",
                "{\"numbers\":[1,",
                "\u001f\u008b",
            })
    void whatIsNoJsonIsMalformedAndNamesNoClass(String body) throws Exception {
        HttpResponse<String> answer = post("/v1/typed", "application/json", body);
        problem(answer, 400, "malformed-json");
        assertThat(answer.body()).doesNotContain("tools.jackson", "io.conveyor", "java.", "Source", "REDACTED");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"nam\":1} | /nam | unknown-field | There is no field 'nam' here; there are count, name, numbers.",
                "{\"a/b~c\":1} | /a~1b~0c | unknown-field | There is no field 'a/b~c' here; there are count, name, numbers.",
                "{\"count\":1.5} | /count | wrong-type | This must be an integer.",
                "{\"count\":\"5\"} | /count | wrong-type | This must be an integer.",
                "{\"numbers\":[1,{}]} | /numbers/1 | wrong-type | This must be an integer.",
                "{\"numbers\":7} | /numbers | wrong-type | This must be an array.",
                "[] | '' | wrong-type | This must be an object.",
                "{\"name\":\"refused\"} | '' | invalid-value | A thing cannot be called refused.",
            })
    void jsonOfTheWrongShapeGetsAPointer(String body, String pointer, String code, String detail) throws Exception {
        HttpResponse<String> answer = post("/v1/typed", "application/json", body);
        JsonNode error = problem(answer, 422, "validation-failed").get("errors").get(0);
        assertThat(error.get("pointer").asString()).isEqualTo(pointer);
        assertThat(error.get("code").asString()).isEqualTo(code);
        assertThat(error.get("detail").asString()).isEqualTo(detail);
        assertThat(answer.body()).doesNotContain("tools.jackson", "io.conveyor", "java.");
    }

    @Test
    void jsonThatIsTooDeepIsRefused() throws Exception {
        HttpResponse<String> answer = post("/v1/typed", "application/json", "{\"x\":" + "[".repeat(65));
        assertThat(problem(answer, 422, "validation-failed")
                        .get("errors")
                        .get(0)
                        .get("code")
                        .asString())
                .isEqualTo("too-complex");
    }

    @Test
    void anEmptyBodyIsNamedSo() throws Exception {
        assertThat(problem(post("/v1/typed", "application/json", ""), 400, "bad-request")
                        .get("detail")
                        .asString())
                .isEqualTo("The body is missing or cannot be read.");
    }

    @Test
    void trailingSlashesAreTolerated() throws Exception {
        assertThat(send(request("/v1/json/")).statusCode()).isEqualTo(200);
        assertThat(send(request("/v1/later/")).body()).isEqualTo("{\"done\":true}");
    }

    private HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path));
    }

    private HttpResponse<String> post(String path, String type, String body) throws Exception {
        return send(request(path).header("Content-Type", type).POST(BodyPublishers.ofString(body)));
    }

    private static HttpResponse<String> send(HttpRequest.Builder request) throws Exception {
        return CLIENT.send(request.build(), BodyHandlers.ofString());
    }

    private static JsonNode problem(HttpResponse<String> answer, int status, String slug) {
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
        assertThat(answer.headers().firstValue("Content-Type")).hasValue("application/problem+json");
        JsonNode problem = MAPPER.readTree(answer.body());
        assertThat(problem.get("type").asString()).isEqualTo("/problems/" + slug);
        return problem;
    }
}
