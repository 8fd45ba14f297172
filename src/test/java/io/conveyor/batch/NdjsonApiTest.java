package io.conveyor.batch;

import static org.assertj.core.api.Assertions.assertThat;

import io.conveyor.store.BatchStore;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.test.context.TestPropertySource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Batches sent as lines: whole, live, packed and broken. */
@TestPropertySource(
        properties = {
            "conveyor.intake.max-body=8MB",
            "conveyor.intake.max-json-body=64KB",
            "conveyor.intake.max-job-size=1KB",
            "conveyor.intake.max-jobs=20000",
            "conveyor.intake.max-gzip-ratio=50",
            "conveyor.pool.workers=2",
            "conveyor.pool.caller-runs=1",
            "conveyor.pool.queue-capacity=4"
        })
class NdjsonApiTest extends ServiceTest {

    private static final String[] NDJSON = {"Content-Type", "application/x-ndjson"};
    private static final String[] UNDECLARED = {"Content-Type", "application/octet-stream"};
    private static final String GATE = "{\"kind\":\"gate\",\"input\":false}\n";

    @Autowired
    BatchStore store;

    @SuppressWarnings("NullAway.Init")
    NdjsonApiTest() {}

    private List<JsonNode> results(String id) {
        return api.get("/v1/batches/" + id + "/results")
                .body()
                .lines()
                .map(new JsonMapper()::readTree)
                .toList();
    }

    @Test
    void takesLinesAsCurlSendsThem() {
        Api.Reply accepted = api.put("lines", echoes(3000), UNDECLARED);

        assertThat(accepted.status()).isEqualTo(202);
        assertThat(accepted.at("/counts/total").asInt()).isEqualTo(3000);
        assertThat(api.get("/v1/batches/lines?wait=60").at("/outcome").asString())
                .isEqualTo("succeeded");
        List<JsonNode> results = results("lines");
        assertThat(results).hasSize(3000);
        assertThat(results)
                .extracting(result -> result.at("/output").asInt())
                .isEqualTo(IntStream.range(0, 3000).boxed().toList());
        Api.Reply again = api.put("lines", echoes(3000), UNDECLARED);
        assertThat(again.status()).isEqualTo(200);
        assertThat(again.at("/created_at")).isEqualTo(accepted.at("/created_at"));
        assertThat(api.put("lines", echoes(2999), UNDECLARED).problem()).isEqualTo("batch-exists");
        assertThat(api.put("lines", echoes(3000) + "\n", UNDECLARED).problem()).isEqualTo("batch-exists");
    }

    @Test
    void aBadLineFailsAloneWithItsNumber() {
        String body = "{\"kind\":\"echo\",\"input\":1}\n\nnonsense\n{\"kind\":\"ecko\",\"custom_id\":\"e\"}\n"
                + "{\"kind\":\"echo\",\"input\":\"" + "x".repeat(2000) + "\"}\n{\"kind\":\"echo\",\"input\":2}";
        Api.Reply done = api.post(body, "Content-Type", "application/jsonl", "Prefer", "wait=60");

        assertThat(done.status()).isEqualTo(200);
        assertThat(done.at("/outcome").asString()).isEqualTo("partial");
        assertThat(done.at("/counts/total").asInt()).isEqualTo(5);
        assertThat(done.at("/counts/failed").asInt()).isEqualTo(3);
        JsonNode results = done.at("/results");
        assertThat(results.at("/0/output").asInt()).isEqualTo(1);
        assertThat(results.at("/1/error/type").asString()).isEqualTo("/problems/invalid-job");
        assertThat(results.at("/1/error/line").asInt()).isEqualTo(3);
        assertThat(results.at("/1/attempts").asInt(-1)).isZero();
        assertThat(results.at("/1/kind").isMissingNode()).isTrue();
        assertThat(results.at("/2/error/type").asString()).isEqualTo("/problems/unknown-kind");
        assertThat(results.at("/2/error/line").asInt()).isEqualTo(4);
        assertThat(results.at("/2/kind").asString()).isEqualTo("ecko");
        assertThat(results.at("/2/custom_id").asString()).isEqualTo("e");
        assertThat(results.at("/3/error/limit").asInt()).isEqualTo(1024);
        assertThat(results.at("/4/output").asInt()).isEqualTo(2);
    }

