package io.conveyor.batch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.conveyor.web.stream.StreamPump;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.test.context.TestPropertySource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Results while the batch runs, over real connections, to clients that read, stop reading, come again or go. */
@TestPropertySource(
        properties = {"server.tomcat.threads.max=10", "conveyor.pool.workers=1", "conveyor.pool.caller-runs=0"})
class ResultStreamTest extends ServiceTest {

    private static final JsonMapper JSON = new JsonMapper();
    private static final String GATE = "{\"kind\":\"gate\",\"input\":false}";
    private static final String FAIL = "{\"kind\":\"gate\",\"input\":true}";
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    @Autowired
    StreamPump pump;

    private final List<RawStream> opened = new ArrayList<>();

    @SuppressWarnings("NullAway.Init")
    ResultStreamTest() {}

    /** Every stream that a test opened goes away with its client, whatever became of it. */
    @AfterEach
    void everyStreamIsOver() throws IOException {
        for (RawStream stream : opened) {
            stream.close();
        }
        gate.open.release(1000);
        await().atMost(PATIENCE).until(() -> openStreams() == 0);
    }

    private int openStreams() {
        return pump.open("ndjson") + pump.open("json") + pump.open("events");
    }

    private RawStream stream(String path, String... headers) throws IOException {
        RawStream stream = new RawStream(port, path, 0, headers);
        opened.add(stream);
        return stream;
    }

    private String submit(String... jobs) {
        return api.post("[" + String.join(",", jobs) + "]", "Prefer", "respond-async")
                .at("/links/self")
                .asString();
    }

    private String submitEnded(int jobs, String job) {
        String path = submit(IntStream.range(0, jobs).mapToObj(i -> job).toArray(String[]::new));
        awaitEnd(path);
        return path;
    }

    private void awaitEnd(String path) {
        assertThat(api.get(path + "?wait=60").at("/state").asString()).isEqualTo("ended");
    }

    private static JsonNode json(String line) {
        return JSON.readTree(line);
    }

    private static List<Integer> numbers(List<String> lines, String field) {
        return lines.stream().map(line -> json(line).get(field).asInt()).toList();
    }

    private static String next(RawStream stream) throws IOException {
        return Objects.requireNonNull(stream.line());
    }

    @Test
    void aFollowedBatchGivesEachResultWhenItComesAndEndsWithIt() throws Exception {
        String path = submit(GATE, FAIL, GATE);
        RawStream completion = stream(path + "/results?follow=true&order=completion");
        RawStream input = stream(path + "/results?follow=true");
        RawStream failed = stream(path + "/results?follow=true&state=failed&limit=1");
        assertThat(completion.head()).contains("http/1.1 200", "batch-state: running", "batch-job-count: 3");
        input.head();
        failed.head();

        for (int n = 0; n < 3; n++) {
            if (n != 1) {
                gate.begun.acquire();
                gate.open.release();
            }
            assertThat(json(next(completion)).get("seq").asInt()).isEqualTo(n + 1);
            assertThat(json(next(input)).get("index").asInt()).isEqualTo(n);
        }
        assertThat(numbers(failed.lines(), "index")).containsExactly(1);
        assertThat(completion.lines()).isEmpty();
        assertThat(completion.isWhole()).isTrue();
        assertThat(input.lines()).isEmpty();
        assertThat(input.isWhole()).isTrue();
    }

    @Test
    void inInputOrderALineWaitsForThoseBeforeIt() throws Exception {
        String path = submit(GATE, FAIL, FAIL);
        gate.begun.acquire();
        // One worker: it is in the gate, so the order of completion is that of the input; the first line is held back.
        RawStream input = stream(path + "/results?follow=true");
        input.head();
        assertThat(api.get(path + "/results").body()).isEmpty();
        gate.open.release();

        assertThat(numbers(input.lines(), "index")).containsExactly(0, 1, 2);
    }

