package io.conveyor.web;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.web.server.LocalServerPort;

/** How bodies are let in or refused, on the wire. */
@SpringBootTest(
        classes = WebTestApplication.App.class,
        webEnvironment = SpringBootTest.WebEnvironment.RANDOM_PORT,
        properties = {
            "server.address=127.0.0.1",
            "management.endpoint.health.group.readiness.include=readinessState",
            "server.tomcat.connection-timeout=300ms"
        })
class BodiesTest {

    private static final String TOO_LARGE = "x".repeat((int) WebTestApplication.LIMIT + 1);

    @LocalServerPort
    private int port;

    @Test
    void aBodyUpToTheLimitIsTaken() throws IOException {
        String body = "x".repeat((int) WebTestApplication.LIMIT);
        Wire.Answer sized = post("Content-Length: 1000", body);
        assertThat(sized.json().get("size").asInt()).isEqualTo(1000);

        Wire.Answer chunked = post("Transfer-Encoding: chunked", chunk(body) + "0\r\n\r\n");
        assertThat(chunked.json().get("size").asInt()).isEqualTo(1000);
    }

    @Test
    void aBodyWhoseLengthIsTooLargeIsRefusedUnread() throws IOException {
        try (Wire wire = new Wire(port)) {
            wire.send(head("Content-Length: 1001"));
            // Not one byte of the body has been sent: the answer comes all the same.
            String head = wire.readHead();
            assertThat(head).startsWith("HTTP/1.1 413 ").contains("application/problem+json");
        }
    }

    @Test
    void aBodyOfUnknownLengthIsCountedWhileItIsRead() throws IOException {
        try (Wire wire = new Wire(port)) {
            // The end of the body never comes.
            wire.send(head("Transfer-Encoding: chunked") + chunk(TOO_LARGE));
            Wire.Answer answer = wire.readToEnd();
            assertThat(answer.status()).as(answer.text()).isEqualTo(413);
            assertThat(answer.json().get("limit").asInt()).isEqualTo(1000);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"Content-Length: 1001", "Content-Length: 5\r\nContent-Encoding: br"})
    void aRefusedClientThatWaitsForContinueHasSentNothing(String header) throws IOException {
        try (Wire wire = new Wire(port)) {
            wire.send(head(header + "\r\nExpect: 100-continue"));
            Wire.Answer answer = wire.readToEnd();
            assertThat(answer.text()).doesNotContain("100 Continue");
            assertThat(answer.status()).isIn(413, 415);
        }
    }