    @Test
    void optionsStandInTheQueryString() {
        Api.Reply batch = send(
                "POST",
                "/v1/batches?name=nightly%20run&timeout_ms=20&metadata=%7B%22a%22%3A1.10%7D",
                "{\"kind\":\"sleep\",\"input\":{\"ms\":60000}}\n",
                "Content-Type",
                "application/x-ndjson",
                "Prefer",
                "wait=60");

        assertThat(batch.at("/name").asString()).isEqualTo("nightly run");
        assertThat(batch.body()).contains("\"metadata\":{\"a\":1.10}");
        assertThat(batch.at("/results/0/error/type").asString()).isEqualTo("/problems/job-timeout");
        assertThat(send("POST", "/v1/batches?name=a", "[{\"kind\":\"echo\"}]")
                        .at("/name")
                        .asString())
                .isEqualTo("a");
        Api.Reply twice = send("POST", "/v1/batches?name=a", "{\"name\":\"b\",\"jobs\":[]}");
        assertThat(twice.status()).isEqualTo(422);
        assertThat(twice.at("/errors/0/pointer").asString()).isEqualTo("/name");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            continue                         | "continue"
            cancel_rest                      | "cancel_rest"
            %7B%22tolerate%22%3A10%7D        | {"tolerate":10}
            %7B%22tolerate_percent%22:5%7D   | {"tolerate_percent":5}
            """)
    void rulesStandInTheQueryStringToo(String onError, String shown) {
        String query = "on_error=" + onError + "&max_attempts=3&max_concurrency=7&deadline_ms=3600000";

        Api.Reply batch = send("POST", "/v1/batches?" + query, echoes(1), NDJSON);

        assertThat(batch.body())
                .contains("\"on_error\":" + shown + ",\"max_concurrency\":7,\"max_attempts\":3,\"deadline_at\":\"");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            on_error=continue | /on_error        | "on_error":"cancel_rest"
            max_attempts=2    | /max_attempts    | "max_attempts":2
            max_concurrency=2 | /max_concurrency | "max_concurrency":3
            deadline_ms=2000  | /deadline_ms     | "deadline_ms":3000
            """)
    void rulesAreSaidInOnePlaceOnly(String query, String pointer, String field) {
        Api.Reply twice = send("POST", "/v1/batches?" + query, "{" + field + ",\"jobs\":[]}");

        assertThat(twice.status()).isEqualTo(422);
        assertThat(twice.at("/errors/0/pointer").asString()).isEqualTo(pointer);
        assertThat(twice.at("/errors/0/code").asString()).isEqualTo("duplicate-field");
    }

    @ParameterizedTest
    @ValueSource(strings = {"on_error=cancel_rest", "max_attempts=2", "max_concurrency=2", "deadline_ms=2000000"})
    void anotherRuleMakesAnotherRequest(String query) {
        String path = "/v1/batches/rules-" + query.replaceAll("\\W", "-");

        assertThat(send("PUT", path + "?" + query, echoes(1), NDJSON).status()).isEqualTo(202);
        assertThat(send("PUT", path + "?" + query, echoes(1), NDJSON).status()).isEqualTo(200);
        assertThat(send("PUT", path, echoes(1), NDJSON).status()).isEqualTo(409);
    }

    private Api.Reply send(String method, String path, String body, String... headers) {
        return api.send(method, path, body, headers).join();
    }

