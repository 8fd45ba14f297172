package io.conveyor.batch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.conveyor.belt.Belt;
import io.conveyor.store.BatchStore;
import io.conveyor.web.stream.StreamPump;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.context.annotation.Import;
import org.springframework.test.context.TestPropertySource;

/** A service with one worker, and what tests of its streams share. */
@Import(OddStreams.class)
@TestPropertySource(properties = {"conveyor.pool.workers=1", "conveyor.pool.caller-runs=0"})
abstract class StreamTest extends ServiceTest {

    static final String GATE = "{\"kind\":\"gate\",\"input\":false}";
    static final Duration PATIENCE = Duration.ofSeconds(60);

    @Autowired
    OddStreams.Answers answers;

    @Autowired
    StreamPump pump;

    @Autowired
    OddStreams.Endless endless;

    @Autowired
    Batches batches;

    @Autowired
    BatchStore store;

    @Autowired
    Belt belt;

    private final List<RawStream> opened = new ArrayList<>();

    @SuppressWarnings("NullAway.Init")
    StreamTest() {}

    @AfterEach
    void everyStreamIsOver() throws IOException {
        for (RawStream stream : opened) {
            stream.close();
        }
        gate.open.release(1000);
        await().atMost(PATIENCE).until(() -> openStreams() == 0);
    }

    int openStreams() {
        return pump.open("ndjson") + pump.open("json") + pump.open("events") + pump.open("endless");
    }

    RawStream stream(String path, int receiveBytes) throws IOException {
        RawStream stream = new RawStream(port, path, receiveBytes);
        opened.add(stream);
        return stream;
    }

    String submit(String... jobs) {
        return api.post("[" + String.join(",", jobs) + "]", "Prefer", "respond-async")
                .at("/links/self")
                .asString();
    }

    String submitEnded(String... jobs) {
        String path = submit(jobs);
        assertThat(api.get(path + "?wait=60").at("/state").asString()).isEqualTo("ended");
        return path;
    }

    /** Jobs whose results are lines of nearly a megabyte, no two parts of which are alike. */
    static String[] large(int jobs) {
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

    /** What is streamed of the batch at a path. */
    ResultSource.Feed feed(String path, ResultQuery query) {
        String id = path.substring(path.lastIndexOf('/') + 1);
        return new ResultSource.Feed(new ResultCursor(store, batches.find(id), query), query, belt);
    }
}
