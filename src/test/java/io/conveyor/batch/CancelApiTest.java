package io.conveyor.batch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.conveyor.handler.JobContext;
import io.conveyor.handler.JobHandler;
import io.conveyor.handler.JobOutput;
import io.conveyor.job.JobKind;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.context.annotation.Import;
import org.springframework.test.context.TestPropertySource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Cancelling and forced deletion, as clients see them. */
@TestPropertySource(
        properties = {
            "conveyor.pool.workers=1",
            "conveyor.pool.caller-runs=1",
            "conveyor.intake.hold=200ms",
            "server.tomcat.threads.max=4"
        })
@Import(CancelApiTest.Deaf.class)
class CancelApiTest extends ServiceTest {

    private static final JsonMapper JSON = new JsonMapper();
    private static final String GATE = "{\"kind\":\"gate\",\"input\":false}";
    private static final String DEAF = "{\"kind\":\"deaf\"}";
    private static final String[] LINES = {"Content-Type", "application/x-ndjson"};

    @Autowired
    Deaf deaf;

    @SuppressWarnings("NullAway.Init")
    CancelApiTest() {}

    /** Jobs that nothing ends but the test: kind {@code deaf}. */
    static final class Deaf implements JobHandler {

        final Semaphore open = new Semaphore(0);
        final Semaphore begun = new Semaphore(0);

        @Override
        public JobKind kind() {
            return new JobKind("deaf", "Ignores its interrupt", "{}");
        }

        @Override
        public JobOutput handle(JobContext job) {
            begun.release();
            open.acquireUninterruptibly();
            return JobOutput.ofJson("\"heard nothing\"");
        }
    }

    @BeforeEach
    void close() {
        deaf.open.drainPermits();
        deaf.begun.drainPermits();
    }

    @AfterEach
    void letTheDeafThrough() {
        deaf.open.release(1_000_000);
    }

    /** A batch of one kind; the first of its jobs runs. */
    private String submit(String job, int jobs) throws InterruptedException {
        String path = api.post(array(job, jobs), "Prefer", "respond-async")
                .at("/links/self")
                .asString();
        (job.equals(GATE) ? gate.begun : deaf.begun).acquire();
        return path;
    }

    private static String array(String job, int jobs) {
        return Stream.generate(() -> job).limit(jobs).toList().toString();
    }

    private Api.Reply awaitEnd(String path) {
        Api.Reply batch = api.get(path + "?wait=60");
        assertThat(batch.at("/state").asString()).isEqualTo("ended");
        return batch;
    }

    private static List<JsonNode> json(List<String> lines) {
        return lines.stream().map(JSON::readTree).toList();
    }

    private static List<Integer> oneTo(int n) {
        return IntStream.rangeClosed(1, n).boxed().toList();
    }

    @Test
    void whatIsPassedOverIsNotShownAsRunning() throws Exception {
        String path = submit(DEAF, 20_000);
        Api.Reply now = api.cancel(path);
        while (now.at("/counts/cancelled").asInt() < 19_999) {
            assertThat(now.at("/counts/running").asInt()).isEqualTo(1);
            now = api.get(path);
        }
    }

    @Test
    void aLiveUploadThatWasCancelledCanBePutAgain() throws Exception {
        String path = "/v1/batches/put-live?start=immediately";
        try (RawStream upload = RawStream.upload(port, "PUT " + path, "Content-Type: application/x-ndjson")) {
            upload.send(GATE + "\n");
            gate.begun.acquire();
            api.cancel("/v1/batches/put-live");
            upload.send(GATE + "\n");
            upload.sendEnd();
            assertThat(upload.head()).contains("http/1.1 202");
        }
        Api.Reply again = api.send("PUT", path, (GATE + "\n").repeat(2), LINES).join();
        assertThat(again.status()).isEqualTo(200);
        assertThat(again.at("/counts/total").asInt()).isEqualTo(1);
    }

    @Test
    void aCancelIsAcceptedWhileJobsRunAndKeepsItsFirstTime() throws Exception {
        String path = submit(DEAF, 3);

        Api.Reply cancelled = api.cancel(path);
        Api.Reply again = api.cancel(path);

        assertThat(cancelled.status()).isEqualTo(202);
        assertThat(cancelled.header("Location")).isEqualTo(path);
        assertThat(cancelled.at("/state").asString()).isEqualTo("cancelling");
        assertThat(cancelled.at("/links/cancel").asString()).isEqualTo(path + "/cancel");
        String time = cancelled.at("/cancel_requested_at").asString();
        assertThat(time).matches("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z");
        assertThat(again.status()).isEqualTo(202);
        assertThat(again.at("/cancel_requested_at").asString()).isEqualTo(time);
        assertThat(api.get("/v1/batches?state=cancelling").at("/items"))
                .extracting(batch -> batch.at("/links/self").asString())
                .containsExactly(path);
        assertThat(api.get(path).header("Retry-After")).isEqualTo("1");
        deaf.open.release();
        Api.Reply ended = awaitEnd(path);
        assertThat(ended.at("/outcome").asString()).isEqualTo("cancelled");
        assertThat(ended.at("/cancel_requested_at").asString()).isEqualTo(time);
        assertThat(ended.at("/counts/succeeded").asInt()).isEqualTo(1);
        assertThat(ended.at("/counts/cancelled").asInt()).isEqualTo(2);
        assertThat(api.get("/v1/batches?state=cancelling").at("/items")).isEmpty();
    }

