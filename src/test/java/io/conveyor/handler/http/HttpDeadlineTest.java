package io.conveyor.handler.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.conveyor.handler.JobOutput;
import io.conveyor.handler.Jobs;
import io.conveyor.job.JobError;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import org.apache.hc.client5.http.SystemDefaultDnsResolver;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Servers that never come to an end: without the timer each of these tests would run until its time-out. */
@Timeout(value = 30, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class HttpDeadlineTest {

    private static final Duration SOON = Duration.ofMillis(300);

    private final CountDownLatch accepted = new CountDownLatch(1);
    private final CountDownLatch hungUp = new CountDownLatch(1);

    private ServerSocket server;
    private HttpHandler http;

    @BeforeEach
    void start() throws IOException {
        server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        http = HttpHarness.handler(SystemDefaultDnsResolver.INSTANCE, "127.0.0.1");
    }

    @AfterEach
    void stop() throws IOException {
        http.close();
        server.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"http", "https"})
    void aServerThatHangsIsLeftWhenTheTimeIsUp(String scheme) throws Exception {
        serve(this::hang);

        JobError error = Jobs.failure(http, Jobs.job(input(scheme), SOON));

        assertThat(error.slug()).isEqualTo("job-timeout");
        assertThat(error.retryable()).isTrue();
        hungUp.await();
    }

    @Test
    void aServerThatTricklesIsLeftWhenTheTimeIsUp() throws Exception {
        serve(this::trickle);

        assertThat(Jobs.failure(http, Jobs.job(input("http"), SOON)).slug()).isEqualTo("job-timeout");
        hungUp.await();
    }

    @Test
    void aServerThatSendsWithoutEndIsLeftAtTheLimit() throws Exception {
        serve(this::flood);

        assertThat(Jobs.failure(http, Jobs.job(input("http"))).detail()).contains("conveyor.http.max-response");
        hungUp.await();
    }

    @Test
    void headersWithoutEndAreNotRead() throws Exception {
        serve(socket -> send(socket, "HTTP/1.1 200 OK\r\n", "X-Header: 1\r\n"));

        assertThat(Jobs.failure(http, Jobs.job(input("http"))).slug()).isEqualTo("job-failed");
        hungUp.await();
    }

    /** As one that is started again does: its certificate has nothing to do with that. */
    @Test
    void aServerThatHangsUpInTheHandshakeMayDoBetterLater() throws Exception {
        serve(socket -> assertThat(socket.getInputStream().read()).isNotNegative());

        JobError error = Jobs.failure(http, Jobs.job(input("https")));

        assertThat(error.retryable()).isTrue();
        assertThat(error.detail()).doesNotContain("certificate");
    }

    @ParameterizedTest
    @ValueSource(strings = {"http", "https"})
    void anInterruptLeavesAServerThatHangs(String scheme) throws Exception {
        serve(this::hang);

        assertInterruptible(scheme);
    }

    @Test
    void anInterruptLeavesAServerThatTrickles() throws Exception {
        serve(this::trickle);

        assertInterruptible("http");
    }

    @Test
    void anInterruptBeforeTheCallIsSeen() throws Exception {
        serve(this::hang);
        FutureTask<JobOutput> job = new FutureTask<>(() -> {
            Thread.currentThread().interrupt();
            return http.handle(Jobs.job(input("http")));
        });
        new Thread(job).start();

        assertThatThrownBy(job::get)
                .isInstanceOf(ExecutionException.class)
                .hasCauseInstanceOf(InterruptedException.class);
    }

    @Test
    void aJobWithoutTimeLeftDoesNotRun() throws Exception {
        serve(this::hang);

        assertThat(Jobs.failure(http, Jobs.job(input("http"), Duration.ZERO)).slug())
                .isEqualTo("job-timeout");
    }

    private void assertInterruptible(String scheme) throws InterruptedException {
        FutureTask<JobOutput> job = new FutureTask<>(() -> http.handle(Jobs.job(input(scheme), Duration.ofHours(1))));
        Thread worker = new Thread(job);
        worker.start();
        accepted.await();
        worker.interrupt();

        assertThatThrownBy(job::get)
                .isInstanceOf(ExecutionException.class)
                .hasCauseInstanceOf(InterruptedException.class);
        hungUp.await();
    }

    private String input(String scheme) {
        return "{\"url\":\"" + scheme + "://127.0.0.1:" + server.getLocalPort() + "/\"}";
    }

    private interface Behaviour {
        void serve(Socket socket) throws IOException;
    }

    private void serve(Behaviour behaviour) {
        Thread thread = new Thread(() -> {
            try (Socket socket = server.accept()) {
                accepted.countDown();
                behaviour.serve(socket);
            } catch (IOException e) {
                // The client has hung up: what these tests are about.
            }
            hungUp.countDown();
        });
        thread.setDaemon(true);
        thread.start();
    }

    private void hang(Socket socket) throws IOException {
        while (socket.getInputStream().read() >= 0) {
            accepted.countDown();
        }
    }

    private void trickle(Socket socket) throws IOException {
        OutputStream out = socket.getOutputStream();
        out.write("HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
        socket.setSoTimeout(50); // one byte every 50 ms, until the client hangs up
        while (true) {
            out.write('x');
            try {
                if (socket.getInputStream().read() < 0) {
                    return;
                }
            } catch (SocketTimeoutException e) {
                // The client is still there: the next byte.
            }
        }
    }

    private void flood(Socket socket) throws IOException {
        send(socket, "HTTP/1.1 200 OK\r\nContent-Length: 100000000000\r\n\r\n", "x".repeat(1000));
    }

    private static void send(Socket socket, String head, String again) throws IOException {
        OutputStream out = socket.getOutputStream();
        out.write(head.getBytes(StandardCharsets.US_ASCII));
        while (true) {
            out.write(again.getBytes(StandardCharsets.US_ASCII));
        }
    }
}
