package io.conveyor.web;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import org.springframework.boot.test.web.server.LocalServerPort;

/** Whatever Tomcat refuses by itself is a problem object too, and tells nothing about Tomcat. */
@SpringBootTest(
        classes = WebTestApplication.App.class,
        webEnvironment = SpringBootTest.WebEnvironment.RANDOM_PORT,
        properties = {"server.address=127.0.0.1", "management.endpoints.web.exposure.include=metrics"})
@ExtendWith(OutputCaptureExtension.class)
class ContainerErrorsTest {

    @LocalServerPort
    private int port;

    /** Lines of the head are divided by bars. */
    @ParameterizedTest
    @CsvSource({
        "400, bad-request, GARBAGE",
        "400, bad-request, GET /v1/%zz HTTP/1.1|Host: a",
        "400, bad-request, GET /v1/a{b HTTP/1.1|Host: a",
        "400, bad-request, GET /v1/a%2Fb HTTP/1.1|Host: a",
        "400, bad-request, GET /v1/a%00b HTTP/1.1|Host: a",
        "400, bad-request, GET /v1/../.. HTTP/1.1|Host: a",
        "505, unsupported-http, GET /v1/json HTTP/9.9|Host: a",
        "400, bad-request, GET /v1/json HTTP/1.1",
        "400, bad-request, GET /v1/json HTTP/1.1|Host: a b",
        "400, bad-request, GET /v1/json HTTP/1.1|Host: a|Host: b",
        "400, bad-request, G@T /v1/json HTTP/1.1|Host: a",
        "400, bad-request, GET /v1/json HTTP/1.1|Host: a|Bad Header: x",
        "400, bad-request, POST /v1/bodies HTTP/1.1|Host: a|Content-Length: x",
        "400, bad-request, POST /v1/bodies HTTP/1.1|Host: a|Content-Length: 1|Content-Length: 2",
        "501, unsupported-http, POST /v1/bodies HTTP/1.1|Host: a|Transfer-Encoding: strange",
        "400, bad-request, GET /v1/parameters?limit=%zz HTTP/1.1|Host: a",
        "400, bad-request, GET /actuator/metrics/jvm.info?tag=%zz HTTP/1.1|Host: a",
        "405, method-not-allowed, TRACE /v1/json HTTP/1.1|Host: a",
        "405, method-not-allowed, BREW /v1/json HTTP/1.1|Host: a",
        "404, not-found, GET /error HTTP/1.1|Host: a",
        "404, not-found, GET / HTTP/1.1|Host: a",
        "404, not-found, GET /nowhere HTTP/1.1|Host: a|Accept: text/html",
        "404, not-found, GET /v1/nowhere HTTP/1.1|Host: a|Accept: text/event-stream",
        "404, not-found, GET /actuator/nowhere HTTP/1.1|Host: a|Accept: application/x-ndjson",
    })
    void whatTheContainerRefusesIsAProblem(int status, String slug, String lines, CapturedOutput log)
            throws IOException {
        String head = lines.replace("|", "\r\n") + "\r\nConnection: close\r\n\r\n";
        Wire.Answer answer = Wire.exchange(port, head);

        assertThat(answer.status()).as(answer.text()).isEqualTo(status);
        assertThat(answer.header("Content-Type")).as(answer.text()).hasValue("application/problem+json");
        assertThat(answer.header("X-Request-Id")).isPresent();
        assertThat(answer.header("X-Content-Type-Options")).hasValue("nosniff");
        assertThat(answer.json().get("type").asString()).isEqualTo("/problems/" + slug);
        assertThat(answer.json().get("title").asString()).isNotEmpty();
        assertThat(answer.json().get("status").asInt()).isEqualTo(status);
        assertThat(answer.json().get("detail").asString()).isNotEmpty();
        assertThat(answer.text()).doesNotContainIgnoringCase("tomcat").doesNotContain("Exception", "<html");
        assertThat(log.getOut()).doesNotContain("ERROR", " WARN");
    }

    @Test
    void theMethodsThatAreAllowedAreThoseOfThePath() throws IOException {
        Wire.Answer get = Wire.exchange(port, "TRACE /v1/json HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        assertThat(get.header("Allow")).hasValue("GET, HEAD, OPTIONS");
        assertThat(get.json().get("supported").toString()).isEqualTo("[\"GET\",\"HEAD\",\"OPTIONS\"]");
        assertThat(get.json().get("instance").asString()).isEqualTo("/v1/json");

        Wire.Answer post = Wire.exchange(port, "TRACE /v1/bodies HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        assertThat(post.header("Allow")).hasValue("OPTIONS, POST");
    }

    @Test
    void headersThatAreTooLargeAreNamedSo() throws IOException {
        Wire.Answer header =
                Wire.exchange(port, "GET /v1/json HTTP/1.1\r\nHost: a\r\nX: " + "y".repeat(20_000) + "\r\n\r\n");
        assertThat(header.status()).isEqualTo(431);
        assertThat(header.json().get("type").asString()).isEqualTo("/problems/headers-too-large");

        Wire.Answer line = Wire.exchange(port, "GET /v1/" + "y".repeat(20_000) + " HTTP/1.1\r\nHost: a\r\n\r\n");
        assertThat(line.status()).isEqualTo(431);
        assertThat(line.json().has("instance")).isFalse();
    }

    @Test
    void aHeadRequestGetsTheHeadOfTheProblemOnly() throws IOException {
        Wire.Answer answer = Wire.exchange(port, "HEAD /v1/nowhere HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        assertThat(answer.status()).isEqualTo(404);
        assertThat(answer.header("Content-Type")).hasValue("application/problem+json");
        assertThat(answer.body()).isEmpty();
    }

    @Test
    void aPathThatIsNoUriIsLeftOut() throws IOException {
        Wire.Answer answer = Wire.exchange(port, "GET /v1/%zz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        assertThat(answer.json().has("instance")).isFalse();
    }
}