    @ParameterizedTest
    @CsvSource({
        "name=, name",
        "timeout_ms=0, timeout_ms",
        "metadata=%7B, metadata",
        "max_attempts=101, max_attempts",
        "max_concurrency=0, max_concurrency",
        "deadline_ms=31536000001, deadline_ms",
        "deadline_ms=1.5, deadline_ms",
        "on_error=stop, on_error",
        "on_error=, on_error",
        "on_error=%7B, on_error",
        "on_error=%7B%22tolerate%22%3A-1%7D, on_error",
        "on_error=%7B%22tolerate%22%3A1%7D%20x, on_error",
        "on_error=%22continue%22, on_error",
        "start=soon, start",
        "on_eror=x, on_eror"
    })
    void refusesOptionsThatCannotBeUsed(String query, String parameter) {
        Api.Reply refused = send("POST", "/v1/batches?" + query, echoes(1), NDJSON);

        assertThat(refused.status()).isEqualTo(400);
        assertThat(refused.at("/parameter").asString()).isEqualTo(parameter);
    }

    @Test
    void aJsonBodyCannotStartImmediately() {
        assertThat(send("POST", "/v1/batches?start=immediately", "[]")
                        .at("/parameter")
                        .asString())
                .isEqualTo("start");
    }

    @Test
    void tooManyLinesAndTooLargeABodyAreRefusedWhole() {
        Api.Reply many = api.put("many", echoes(20_001), NDJSON);
        assertThat(many.status()).isEqualTo(422);
        assertThat(many.problem()).isEqualTo("too-many-jobs");
        Api.Reply large = api.put("many", "\n".repeat(8 * 1024 * 1024 + 1), NDJSON);
        assertThat(large.status()).isEqualTo(413);
        assertThat(api.get("/v1/batches/many").status()).isEqualTo(404);
        assertThat(api.put("many", echoes(20_000), NDJSON).status()).isEqualTo(202);
        assertThat(api.put("json", "[" + " ".repeat(70_000) + "]", UNDECLARED).status())
                .isEqualTo(413);
    }

    /** Neither the line nor the body ever ends: there is a limit at which the service has had enough, and says so. */
    @Test
    void whatNeverEndsIsRefusedAtALimit() throws IOException {
        String endless = "x".repeat(64 * 1024);
        assertThat(refused(endless, 130)).as("a line without end").contains("http/1.1 413");
        assertThat(refused("\n".repeat(64 * 1024), 130)).as("blank lines").contains("http/1.1 413");
        assertThat(refused("{\"kind\":\"echo\"}\n".repeat(1000), 21))
                .as("tiny lines")
                .contains("http/1.1 422");
    }

    /** The head of the answer to so many pieces of a body whose end is never sent. */
    private List<String> refused(String piece, int pieces) throws IOException {
        try (RawStream upload =
                RawStream.upload(port, "PUT /v1/batches/endless", "Content-Type: application/x-ndjson")) {
            for (int n = 0; n < pieces; n++) {
                upload.send(piece);
            }
            List<String> head = upload.head();
            assertThat(head).contains("content-type: application/problem+json");
            assertThat(api.get("/v1/batches/endless").status()).isEqualTo(404);
            return head;
        }
    }