    @ParameterizedTest
    @ValueSource(strings = {"input", "completion"})
    void aStreamGoesOnBehindAnyPlaceWithoutLossOrDouble(String order) {
        int jobs = 700;
        String path = submitEnded(jobs, FAIL);
        List<String> all =
                api.get(path + "/results?order=" + order).body().lines().toList();
        assertThat(all).hasSize(jobs);
        String field = order.equals("input") ? "index" : "seq";
        int first = order.equals("input") ? 0 : 1;
        assertThat(numbers(all, field))
                .isEqualTo(IntStream.range(first, first + jobs).boxed().toList());

        List<String> pieces = new ArrayList<>();
        String after = "";
        while (pieces.size() < jobs) {
            String piece = api.get(path + "/results?follow=true&limit=97&order=" + order + after)
                    .body();
            pieces.addAll(piece.lines().toList());
            after = "&after=" + json(pieces.get(pieces.size() - 1)).get(field).asInt();
        }
        assertThat(pieces).isEqualTo(all);
        assertThat(api.get(path + "/results?order=" + order + after).body()).isEmpty();
    }

    @Test
    void pagesComeInEitherOrder() {
        String path = submitEnded(300, FAIL);
        List<Integer> seqs = new ArrayList<>();
        for (String page = path + "/results?limit=70&order=completion"; page != null; ) {
            Api.Reply reply = api.get(page, "Accept", "application/json");
            reply.at("/items").forEach(item -> seqs.add(item.at("/seq").asInt()));
            page = reply.at("/next").isMissingNode() ? null : reply.at("/next").asString();
        }
        assertThat(seqs).isEqualTo(IntStream.rangeClosed(1, 300).boxed().toList());
    }

    @Test
    void whatCannotBeFollowedIsSaidSo() {
        String path = submitEnded(1, FAIL);

        Api.Reply page = api.get(path + "/results?follow=true", "Accept", "application/json");
        assertThat(page.status()).isEqualTo(400);
        assertThat(page.at("/parameter").asString()).isEqualTo("follow");
        assertThat(api.get(path + "/results?follow=false", "Accept", "text/event-stream")
                        .status())
                .isEqualTo(400);
        assertThat(api.get(path + "/results?last_event_id=1").at("/parameter").asString())
                .isEqualTo("last_event_id");
        assertThat(api.get("/v1/batches/nobody/events").status()).isEqualTo(404);
        assertThat(api.get(path + "/events?last_event_id=x").status()).isEqualTo(400);
    }

    @Test
    void eventsTellResultsProgressAndTheEnd() throws Exception {
        String path = submit(FAIL, GATE);
        gate.begun.acquire();
        // The worker is ahead of the store; of a batch without any outcome the first event is progress.
        assertThat(api.get(path + "/results/0?wait=60").status()).isEqualTo(200);
        RawStream events = stream(path + "/events");
        assertThat(events.head())
                .contains(
                        "content-type: text/event-stream",
                        "cache-control: no-store",
                        "x-accel-buffering: no",
                        "batch-state: running");
        assertThat(next(events)).isEqualTo("retry: 2000");
        assertThat(next(events)).isEmpty();
        assertThat(next(events)).isEqualTo("event: result");
        assertThat(next(events)).isEqualTo("id: 1");
        assertThat(json(next(events).substring("data: ".length())).get("index").asInt())
                .isZero();
        assertThat(next(events)).isEmpty();
        assertThat(next(events)).isEqualTo("event: progress");
        assertThat(next(events)).isEqualTo("id: 1");
        assertThat(json(next(events).substring("data: ".length()))
                        .at("/counts/running")
                        .asInt())
                .isEqualTo(1);
        gate.open.release();

        List<String> rest = events.lines();
        assertThat(rest).contains("event: result", "id: 2").containsSubsequence("event: ended", "id: 2");
        assertThat(json(rest.get(rest.size() - 2).substring("data: ".length()))
                        .get("state")
                        .asString())
                .isEqualTo("ended");
        assertThat(events.isWhole()).isTrue();
    }

