package io.conveyor.batch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.conveyor.ConveyorApplication;
import io.conveyor.belt.Belt;
import io.conveyor.store.BatchStore;
import io.conveyor.web.stream.StreamPump;
import io.conveyor.web.stream.StreamSource;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.boot.test.context.TestConfiguration;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.core.env.Environment;
import org.springframework.mock.web.MockHttpServletRequest;
import org.springframework.test.context.TestPropertySource;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/** What keeps streams from harm, and from doing any: limits, letting go, cutting, patience. */
@TestPropertySource(
        properties = {
            "server.tomcat.connection-timeout=500ms",
            "conveyor.stream.max-open=2",
            "conveyor.pool.workers=1",
            "conveyor.pool.caller-runs=0"
        })
@ExtendWith(OutputCaptureExtension.class)
class StreamGuardsTest extends ServiceTest {

    private static final String GATE = "{\"kind\":\"gate\",\"input\":false}";
    private static final String FAIL = "{\"kind\":\"gate\",\"input\":true}";
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    /** How long the web server would wait at its stop for requests that are open. */
    private static final String WITHOUT_END = "1h";

    @TestConfiguration
    static class Parts {
        @Bean
        Answers answers(StreamPump pump) {
            return new Answers(pump);
        }

        @Bean
        Endless endless(StreamPump pump) {
            return new Endless(pump);
        }
    }

    /** A stream of dots that has no end. */
    @RestController
    static final class Endless implements StreamSource {

        private final StreamPump pump;
        private final CountDownLatch released = new CountDownLatch(1);
        private volatile boolean broken;

        Endless(StreamPump pump) {
            this.pump = pump;
        }

        @GetMapping("/endless")
        void answer(HttpServletRequest request) throws IOException {
            pump.open(request, StreamPump.Opening.of("endless", this));
        }

        @Override
        public void begin(Runnable wake) {}

        @Override
        public Next fill(ByteBuffer chunk) {
            if (broken) {
                throw new IllegalStateException("the source of dots is broken");
            }
            byte[] dots = new byte[chunk.remaining()];
            Arrays.fill(dots, (byte) '.');
            chunk.put(dots);
            return Next.MORE;
        }

        @Override
        public void release() {
            released.countDown();
        }

        @Override
        public void close() {}
    }

    /** A stream on which nothing happens: it only says, again and again, that it is alive, or not even that. */
    record Pulse(String sign, CountDownLatch closed) implements StreamSource {

        @Override
        public void begin(Runnable wake) {}

        @Override
        public Next fill(ByteBuffer chunk) {
            chunk.put(sign.getBytes(StandardCharsets.US_ASCII));
            return Next.LATER;
        }

        @Override
        public long patienceMillis() {
            return 1;
        }

        @Override
        public void release() {}

        @Override
        public void close() {
            closed.countDown();
        }
    }

    /** Answers that hold a thread, and streams on which nothing happens. */
    @RestController
    static final class Answers {

        private final StreamPump pump;
        private final CountDownLatch pulseOver = new CountDownLatch(1);
        private final CountDownLatch silenceOver = new CountDownLatch(1);
        private final CountDownLatch givenUp = new CountDownLatch(1);

        Answers(StreamPump pump) {
            this.pump = pump;
        }

        @GetMapping("/pulse")
        void pulse(HttpServletRequest request) throws IOException {
            pump.open(request, StreamPump.Opening.of("endless", new Pulse("\n", pulseOver)));
        }

        @GetMapping("/silence")
        void silence(HttpServletRequest request) throws IOException {
            pump.open(request, StreamPump.Opening.of("endless", new Pulse("", silenceOver)));
        }

        /** Without an end, for as long as the client takes it. */
        @GetMapping("/blocking")
        void blocking(HttpServletResponse response) throws IOException {
            byte[] dots = new byte[64 * 1024];
            try {
                while (true) {
                    response.getOutputStream().write(dots);
                }
            } finally {
                givenUp.countDown();
            }
        }
    }

    @Autowired
    Answers answers;