    @Test
    void aClientThatWaitsForContinueIsToldWhenItsBodyIsWanted() throws IOException {
        try (Wire wire = new Wire(port)) {
            wire.send(head("Content-Length: 2\r\nExpect: 100-continue"));
            assertThat(wire.readHead()).startsWith("HTTP/1.1 100");
            wire.send("[]");
            assertThat(wire.readToEnd().json().get("size").asInt()).isEqualTo(2);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"br", "deflate", "gzip, br", "gzip, gzip"})
    void aBodyInAnotherEncodingThanGzipIsNotRead(String encoding) throws IOException {
        Wire.Answer answer = post("Content-Length: 2\r\nContent-Encoding: " + encoding, "[]");
        assertThat(answer.status()).isEqualTo(415);
        assertThat(answer.header("Accept-Encoding")).hasValue("gzip, identity");
        assertThat(answer.json().get("type").asString()).isEqualTo("/problems/unsupported-media-type");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "application/json | JSON",
                "APPLICATION/JSON; charset=\"UTF-8\" | JSON",
                "application/octet-stream | UNDECLARED",
                "application/x-ndjson | NDJSON",
                "application/jsonl;charset=utf-8 | NDJSON",
                "application/ndjson | NDJSON",
                "application/x-jsonlines | NDJSON",
            })
    void theTypeOfABodyIsKnown(String type, String expected) throws IOException {
        Wire.Answer answer = post("Content-Length: 2\r\nContent-Type: " + type, "[]");
        assertThat(answer.json().get("type").asString()).as(answer.text()).isEqualTo(expected);
    }

    @Test
    void aBodyWithoutATypeIsUndeclared() throws IOException {
        assertThat(post("Content-Length: 2", "[]").json().get("type").asString())
                .isEqualTo("UNDECLARED");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "text/plain",
                "application/vnd.api+json",
                "application/*",
                "application/json; charset=latin1",
                "application/json; charset=none-such",
                "nonsense",
                "multipart/form-data; boundary=x"
            })
    void anyOtherTypeIsRefused(String type) throws IOException {
        Wire.Answer answer = post("Content-Length: 2\r\nContent-Type: " + type, "[]");
        assertThat(answer.status()).as(answer.text()).isEqualTo(415);
        assertThat(answer.header("Accept")).hasValue("application/json");
        assertThat(answer.json().get("supported").toString()).isEqualTo("[\"application/json\"]");
    }

    @ParameterizedTest
    @CsvSource({
        "POST /v1/bodies, application/x-www-form-urlencoded, curl --json @jobs.json",
        "PUT /v1/bodies/x, application/x-www-form-urlencoded, curl --json @jobs.json",
        "POST /v1/bodies, multipart/form-data; boundary=x, multipart/form-data"
    })
    void aFormIsShownTheRightCommandAndNeverReadAsParameters(String target, String type, String said)
            throws IOException {
        try (Wire wire = new Wire(port)) {
            wire.send(target + "?name=query HTTP/1.1\r\nHost: a\r\nConnection: close\r\nExpect: 100-continue\r\n"
                    + "Content-Type: " + type + "\r\nContent-Length: 20\r\n\r\n");
            Wire.Answer answer = wire.readToEnd();
            assertThat(answer.text()).doesNotContain("100 Continue");
            assertThat(answer.status()).as(answer.text()).isEqualTo(415);
            assertThat(answer.json().get("detail").asString()).contains(said);
        }
    }

    @Test
    void aBodyThatStopsComingIsAnsweredAfterTheTimeOut() throws IOException {
        try (Wire wire = new Wire(port)) {
            wire.send(head("Content-Length: 500") + "x");
            Wire.Answer answer = wire.readToEnd();
            assertThat(answer.status()).as(answer.text()).isEqualTo(408);
            assertThat(answer.json().get("type").asString()).isEqualTo("/problems/request-timeout");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"Content-Length: 500\r\n\r\nx", "Transfer-Encoding: chunked\r\n\r\n5\r\nab"})
    void aBodyThatEndsEarlyIsABadRequest(String rest) throws IOException {
        try (Wire wire = new Wire(port)) {
            wire.send("POST /v1/bodies HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + rest);
            wire.finishSending();
            Wire.Answer answer = wire.readToEnd();
            assertThat(answer.status()).as(answer.text()).isEqualTo(400);
            assertThat(answer.json().get("type").asString()).isEqualTo("/problems/bad-request");
        }
    }

    @Test
    void brokenChunksAreABadRequest() throws IOException {
        Wire.Answer answer = post("Transfer-Encoding: chunked", "zz\r\nab\r\n0\r\n\r\n");
        assertThat(answer.status()).as(answer.text()).isEqualTo(400);
        assertThat(answer.json().get("type").asString()).isEqualTo("/problems/bad-request");
    }

    private Wire.Answer post(String headers, String body) throws IOException {
        return Wire.exchange(port, head(headers) + body);
    }

    private static String head(String headers) {
        return "POST /v1/bodies HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + headers + "\r\n\r\n";
    }

    private static String chunk(String data) {
        return Integer.toHexString(data.length()) + "\r\n" + data + "\r\n";
    }

    @Test
    void aHeadThatComesByDropsIsNotWaitedForForEver() throws IOException {
        try (Wire wire = new Wire(port)) {
            wire.send("GET /v1 HTTP/1.1\r\nHost: ");

            int drops = 0;
            while (drops < 200 && !wire.endsWithin(20)) {
                wire.send("a");
                drops++;
            }

            // The container's own limit is for each pause, and there was none so long.
            assertThat(drops).isLessThan(200);
        }
    }
}
