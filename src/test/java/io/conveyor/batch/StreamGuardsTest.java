package io.conveyor.batch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.conveyor.ConveyorApplication;
import io.conveyor.web.stream.StreamPump;
import io.conveyor.web.stream.StreamSource;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.core.env.Environment;
import org.springframework.mock.web.MockHttpServletRequest;
import org.springframework.test.context.TestPropertySource;

/** What keeps streams from harm, and from doing any: limits, breaking off what is not whole, cutting. */
@ExtendWith(OutputCaptureExtension.class)
@TestPropertySource(properties = "conveyor.stream.max-open=2")
class StreamGuardsTest extends StreamTest {

    private static final String FAIL = "{\"kind\":\"gate\",\"input\":true}";

    /** How long the web server would wait at its stop for requests that are open. */
    private static final String WITHOUT_END = "1h";

    @Autowired
    Environment environment;

    @SuppressWarnings("NullAway.Init")
    StreamGuardsTest() {}

    @Test
    void oneStreamTooManyIsRefusedUntilAnotherHasEnded() throws Exception {
        String path = submit(GATE) + "/results?follow=true";
        RawStream first = stream(path, 0);
        first.head();
        stream(path, 0).head();

        for (int n = 0; n < 3; n++) { // and a refusal takes no place
            Api.Reply refused = api.get(path);
            assertThat(refused.status()).isEqualTo(429);
            assertThat(refused.problem()).isEqualTo("overloaded");
            assertThat(refused.header("Retry-After")).isEqualTo("5");
        }

        gate.open.release();
        assertThat(first.lines()).hasSize(1);
        await().atMost(PATIENCE).until(() -> openStreams() < 2);
        assertThat(stream("/endless", 0).head()).contains("http/1.1 200");
    }

    @Test
    void aStreamThatCannotBeginTakesNoPlace() throws Exception {
        CountDownLatch closed = new CountDownLatch(3);
        while (closed.getCount() > 0) {
            HttpServletRequest synchronous = new MockHttpServletRequest();
            StreamSource source = new OddStreams.Pulse("\n", closed);
            assertThatThrownBy(() -> pump.open(synchronous, StreamPump.Opening.of("endless", source)))
                    .isInstanceOf(IllegalStateException.class);
        }
        stream("/endless", 0).head();
        assertThat(stream("/endless", 0).head()).contains("http/1.1 200");
    }

    @Test
    void aSourceThatFailsBreaksTheConnection(CapturedOutput log) throws Exception {
        RawStream stream = stream("/endless", 0);
        stream.head();
        endless.broken = true;

        assertThatThrownBy(stream::lines).isInstanceOf(IOException.class);
        endless.broken = false;
        assertThat(stream.isWhole()).isFalse();
        assertThat(log.getOut()).contains("WARN", "A stream failed", "the source of dots is broken");
    }

    @Test
    void aStoreThatFailsBreaksTheConnectionAndIsTold(CapturedOutput log) throws Exception {
        String path = submitEnded(large(20));
        RawStream stream = stream(path + "/results?order=completion", 4096);
        stream.head();
        stream.line();

        rename("outcome_block", "hidden");
        try {
            assertThatThrownBy(stream::lines).isInstanceOf(IOException.class);
        } finally {
            rename("hidden", "outcome_block");
        }
        assertThat(stream.isWhole()).isFalse();
        assertThat(log.getOut()).contains("WARN", "A stream failed", "The store cannot be read");
    }

    private void rename(String table, String to) throws SQLException {
        execute("ALTER TABLE " + table + " RENAME TO " + to);
    }

    private void execute(String sql) throws SQLException {
        String url = environment.getRequiredProperty("spring.datasource.url");
        try (Connection file = DriverManager.getConnection(url);
                Statement statement = file.createStatement()) {
            statement.execute("PRAGMA busy_timeout = 60000");
            statement.execute(sql);
        }
    }

    /** As a damaged file may lack one. */
    @ParameterizedTest
    @EnumSource
    void aResultThatIsMissingBreaksTheConnection(ResultQuery.Order order) throws Exception {
        String path = submitEnded(large(3));
        execute("DELETE FROM outcome_block WHERE first_seq = 2 AND batch_no = (SELECT max(batch_no) FROM batch)");

        RawStream stream = stream(path + "/results?order=" + order.wireName(), 0);
        stream.head();
        assertThatThrownBy(stream::lines).isInstanceOf(IOException.class);
        assertThat(stream.isWhole()).isFalse();
    }

    @ParameterizedTest
    @EnumSource
    void aLineGoesOnByteForByteAfterEachRelease(ResultQuery.Order order) {
        String path = submitEnded(large(2));
        byte[] all = api.get(path + "/results?order=" + order.wireName()).body().getBytes(StandardCharsets.UTF_8);
        assertThat(all).hasSizeGreaterThan(2_000_000);
        ResultQuery query = ResultQuery.all(order, false);
        ResultSource source = new ResultSource.Lines(feed(path, query));

        ByteBuffer taken = ByteBuffer.allocate(all.length + 1);
        ByteBuffer chunk = ByteBuffer.allocate(99_991);
        StreamSource.Next next;
        do {
            next = source.fill(chunk.clear());
            taken.put(chunk.flip());
            source.release();
        } while (next != StreamSource.Next.END);
        source.close();

        assertThat(Arrays.copyOf(taken.array(), taken.position())).isEqualTo(all);
    }

    @Test
    void theStopCutsWhoeverFollowsAndDoesNotWaitForThem() throws Exception {
        ConfigurableApplicationContext service = new SpringApplicationBuilder(
                        ConveyorApplication.class, Gate.class, OddStreams.class)
                .run(
                        "--server.address=127.0.0.1",
                        "--server.port=0",
                        "--conveyor.drain=0s",
                        "--conveyor.pool.workers=1",
                        "--spring.lifecycle.timeout-per-shutdown-phase=" + WITHOUT_END,
                        "--spring.datasource.url=" + freshStore());
        try (service) {
            int itsPort = Integer.parseInt(
                    Objects.requireNonNull(service.getEnvironment().getProperty("local.server.port")));
            Api itsApi = new Api(itsPort);
            String running = itsApi.post("[" + FAIL + "," + GATE + "]", "Prefer", "respond-async")
                    .at("/links/self")
                    .asString();
            service.getBean(Gate.class).begun.acquire();
            try (RawStream lines = new RawStream(itsPort, running + "/results?follow=true", 0);
                    RawStream events = new RawStream(itsPort, running + "/events", 0);
                    RawStream dead = new RawStream(itsPort, "/endless", 4096)) {
                lines.head();
                lines.line();
                events.head();
                dead.head();

                CompletableFuture.runAsync(service::close).get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
                for (RawStream stream : List.of(lines, events, dead)) {
                    assertThatThrownBy(stream::lines).isInstanceOf(IOException.class);
                    assertThat(stream.isWhole()).isFalse();
                }
            }
        }
    }
}