    private static byte[] gzip(String text) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (GZIPOutputStream gzip = new GZIPOutputStream(bytes)) {
            gzip.write(text.getBytes(StandardCharsets.UTF_8));
        }
        return bytes.toByteArray();
    }

    private String post(byte[] body, String... headers) throws IOException {
        try (Socket socket = connect()) {
            socket.getOutputStream().write(head("POST /v1/batches", "Content-Length: " + body.length, headers));
            socket.getOutputStream().write(body);
            return readAll(socket);
        }
    }

    private Socket connect() throws IOException {
        Socket socket = new Socket(InetAddress.getLoopbackAddress(), port);
        socket.setSoTimeout(60_000);
        return socket;
    }

    private static byte[] head(String request, String length, String... headers) {
        return (request + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + length + "\r\n"
                        + String.join("\r\n", headers) + (headers.length > 0 ? "\r\n\r\n" : "\r\n"))
                .getBytes(StandardCharsets.US_ASCII);
    }

    private static String readAll(Socket socket) throws IOException {
        return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    }

    @Test
    void readsGzip() throws IOException {
        String answer = post(gzip(echoes(5000)), "Content-Encoding: gzip", "Prefer: wait=60");
        assertThat(answer).startsWith("HTTP/1.1 200").contains("\"succeeded\":5000");
        assertThat(post(gzip("[{\"kind\":\"echo\"}]"), "Content-Type: application/json", "Content-Encoding: x-gzip"))
                .startsWith("HTTP/1.1 202");
    }

    @Test
    void aBombIsRefusedLongBeforeItIsUnpacked() throws IOException {
        String answer =
                post(gzip(" ".repeat(7_000_000)), "Content-Encoding: gzip", "Content-Type: application/x-ndjson");

        assertThat(answer).startsWith("HTTP/1.1 413").contains("\"limit\":50");
    }

    @Test
    void brokenGzipIsToldApart() throws IOException {
        byte[] whole = gzip(echoes(1000));
        byte[] cut = java.util.Arrays.copyOf(whole, whole.length / 2);
        assertThat(post(cut, "Content-Encoding: gzip"))
                .startsWith("HTTP/1.1 400")
                .contains("ends too early");
        assertThat(post(echoes(1).getBytes(StandardCharsets.US_ASCII), "Content-Encoding: gzip"))
                .startsWith("HTTP/1.1 400")
                .contains("cannot be unpacked");
        assertThat(post(whole)).startsWith("HTTP/1.1 400").contains("Content-Encoding: gzip");
    }

    /** Sends the beginning of an upload in chunks. */
    private static void chunk(Socket socket, String text) throws IOException {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        OutputStream out = socket.getOutputStream();
        out.write((Integer.toHexString(bytes.length) + "\r\n").getBytes(StandardCharsets.US_ASCII));
        out.write(bytes);
        out.write("\r\n".getBytes(StandardCharsets.US_ASCII));
        out.flush();
    }

    private static void end(Socket socket) throws IOException {
        socket.getOutputStream().write("0\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
    }

    private static final String CHUNKED = "Transfer-Encoding: chunked";

    @Test
    void anUploadThatBreaksLeavesNothing() throws IOException {
        long backlog = store.status().backlogJobs();
        try (Socket socket = connect()) {
            socket.getOutputStream()
                    .write(head("PUT /v1/batches/broken", CHUNKED, "Content-Type: application/x-ndjson"));
            chunk(socket, ("{\"kind\":\"echo\",\"input\":\"" + "x".repeat(900) + "\"}\n").repeat(5000));
        }
        // The next one can only be done when the broken one has been given up: both want the same id.
        assertThat(api.get("/v1/batches/broken").status()).isEqualTo(404);
        assertThat(api.put("broken", echoes(1), "Prefer", "wait=60", "Content-Type", "application/x-ndjson")
                        .status())
                .isEqualTo(200);
        assertThat(store.status().backlogJobs()).isEqualTo(backlog);
    }

    @Test
    void startedImmediatelyItRunsWhileItArrives() throws Exception {
        try (Socket socket = connect()) {
            socket.getOutputStream()
                    .write(head(
                            "PUT /v1/batches/live?start=immediately", CHUNKED, "Content-Type: application/x-ndjson"));
            chunk(socket, GATE);
            gate.begun.acquire();

            Api.Reply open = api.get("/v1/batches/live");
            assertThat(open.at("/state").asString()).isEqualTo("open");
            assertThat(open.at("/counts/total").isMissingNode()).isTrue();
            assertThat(open.at("/counts/running").asInt()).isEqualTo(1);
            assertThat(api.put("live", GATE, NDJSON).problem()).isEqualTo("batch-exists");
            assertThat(api.delete("/v1/batches/live").problem()).isEqualTo("batch-not-ended");
            gate.open.release();
            CompletableFuture<Api.Reply> first = api.send("GET", "/v1/batches/live/results/0?wait=60", null);
            assertThat(first.join().at("/state").asString()).isEqualTo("succeeded");

            chunk(socket, "nonsense\n" + GATE);
            end(socket);
            gate.open.release();
            assertThat(readAll(socket)).startsWith("HTTP/1.1 202");
        }
        Api.Reply ended = api.get("/v1/batches/live?wait=60");
        assertThat(ended.at("/outcome").asString()).isEqualTo("partial");
        assertThat(ended.at("/counts/total").asInt()).isEqualTo(3);
        assertThat(results("live"))
                .extracting(result -> result.at("/seq").asInt())
                .containsExactlyInAnyOrder(1, 2, 3);
        assertThat(api.put("live", GATE + "nonsense\n" + GATE, NDJSON).problem())
                .isEqualTo("batch-exists");
        assertThat(send("PUT", "/v1/batches/live?start=immediately", GATE + "nonsense\n" + GATE, NDJSON)
                        .status())
                .isEqualTo(200);
    }

    @Test
    void aStartedUploadThatBreaksEndsAsIncompleteWithWhatHadCome() throws Exception {
        try (Socket socket = connect()) {
            socket.getOutputStream()
                    .write(head(
                            "PUT /v1/batches/half?start=immediately", CHUNKED, "Content-Type: application/x-ndjson"));
            chunk(socket, GATE + "{\"kind\":\"echo\",\"input\":1}\n{\"kind\":\"echo\",\"inp");
            gate.begun.acquire();
        }
        gate.open.release();

        Api.Reply ended = api.get("/v1/batches/half?wait=60");
        assertThat(ended.at("/state").asString()).isEqualTo("ended");
        assertThat(ended.at("/outcome").asString()).isEqualTo("incomplete");
        assertThat(ended.at("/counts/total").asInt()).isEqualTo(2);
        assertThat(ended.at("/counts/succeeded").asInt()).isEqualTo(2);
    }

    @Test
    void aStartedUploadThatIsRefusedHalfwaySaysWhatIsKept() {
        Api.Reply refused = send("PUT", "/v1/batches/endless?start=immediately", echoes(20_001), NDJSON);

        assertThat(refused.problem()).isEqualTo("too-many-jobs");
        assertThat(refused.at("/kept").asString()).isEqualTo("in-part");
        assertThat(refused.at("/batch_id").asString()).isEqualTo("endless");
        assertThat(refused.at("/detail").asString()).contains("kept as batch 'endless'");
        Api.Reply ended = api.get("/v1/batches/endless?wait=60");
        assertThat(ended.at("/outcome").asString()).isEqualTo("incomplete");
        assertThat(ended.at("/counts/total").asInt()).isBetween(1, 20_000);
    }

    @Test
    void theSenderOfALiveUploadIsHeldByTheConnectionUntilTheCrewHasCaughtUp() throws Exception {
        String line = "{\"kind\":\"gate\",\"input\":false,\"metadata\":\"" + "x".repeat(900) + "\"}\n";
        int lines = 7000;
        try (Socket socket = connect()) {
            socket.setSendBufferSize(64 * 1024);
            socket.getOutputStream()
                    .write(head(
                            "PUT /v1/batches/held?start=immediately", CHUNKED, "Content-Type: application/x-ndjson"));
            CompletableFuture<Integer> sent = CompletableFuture.supplyAsync(() -> {
                try {
                    for (int i = 0; i < lines; i++) {
                        chunk(socket, line);
                    }
                    end(socket);
                    return lines;
                } catch (SocketException e) {
                    return -1;
                } catch (IOException e) {
                    throw new java.io.UncheckedIOException(e);
                }
            });
            gate.begun.acquire(3); // two workers, and the thread that reads
            // The reader is in a job that does not end: what has been taken is final, and what the sender has left to
            // send does not fit into the buffers between the two.
            assertThat(store.status().backlogJobs()).isLessThan(600);
            assertThat(sent).isNotDone();

            gate.open.release(lines);
            assertThat(sent.join()).isEqualTo(lines);
            assertThat(readAll(socket)).startsWith("HTTP/1.1 202");
        }
        assertThat(api.get("/v1/batches/held?wait=60").at("/counts/succeeded").asInt())
                .isEqualTo(lines);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "?start=immediately"})
    void aBodyWithoutLinesIsABatchWithoutJobs(String query) {
        Api.Reply done =
                send("POST", "/v1/batches" + query, "\n", "Content-Type", "application/x-ndjson", "Prefer", "wait=60");

        assertThat(done.at("/state").asString()).isEqualTo("ended");
        assertThat(done.at("/counts/total").asInt(-1)).isZero();
    }
}
