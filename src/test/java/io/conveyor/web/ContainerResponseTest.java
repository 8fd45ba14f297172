package io.conveyor.web;

import static org.assertj.core.api.Assertions.assertThat;

import jakarta.servlet.AsyncContext;
import jakarta.servlet.ServletOutputStream;
import jakarta.servlet.WriteListener;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.web.server.LocalServerPort;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/** Who writes on a thread of its own hears of it when the container takes the response back. */
@SpringBootTest(
        classes = WebTestApplication.App.class,
        webEnvironment = SpringBootTest.WebEnvironment.RANDOM_PORT,
        properties = {"server.address=127.0.0.1", "management.endpoints.web.exposure.include=metrics"})
class ContainerResponseTest {

    private static final int PATIENCE_MILLIS = 60_000;

    /** Breaks the connection on another thread while one of the container's tells that more may be written. */
    @RestController
    static final class Breaking {

        private final CountDownLatch released = new CountDownLatch(1);

        @GetMapping("/v1/breaking")
        void answer(HttpServletRequest request) throws IOException {
            AsyncContext context = request.startAsync();
            context.setTimeout(0);
            ContainerResponse response = ContainerResponse.of(request);
            response.beforeRelease(released::countDown);
            ServletOutputStream out = context.getResponse().getOutputStream();
            out.setWriteListener(new WriteListener() {

                @Override
                public void onWritePossible() {
                    CompletableFuture.runAsync(response::cut).join();
                }

                @Override
                public void onError(Throwable failure) {}
            });
        }
    }

    @LocalServerPort
    private int port;

    @Autowired
    private Breaking breaking;

    @SuppressWarnings("NullAway.Init")
    ContainerResponseTest() {}

    @Test
    void whoWritesHearsOfTheReleaseOfAConnectionThatItFoundBroken() throws IOException {
        try (Socket client = new Socket(InetAddress.getLoopbackAddress(), port)) {
            client.setSoTimeout(PATIENCE_MILLIS);
            client.getOutputStream()
                    .write("GET /v1/breaking HTTP/1.1\r\nHost: a\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            assertThat(client.getInputStream().read()).isEqualTo(-1);
        }

        assertThat(breaking.released.getCount()).isZero();
    }
}
