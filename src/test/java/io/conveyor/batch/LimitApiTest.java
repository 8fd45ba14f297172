package io.conveyor.batch;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.test.context.TestPropertySource;

/** Limits of the operator, against a real server that counts who is there at once. */
@TestPropertySource(
        properties = {
            "conveyor.pool.workers=8",
            "conveyor.http.allow=127.0.0.1",
            "conveyor.limits.target.hosts=127.0.0.1",
            "conveyor.limits.target.concurrency=" + LimitApiTest.LIMIT,
            "conveyor.limits.paced.kinds=hash",
            "conveyor.limits.paced.rate=" + LimitApiTest.RATE
        })
class LimitApiTest extends ServiceTest {

    static final int LIMIT = 4;
    static final int RATE = 40;

    private final AtomicInteger now = new AtomicInteger();
    private final AtomicInteger most = new AtomicInteger();
    private final ConcurrentLinkedQueue<String> problems = new ConcurrentLinkedQueue<>();
    private final CountDownLatch full = new CountDownLatch(LIMIT);
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private HttpServer target;

    @SuppressWarnings("NullAway.Init")
    LimitApiTest() {}

    @BeforeEach
    void start() throws IOException {
        target = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        target.setExecutor(threads);
        target.createContext("/", exchange -> {
            most.accumulateAndGet(now.incrementAndGet(), Math::max);
            full.countDown();
            try {
                // As many as may come are there at once before the first one goes.
                if (!full.await(30, TimeUnit.SECONDS)) {
                    problems.add("the limit is not used");
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            now.decrementAndGet();
            exchange.sendResponseHeaders(200, -1);
            exchange.close();
        });
        target.start();
    }

    @AfterEach
    void stop() {
        target.stop(0);
        threads.shutdownNow();
    }

    @Test
    void aTargetNeverSeesOneMoreThanItsLimitWhateverTheNumberOfBatches() {
        String url = "http://127.0.0.1:" + target.getAddress().getPort() + "/";
        String line = "{\"kind\":\"http\",\"input\":{\"url\":\"" + url + "\"}}\n";
        List<String> ids = IntStream.range(0, 5).mapToObj(n -> "calls-" + n).toList();
        ids.forEach(
                id -> api.put(id, line.repeat(200), "Content-Type", "application/x-ndjson", "Prefer", "respond-async"));

        for (String id : ids) {
            Api.Reply ended = api.get("/v1/batches/" + id + "?wait=60");
            assertThat(ended.at("/counts/succeeded").asInt()).as(id).isEqualTo(200);
        }

        assertThat(most).hasValue(LIMIT);
        assertThat(problems).isEmpty();
    }

    @Test
    void noMoreJobsStartInATimeThanTheRateSays() {
        int jobs = 2 * RATE;
        String line = "{\"kind\":\"hash\",\"input\":{\"text\":\"a\"}}\n";

        Api.Reply ended =
                api.put("paced", line.repeat(jobs), "Content-Type", "application/x-ndjson", "Prefer", "wait=60");

        assertThat(ended.at("/counts/succeeded").asInt()).isEqualTo(jobs);
        // A tenth of a second's worth was saved up, and the last one has just started.
        long least = 1000L * (jobs - RATE / 10 - 1) / RATE;
        assertThat(millis(ended, "/ended_at") - millis(ended, "/created_at")).isGreaterThanOrEqualTo(least);
    }

    private static long millis(Api.Reply reply, String pointer) {
        return Instant.parse(reply.at(pointer).asString()).toEpochMilli();
    }
}