    @Autowired
    StreamPump pump;

    @Autowired
    Endless endless;

    @Autowired
    Batches batches;

    @Autowired
    BatchStore store;

    @Autowired
    Belt belt;

    @Autowired
    Environment environment;

    private final List<RawStream> opened = new ArrayList<>();

    @SuppressWarnings("NullAway.Init")
    StreamGuardsTest() {}

    @AfterEach
    void everyStreamIsOver() throws IOException {
        for (RawStream stream : opened) {
            stream.close();
        }
        gate.open.release(1000);
        await().atMost(PATIENCE).until(() -> openStreams() == 0);
    }

    private int openStreams() {
        return pump.open("ndjson") + pump.open("json") + pump.open("events") + pump.open("endless");
    }

    private RawStream stream(String path, int receiveBytes) throws IOException {
        RawStream stream = new RawStream(port, path, receiveBytes);
        opened.add(stream);
        return stream;
    }

    private String submit(String... jobs) {
        return api.post("[" + String.join(",", jobs) + "]", "Prefer", "respond-async")
                .at("/links/self")
                .asString();
    }

    private String submitEnded(String... jobs) {
        String path = submit(jobs);
        assertThat(api.get(path + "?wait=60").at("/state").asString()).isEqualTo("ended");
        return path;
    }