    @Test
    void eventsGoOnBehindTheLastThatWasSeenAndEndWithNoContent() {
        String path = submitEnded(5, FAIL);

        assertThat(ids(api.get(path + "/events", "Last-Event-ID", "2").body())).containsExactly(3, 4, 5);
        assertThat(ids(api.get(path + "/events?last_event_id=3").body())).containsExactly(4, 5);
        assertThat(ids(api.get(path + "/events?last_event_id=0").body())).hasSize(5);
        assertThat(api.get(path + "/events", "Last-Event-ID", "5").status()).isEqualTo(204);
        Api.Reply none = api.get(path + "/results?state=succeeded", "Accept", "text/event-stream");
        assertThat(ids(none.body())).isEmpty();
        assertThat(none.body()).contains("event: ended\nid: 5\n");
        String empty = submitEnded(0, FAIL);
        assertThat(api.get(empty + "/events").body()).contains("event: ended\nid: 0\n");
        assertThat(api.get(empty + "/events", "Last-Event-ID", "0").status()).isEqualTo(204);
    }

    /** Ids of the results among events. */
    private static List<Integer> ids(String events) {
        return events.lines()
                .filter(line -> line.startsWith("data: {\"index\""))
                .map(line -> json(line.substring("data: ".length())).get("seq").asInt())
                .toList();
    }

    @ParameterizedTest
    @ValueSource(strings = {"input", "completion"})
    void aBatchThatIsDeletedUnderWayBreaksTheConnection(String order) throws Exception {
        String path = submitEnded(60, big());
        RawStream reader = stream(path + "/results?order=" + order);
        reader.head();
        next(reader);

        assertThat(api.delete(path).status()).isEqualTo(204);

        assertThatThrownBy(reader::lines).isInstanceOf(IOException.class);
        assertThat(reader.isWhole()).isFalse();
    }

    private static String big() {
        return "{\"kind\":\"echo\",\"input\":\"" + "x".repeat(500_000) + "\"}";
    }

    @Test
    void clientsThatDoNotReadHoldNoThread() throws Exception {
        String path = submitEnded(40, big());
        List<RawStream> dead = new ArrayList<>();
        for (int n = 0; n < 50; n++) {
            RawStream stream = new RawStream(
                    port,
                    path + "/results?order=" + (n % 2 == 0 ? "input" : "completion"),
                    4096,
                    n % 3 == 0 ? "Accept: application/json" : "Accept: application/x-ndjson");
            opened.add(stream);
            dead.add(stream);
        }
        await().atMost(PATIENCE).until(() -> openStreams() == 50);

        assertThat(api.get(path).status()).isEqualTo(200);
        assertThat(api.get(path + "/results").body().lines()).hasSize(40);
        RawStream late = dead.get(1);
        late.head();
        assertThat(late.lines()).hasSize(40);
    }

    @Test
    void aClientThatGoesAwayChangesNothingForItsBatch() throws Exception {
        String path = submit(GATE, GATE);
        RawStream stream = stream(path + "/results?follow=true");
        stream.head();
        stream.close();
        gate.open.release(2);

        awaitEnd(path);
        assertThat(api.get(path).at("/outcome").asString()).isEqualTo("succeeded");
    }

    @Test
    void manyFollowersGetEverythingInTheirOrder() throws Exception {
        int jobs = 200;
        String path = submit(IntStream.range(0, jobs).mapToObj(i -> GATE).toArray(String[]::new));
        List<RawStream> followers = new ArrayList<>();
        for (int n = 0; n < 40; n++) {
            followers.add(stream(path + "/results?follow=true&order=" + (n % 2 == 0 ? "input" : "completion")));
        }
        gate.open.release(jobs);

        for (int n = 0; n < 40; n++) {
            RawStream follower = followers.get(n);
            follower.head();
            int first = n % 2;
            assertThat(numbers(follower.lines(), n % 2 == 0 ? "index" : "seq"))
                    .isEqualTo(IntStream.range(first, first + jobs).boxed().collect(Collectors.toList()));
        }
    }
}
