package io.conveyor.web;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.web.server.LocalServerPort;

/** Whatever Tomcat refuses by itself is a problem object too, and tells nothing about Tomcat. */
@SpringBootTest(
        classes = WebTestApplication.App.class,
        webEnvironment = SpringBootTest.WebEnvironment.RANDOM_PORT,
        properties = "server.address=127.0.0.1")
class ContainerErrorsTest {

    @LocalServerPort
    private int port;

    @ParameterizedTest
    @CsvSource({
        "GARBAGE|",
        "GET /v1/%zz HTTP/1.1|Host: a",
        "GET /v1/a{b HTTP/1.1|Host: a",
        "GET /v1/a%2Fb HTTP/1.1|Host: a",
        "GET /v1/a%00b HTTP/1.1|Host: a",
        "GET /v1/../.. HTTP/1.1|Host: a",
        "GET /v1/json HTTP/9.9|Host: a",
        "GET /v1/json HTTP/1.1|",
        "GET /v1/json HTTP/1.1|Host: a b",
        "GET /v1/json HTTP/1.1|Host: a|Host: b",
        "G@T /v1/json HTTP/1.1|Host: a",
        "TRACE /v1/json HTTP/1.1|Host: a",
        "BREW /v1/json HTTP/1.1|Host: a",
        "POST /v1/bodies HTTP/1.1|Host: a|Transfer-Encoding: strange",
        "POST /v1/bodies HTTP/1.1|Host: a|Content-Length: x",
        "POST /v1/bodies HTTP/1.1|Host: a|Content-Length: 1|Content-Length: 2",
        "GET /v1/json HTTP/1.1|Host: a|Bad Header: x",
    })
    void whatTheContainerRefusesIsAProblem(String lines) throws IOException {
        Wire.Answer answer = Wire.exchange(port, lines.replace("|", "\r\n") + "\r\nConnection: close\r\n\r\n");
        System.out.println(lines + "\n=> " + answer.text());
    }

    @Test
    void headersThatAreTooLarge() throws IOException {
        Wire.Answer answer =
                Wire.exchange(port, "GET /v1/json HTTP/1.1\r\nHost: a\r\nX: " + "y".repeat(20_000) + "\r\n\r\n");
        System.out.println("HEADERS => " + answer.text());
        answer = Wire.exchange(port, "GET /v1/" + "y".repeat(20_000) + " HTTP/1.1\r\nHost: a\r\n\r\n");
        System.out.println("LINE => " + answer.text());
        assertThat(answer.status()).isEqualTo(400);
    }
}
