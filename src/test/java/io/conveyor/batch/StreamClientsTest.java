package io.conveyor.batch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.conveyor.web.stream.StreamSource;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.springframework.test.context.TestPropertySource;

/** Clients of streams that stop to read, that are gone, or that are only quiet. */
@TestPropertySource(properties = "server.tomcat.connection-timeout=500ms")
class StreamClientsTest extends StreamTest {

    @Test
    void aClientThatDoesNotReadMakesTheSourceLetGo() throws Exception {
        stream("/endless", 4096).head();

        assertThat(endless.released.await(PATIENCE.toSeconds(), TimeUnit.SECONDS))
                .isTrue();
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
        ResultSource lines = new ResultSource.Lines(feed(path, query));

        assertThat(lines.patienceMillis()).isBetween(1L, 15_000L);
    }

    @Test
    void eventsSayThatTheyAreAliveWhenNothingHappens() throws Exception {
        String path = submit(GATE, GATE);
        gate.begun.acquire();
        ResultQuery query = ResultQuery.all(ResultQuery.Order.COMPLETION, true);
        AtomicLong time = new AtomicLong();
        EventSource source = new EventSource(feed(path, query), batches, time::get);
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
}
