package io.conveyor.web;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.Objects;
import org.apache.catalina.connector.Connector;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import org.springframework.boot.test.web.server.LocalServerPort;
import org.springframework.boot.tomcat.TomcatWebServer;
import org.springframework.boot.web.server.servlet.context.ServletWebServerApplicationContext;
import org.springframework.test.annotation.DirtiesContext;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Parameters, ids, conditions, headers and pages, on the wire. */
@SpringBootTest(
        classes = WebTestApplication.App.class,
        webEnvironment = SpringBootTest.WebEnvironment.RANDOM_PORT,
        properties = {
            "server.address=127.0.0.1",
            "management.endpoint.health.group.readiness.include=readinessState",
            "spring.main.log-startup-info=true",
            "requests-test=starts-anew"
        })
@ExtendWith(OutputCaptureExtension.class)
@DirtiesContext
class RequestsTest {

    private static final JsonMapper MAPPER = new JsonMapper();
    private static final HttpClient CLIENT = HttpClient.newHttpClient();

    @LocalServerPort
    private int port;

    @Autowired
    private ServletWebServerApplicationContext context;

    @Test
    void theStartWarnsOfNothing(CapturedOutput log) {
        assertThat(log.getOut()).contains("Started RequestsTest").doesNotContain(" WARN ", " ERROR ");
    }