    /** Jobs whose results are lines of nearly a megabyte, no two parts of which are alike. */
    private static String[] large(int jobs) {
        SplittableRandom random = new SplittableRandom(1);
        String[] all = new String[jobs];
        for (int job = 0; job < jobs; job++) {
            StringBuilder text = new StringBuilder();
            while (text.length() < 1_000_000) {
                text.append(random.nextLong());
            }
            all[job] = "{\"kind\":\"echo\",\"input\":\"" + text + "\"}";
        }
        return all;
    }

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
            StreamSource source = new Pulse("\n", closed);
            assertThatThrownBy(() -> pump.open(synchronous, StreamPump.Opening.of("endless", source)))
                    .isInstanceOf(IllegalStateException.class);
        }
        stream("/endless", 0).head();
        assertThat(stream("/endless", 0).head()).contains("http/1.1 200");
    }

    @Test
    void aClientThatDoesNotReadMakesTheSourceLetGo() throws Exception {
        stream("/endless", 4096).head();

        assertThat(endless.released.await(PATIENCE.toSeconds(), TimeUnit.SECONDS))
                .isTrue();
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
        String id = path.substring(path.lastIndexOf('/') + 1);
        ResultQuery query = ResultQuery.all(order, false);
        ResultSource source = new ResultSource.Lines(
                new ResultSource.Feed(new ResultCursor(store, batches.find(id), query), query, belt));

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

    /** Longer than the time-out of a connection: that is for clients which hold a thread. */
    @Test
    void aClientThatStopsToReadForLongGetsTheRestByteForByte() throws Exception {
        String path = submitEnded(large(20)) + "/results";
        List<String> all = api.get(path).body().lines().toList();
        RawStream stream = stream(path, 4096);
        stream.head();

        for (int n = 0; n < 2; n++) {
            assertThat(stream.line()).isEqualTo(all.get(n));
            await().pollDelay(Duration.ofMillis(2500)).until(() -> openStreams() == 1);
        }
        assertThat(stream.lines()).isEqualTo(all.subList(2, 20));
        assertThat(stream.isWhole()).isTrue();
    }

    /** What is streamed has patience, but what holds a thread has none: even right behind a stream. */
    @Test
    void aClientThatStopsToReadWhatHoldsAThreadIsGivenUp() throws Exception {
        RawStream stream = stream(submit(GATE) + "/results?follow=true", 4096);
        stream.head();
        stream.get("/blocking");
        gate.open.release();

        assertThat(answers.givenUp.await(PATIENCE.toSeconds(), TimeUnit.SECONDS))
                .isTrue();
    }

    @Test
    void aClientThatIsGoneIsFoundByTheNextSignOfLife() throws Exception {
        RawStream stream = stream("/pulse", 0);
        stream.head();
        assertThat(List.of(stream.line(), stream.line(), stream.line())).containsOnly("");
        assertThat(answers.pulseOver.getCount()).isOne();

        stream.close();

        assertThat(answers.pulseOver.await(PATIENCE.toSeconds(), TimeUnit.SECONDS))
                .isTrue();
        await().atMost(PATIENCE).until(() -> openStreams() == 0);
    }

    @Test
    void aClientThatIsGoneIsFoundThoughNothingIsWritten() throws Exception {
        RawStream stream = stream("/silence", 0);
        stream.head();
        assertThat(answers.silenceOver.await(50, TimeUnit.MILLISECONDS)).isFalse();

        stream.close();

        assertThat(answers.silenceOver.await(PATIENCE.toSeconds(), TimeUnit.SECONDS))
                .isTrue();
    }

    @Test
    void whatAClientOfAStreamSendsAheadIsAnsweredWhenTheStreamHasEnded() throws Exception {
        RawStream stream = stream(submit(GATE) + "/results?follow=true", 0);
        stream.head();
        stream.write("GET /v1 HTTP/1.1\r\nHost: a\r\n\r\n");
        gate.open.release();
        assertThat(stream.lines()).hasSize(1);

        assertThat(stream.head().get(0)).isEqualTo("http/1.1 200");
    }

    @Test
    void linesAskNowAndThenWhetherTheClientIsStillThere() {
        String path = submit(GATE);
        ResultQuery query = ResultQuery.all(ResultQuery.Order.INPUT, true);
        String id = path.substring(path.lastIndexOf('/') + 1);
        ResultSource lines = new ResultSource.Lines(
                new ResultSource.Feed(new ResultCursor(store, batches.find(id), query), query, belt));

        assertThat(lines.patienceMillis()).isBetween(1L, 15_000L);
    }

    @Test
    void eventsSayThatTheyAreAliveWhenNothingHappens() throws Exception {
        String path = submit(GATE, GATE);
        gate.begun.acquire();
        String id = path.substring(path.lastIndexOf('/') + 1);
        ResultQuery query = ResultQuery.all(ResultQuery.Order.COMPLETION, true);
        AtomicLong time = new AtomicLong();
        EventSource source = new EventSource(
                new ResultSource.Feed(new ResultCursor(store, batches.find(id), query), query, belt),
                batches,
                time::get);
        Semaphore woken = new Semaphore(0);
        source.begin(woken::release);
        assertThat(source.patienceMillis()).isBetween(1L, 15_000L);
        assertThat(said(source)).startsWith("retry: 2000\n\nevent: progress\n");

        time.addAndGet(TimeUnit.MILLISECONDS.toNanos(14_999));
        assertThat(said(source)).isEmpty();
        time.addAndGet(TimeUnit.MILLISECONDS.toNanos(1));
        assertThat(said(source)).isEqualTo(":\n\n");
        assertThat(said(source)).isEmpty();

        // A result is a sign of life, too.
        time.addAndGet(TimeUnit.MILLISECONDS.toNanos(14_999));
        assertThat(said(source)).isEmpty();
        gate.open.release();
        String result;
        do {
            woken.acquire();
            result = said(source);
        } while (result.isEmpty());
        assertThat(result).startsWith("event: result\nid: 1\n").doesNotContain("event: progress");
        time.addAndGet(TimeUnit.MILLISECONDS.toNanos(1));
        assertThat(said(source)).isEmpty();
        source.close();
    }

    private static String said(StreamSource source) {
        ByteBuffer chunk = ByteBuffer.allocate(8 * 1024);
        assertThat(source.fill(chunk)).isEqualTo(StreamSource.Next.LATER);
        return new String(chunk.array(), 0, chunk.position(), StandardCharsets.UTF_8);
    }

    @Test
    void theStopCutsWhoeverFollowsAndDoesNotWaitForThem() throws Exception {
        ConfigurableApplicationContext service = new SpringApplicationBuilder(
                        ConveyorApplication.class, Gate.class, Parts.class)
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