    @Test
    void aBatchThatHasEndedIsShownUnchanged() throws Exception {
        String done = api.post("[{\"kind\":\"echo\"}]", "Prefer", "wait=60")
                .at("/links/self")
                .asString();
        String cancelled = submit(GATE, 2);
        api.cancel(cancelled);
        awaitEnd(cancelled);

        for (String path : List.of(done, cancelled)) {
            String before = api.get(path).body();
            Api.Reply late = api.cancel(path);
            assertThat(late.status()).isEqualTo(200);
            assertThat(late.header("Location")).isEqualTo(path);
            assertThat(late.body()).isEqualTo(before);
            assertThat(api.get(path).body()).isEqualTo(before);
        }
        assertThat(api.get(done).at("/cancel_requested_at").isMissingNode()).isTrue();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            POST   | /v1/batches/nobody/cancel            | 404 | batch-not-found    |
            DELETE | /v1/batches/nobody?force=true        | 404 | batch-not-found    |
            POST   | /v1/batches/strict/cancel?force=true | 400 | invalid-parameter  | force
            POST   | /v1/batches/strict/cancel?wait=1     | 400 | invalid-parameter  | wait
            DELETE | /v1/batches/strict?forced=true       | 400 | invalid-parameter  | forced
            DELETE | /v1/batches/strict?force=yes         | 400 | invalid-parameter  | force
            DELETE | /v1/batches/strict?force=            | 400 | invalid-parameter  | force
            DELETE | /v1/batches/strict?force=true&force=true | 400 | invalid-parameter | force
            DELETE | /v1/batches/strict?force=false       | 409 | batch-not-ended    |
            DELETE | /v1/batches/strict                   | 409 | batch-not-ended    |
            """)
    void whatCannotBeDoneIsRefusedAndChangesNothing(
            String method, String path, int status, String problem, String parameter) {
        api.put("strict", array(GATE, 2), "Prefer", "respond-async");

        Api.Reply refused = api.send(method, path, null).join();

        assertThat(refused.status()).isEqualTo(status);
        assertThat(refused.problem()).isEqualTo(problem);
        assertThat(refused.at("/parameter").asString()).isEqualTo(parameter == null ? "" : parameter);
        assertThat(api.get("/v1/batches/strict").at("/state").asString()).isEqualTo("running");
        assertThat(api.delete("/v1/batches/strict?force=true").status()).isEqualTo(204);
    }

    @Test
    void everybodyWhoWaitsIsAnsweredAtTheEnd() throws Exception {
        String path = submit(GATE, 700);
        CompletableFuture<Api.Reply> poll = api.send("GET", path + "?wait=60", null);
        CompletableFuture<Api.Reply> result = api.send("GET", path + "/results/699?wait=60", null);
        try (RawStream input = new RawStream(port, path + "/results?follow=true", 0);
                RawStream completion = new RawStream(port, path + "/results?follow=true&order=completion", 0);
                RawStream events = new RawStream(port, path + "/events", 0)) {
            assertThat(input.head()).contains("batch-state: running");
            completion.head();
            events.head();

            api.cancel(path);

            assertThat(poll.join().at("/state").asString()).isEqualTo("ended");
            assertThat(result.join().at("/state").asString()).isEqualTo("cancelled");
            assertThat(json(input.lines()))
                    .extracting(line -> line.at("/index").asInt() + 1)
                    .isEqualTo(oneTo(700));
            assertThat(input.isWhole()).isTrue();
            assertThat(json(completion.lines()))
                    .extracting(line -> line.at("/seq").asInt())
                    .isEqualTo(oneTo(700));
            assertThat(completion.isWhole()).isTrue();
            List<String> said = events.lines();
            assertThat(said).filteredOn(line -> line.equals("event: result")).hasSize(700);
            String end = said.get(said.indexOf("event: ended") + 2);
            assertThat(JSON.readTree(end.substring("data: ".length()))
                            .at("/outcome")
                            .asString())
                    .isEqualTo("cancelled");
            assertThat(events.isWhole()).isTrue();
        }
    }

    @Test
    void aCancelledJobSaysSoInItsResult() throws Exception {
        String path = submit(GATE, 3);

        api.cancel(path);
        awaitEnd(path);

        JsonNode ran = api.get(path + "/results/0").json();
        assertThat(ran.at("/state").asString()).isEqualTo("cancelled");
        assertThat(ran.at("/error/type").asString()).isEqualTo("/problems/job-cancelled");
        assertThat(ran.at("/error/detail").asString()).contains("was running");
        assertThat(ran.at("/attempts").asInt()).isEqualTo(1);
        JsonNode waited = api.get(path + "/results/2").json();
        assertThat(waited.at("/error/detail").asString()).contains("before it started");
        assertThat(waited.at("/attempts").asInt(-1)).isZero();
        assertThat(waited.at("/started_at").isMissingNode()).isTrue();
        assertThat(api.get(path + "/results?state=cancelled").body().lines()).hasSize(3);
        assertThat(api.get(path + "/results?state=succeeded,failed,expired").body())
                .isEmpty();
        assertThat(api.get("/problems/job-cancelled").status()).isEqualTo(200);
    }

    @Test
    void whatWaitsIsDoneWhileAnotherJobStillRuns() throws Exception {
        String path = submit(DEAF, 600);

        api.cancel(path);

        // In any order of events: the last of those that waited, and then all of them.
        assertThat(api.get(path + "/results/599?wait=60").at("/state").asString())
                .isEqualTo("cancelled");
        await().until(() -> api.get(path).at("/counts/cancelled").asInt() == 599);
        Api.Reply now = api.get(path);
        assertThat(now.at("/state").asString()).isEqualTo("cancelling");
        assertThat(now.at("/counts/running").asInt()).isEqualTo(1);
        assertThat(api.get(path + "/results/0").at("/state").asString()).isEqualTo("running");
    }

    @Test
    void aSubmitterWhoWaitsGetsTheResults() throws Exception {
        CompletableFuture<Api.Reply> put =
                api.send("PUT", "/v1/batches/waited-for", array(GATE, 40), "Prefer", "wait=60");
        gate.begun.acquire();

        api.cancel("/v1/batches/waited-for");

        Api.Reply done = put.join();
        assertThat(done.status()).isEqualTo(200);
        assertThat(done.at("/outcome").asString()).isEqualTo("cancelled");
        assertThat(done.at("/results")).hasSize(40);
    }

    @Test
    void aRepetitionGetsTheCancelledBatchAndRunsNothing() throws Exception {
        String[] key = {"Idempotency-Key", "cancelled", "Prefer", "respond-async"};
        api.put("repeated", array(GATE, 2), key);
        gate.begun.acquire();
        api.cancel("/v1/batches/repeated");
        awaitEnd("/v1/batches/repeated");

        Api.Reply byKey = api.put("repeated", array(GATE, 2), key);
        Api.Reply byId = api.put("repeated", array(GATE, 2));

        assertThat(byKey.header("Idempotent-Replayed")).isEqualTo("true");
        for (Api.Reply again : List.of(byKey, byId)) {
            assertThat(again.status()).isEqualTo(200);
            assertThat(again.at("/outcome").asString()).isEqualTo("cancelled");
        }
        assertThat(gate.begun.availablePermits()).isZero();
    }

    @Test
    void aLiveUploadIsReadToItsEndAndAnsweredWithWhatHadCome() throws Exception {
        String query = "/v1/batches?start=immediately";
        String path;
        try (RawStream upload = RawStream.upload(
                port, "POST " + query, "Content-Type: application/x-ndjson", "Idempotency-Key: live")) {
            upload.send(GATE + "\n");
            gate.begun.acquire();
            path = api.get("/v1/batches?state=open").at("/items/0/links/self").asString();

            assertThat(api.cancel(path).at("/state").asString()).isIn("cancelling", "ended");
            assertThat(awaitEnd(path).at("/counts/total").asInt()).isEqualTo(1);
            upload.send(GATE + "\n" + GATE + "\n");
            upload.sendEnd();

            assertThat(upload.head()).contains("http/1.1 202", "location: " + path);
        }
        assertThat(api.get(path).at("/outcome").asString()).isEqualTo("cancelled");
        assertThat(api.get(path).at("/counts/total").asInt()).isEqualTo(1);
        Api.Reply again = api.send(
                        "POST", query, (GATE + "\n").repeat(3), LINES[0], LINES[1], "Idempotency-Key", "live")
                .join();
        assertThat(again.status()).isEqualTo(200);
        assertThat(again.at("/links/self").asString()).isEqualTo(path);
    }

    @Test
    void anExchangeIsReadToItsEndAndEndsWhole() throws Exception {
        try (RawStream exchange = RawStream.upload(
                port,
                "PUT /v1/batches/exchanged",
                "Accept: application/x-ndjson",
                "Content-Type: application/x-ndjson")) {
            exchange.send(GATE + "\n");
            gate.begun.acquire();
            exchange.head();

            api.cancel("/v1/batches/exchanged");

            assertThat(JSON.readTree(exchange.line()).at("/state").asString()).isEqualTo("cancelled");
            exchange.send(GATE + "\n");
            exchange.sendEnd();
            assertThat(exchange.lines()).isEmpty();
            assertThat(exchange.isWhole()).isTrue();
        }
        assertThat(awaitEnd("/v1/batches/exchanged").at("/counts/total").asInt())
                .isEqualTo(1);
    }

    @Test
    void aForcedDeletionCancelsFirst() throws Exception {
        String path = submit(GATE, 300);

        assertThat(api.delete(path + "?force=true").status()).isEqualTo(204);

        assertThat(api.get(path).status()).isEqualTo(404);
        assertThat(api.get(path + "/results").status()).isEqualTo(404);
        assertThat(api.delete(path + "?force=true").status()).isEqualTo(404);
    }

    @ParameterizedTest
    @ValueSource(strings = {"true", "false"})
    void aBatchThatHasEndedNeedsNoForce(String force) {
        String path = api.post("[{\"kind\":\"echo\"}]", "Prefer", "wait=60")
                .at("/links/self")
                .asString();

        assertThat(api.delete(path + "?force=" + force).status()).isEqualTo(204);
        assertThat(api.get(path).status()).isEqualTo(404);
    }

    @Test
    void aDeletionWaitsForTheEndOfWhatIgnoresItsInterrupt() throws Exception {
        String path = submit(DEAF, 2);

        CompletableFuture<Api.Reply> deletion = api.send("DELETE", path + "?force=true", null, "Prefer", "wait=60");
        await().until(() -> api.get(path).at("/state").asString().equals("cancelling"));
        assertThat(deletion).isNotDone();
        deaf.open.release();

        assertThat(deletion.join().status()).isEqualTo(204);
        assertThat(api.get(path).status()).isEqualTo(404);
    }

    @Test
    void aDeletionGivesUpWhenItsTimeIsUp() throws Exception {
        String path = submit(DEAF, 2);

        Api.Reply refused = api.delete(path + "?force=true", "Prefer", "wait=0");
        Api.Reply later = api.delete(path + "?force=true", "Prefer", "wait=1");

        assertThat(refused.header("Preference-Applied")).isEqualTo("wait=0");
        assertThat(later.header("Preference-Applied")).isEqualTo("wait=1");
        for (Api.Reply reply : List.of(refused, later)) {
            assertThat(reply.status()).isEqualTo(409);
            assertThat(reply.problem()).isEqualTo("batch-not-ended");
            assertThat(reply.at("/state").asString()).isEqualTo("cancelling");
            assertThat(reply.at("/batch_id").asString()).isEqualTo(path.substring("/v1/batches/".length()));
        }
        deaf.open.release();
        awaitEnd(path);
        assertThat(api.delete(path).status()).isEqualTo(204);
    }

    @Test
    void deletionsThatWaitHoldNoThread() throws Exception {
        String path = submit(DEAF, 1);

        List<CompletableFuture<Api.Reply>> deletions = IntStream.range(0, 16) // four times the threads
                .mapToObj(i -> api.send("DELETE", path + "?force=true", null))
                .toList();

        await().atMost(Duration.ofSeconds(20))
                .until(() -> api.get(path).at("/state").asString().equals("cancelling"));
        for (int i = 0; i < 8; i++) {
            assertThat(api.get(path).status()).isEqualTo(200);
        }
        deaf.open.release();
        assertThat(deletions.stream().map(CompletableFuture::join).map(Api.Reply::status))
                .containsOnly(204, 404)
                .containsOnlyOnce(204);
    }

    @Test
    void aLiveUploadThatIsDeletedUnderWayIsToldSo() throws Exception {
        try (RawStream upload = RawStream.upload(
                port, "PUT /v1/batches/deleted-live?start=immediately", "Content-Type: application/x-ndjson")) {
            upload.send(GATE + "\n");
            gate.begun.acquire();

            assertThat(api.delete("/v1/batches/deleted-live").problem()).isEqualTo("batch-not-ended");
            assertThat(api.delete("/v1/batches/deleted-live?force=true").status())
                    .isEqualTo(204);
            upload.send(GATE + "\n");
            upload.sendEnd();

            assertThat(upload.head()).contains("http/1.1 404");
        }
        assertThat(api.get("/v1/batches/deleted-live").status()).isEqualTo(404);
    }
}