    @Test
    void theConnectorHasItsLimits() {
        Connector connector = ((TomcatWebServer) Objects.requireNonNull(context.getWebServer()))
                .getTomcat()
                .getConnector();
        assertThat(connector.getProperty("maxThreads")).isEqualTo(200);
        assertThat(connector.getProperty("maxConnections")).isEqualTo(8192);
        assertThat(connector.getProperty("connectionTimeout")).isEqualTo(20_000);
        assertThat(connector.getProperty("keepAliveTimeout")).isEqualTo(60_000);
        assertThat(connector.getProperty("maxKeepAliveRequests")).isEqualTo(-1);
        assertThat(connector.getProperty("maxSwallowSize")).isEqualTo(2 << 20);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "?limit=5&flag=true&further=1",
                "?tag=a&tag=b",
                "?&limit=5&",
                "?lim%69t=5",
                "?colour=dark_green",
                "?further"
            })
    void declaredParametersAreTaken(String query) throws Exception {
        assertThat(get("/v1/parameters" + query).statusCode()).isEqualTo(200);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "?limt=5 | limt | [\"colour\",\"flag\",\"further\",\"limit\",\"tag\"]",
                "?limit=5&LIMIT=5 | LIMIT | [\"colour\",\"flag\",\"further\",\"limit\",\"tag\"]",
                "?limit=5&%0Aevil | ?evil | [\"colour\",\"flag\",\"further\",\"limit\",\"tag\"]",
                "?limit=5&limit=6 | limit | null",
                "?limit=5&lim%69t=6 | limit | null",
                "?further=1&further=1 | further | null",
                "?limit=five | limit | null",
                "?limit=5.0 | limit | null",
                "?limit=99999999999 | limit | null",
                "?flag=perhaps | flag | [\"true\",\"false\"]",
                "?colour=blue | colour | [\"red\",\"dark_green\"]",
            })
    void anyOtherParameterIsRefused(String query, String parameter, String allowed) throws Exception {
        JsonNode problem = problem(get("/v1/parameters" + query), 400, "invalid-parameter");
        assertThat(problem.get("parameter").asString()).isEqualTo(parameter);
        assertThat(String.valueOf(problem.get("allowed"))).isEqualTo(allowed);
    }

    @Test
    void aMissingParameterAndABrokenPathVariableAreNamed() throws Exception {
        assertThat(problem(get("/v1/required"), 400, "invalid-parameter")
                        .get("parameter")
                        .asString())
                .isEqualTo("name");
        JsonNode index = problem(get("/v1/items/first"), 400, "invalid-parameter");
        assertThat(index.get("parameter").asString()).isEqualTo("index");
        assertThat(index.get("detail").asString()).isEqualTo("Parameter 'index' is 'first'; it must be an integer.");
        problem(get("/v1/json?any=1"), 400, "invalid-parameter");
    }

    @Test
    void optionsTakeAnyParameter() throws Exception {
        HttpRequest.Builder options = request("/v1/json?any=1").method("OPTIONS", BodyPublishers.noBody());
        assertThat(send(options).statusCode()).isEqualTo(200);
    }

    @Test
    void aWellFormedRequestIdIsKeptAndLoggedUnder() throws Exception {
        HttpResponse<String> answer = send(request("/v1/json").header("X-Request-Id", "a.b_C-9"));
        assertThat(answer.headers().allValues("X-Request-Id")).containsExactly("a.b_C-9");
        assertThat(answer.body()).isEqualTo("{\"log_id\":\"a.b_C-9\"}");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "a b", "a\"b", "0123456789012345678901234567890123456789012345678901234567890123x"})
    void anyOtherRequestIdIsReplaced(String id) throws Exception {
        HttpResponse<String> answer = send(request("/v1/json").header("X-Request-Id", id));
        String made = answer.headers().firstValue("X-Request-Id").orElseThrow();
        assertThat(made).isNotEqualTo(id).matches("[0-9a-f-]{36}");
        assertThat(answer.body()).contains(made);
    }

    @Test
    void theApiIsNotForCachesUnlessItSaysSo() throws Exception {
        assertThat(get("/v1/json").headers().allValues("Cache-Control")).containsExactly("no-store");
        assertThat(get("/v1/cached").headers().allValues("Cache-Control")).containsExactly("no-cache");
        assertThat(get("/problems/internal").headers().allValues("Cache-Control"))
                .isEmpty();
        assertThat(get("/v1/json").headers().allValues("X-Content-Type-Options"))
                .containsExactly("nosniff");
    }

    /** Spring's own comparison is what the controllers use; this holds it to RFC 9110. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {"W/\"7\" | 304", "\"7\" | 304", "\"6\", W/\"7\" | 304", "\"6\" | 200", "W/\"77\" | 200"})
    void anEntityTagIsComparedWeakly(String ifNoneMatch, int status) throws Exception {
        HttpResponse<String> answer = send(request("/v1/tagged").header("If-None-Match", ifNoneMatch));
        assertThat(answer.statusCode()).isEqualTo(status);
        assertThat(answer.headers().firstValue("ETag")).hasValue("W/\"7\"");
    }

    @Test
    void anUnmetConditionOfAWriteIsAProblem() throws Exception {
        HttpRequest.Builder put =
                request("/v1/tagged").header("If-None-Match", "*").PUT(BodyPublishers.noBody());
        problem(send(put), 412, "precondition-failed");
        assertThat(send(request("/v1/tagged").PUT(BodyPublishers.noBody())).statusCode())
                .isEqualTo(200);
    }

    @ParameterizedTest
    @EnumSource(Problem.class)
    void everyProblemHasAPage(Problem problem) throws Exception {
        HttpResponse<String> answer = get(problem.type());
        assertThat(answer.statusCode()).isEqualTo(200);
        assertThat(answer.headers().firstValue("Content-Type")).hasValue("application/json");
        JsonNode page = MAPPER.readTree(answer.body());
        assertThat(page.get("type").asString()).isEqualTo(problem.type());
        assertThat(page.get("title").asString()).isEqualTo(problem.title());
        assertThat(page.has("status")).isEqualTo(problem.status().isPresent());
        assertThat(page.get("meaning").asString()).endsWith(".");
        assertThat(page.get("remedy").asString()).endsWith(".");
    }

    @Test
    void aPageThatIsNotThereIsAProblem() throws Exception {
        problem(get("/problems/none-such"), 404, "not-found");
        problem(get("/problems/INTERNAL"), 404, "not-found");
    }

    @Test
    void theReferenceOfTheApiIsServed() throws Exception {
        assertThat(get("/v3/api-docs").body()).contains("\"/problems/{slug}\"").doesNotContain("\"/error\"");
        assertThat(get("/swagger-ui.html").statusCode()).isEqualTo(302);
        assertThat(get("/swagger-ui/index.html").body()).contains("swagger-ui-bundle.js");
        assertThat(get("/swagger-ui/swagger-ui-bundle.js").statusCode()).isEqualTo(200);
        problem(get("/swagger-ui/none-such.js"), 404, "not-found");
    }

    @Test
    void healthIsServed() throws Exception {
        assertThat(get("/actuator/health").statusCode()).isEqualTo(200);
    }

    private HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path));
    }

    private HttpResponse<String> get(String path) throws Exception {
        return send(request(path));
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
