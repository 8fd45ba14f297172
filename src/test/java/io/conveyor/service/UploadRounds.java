package io.conveyor.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.BitSet;
import java.util.Iterator;
import java.util.List;
import java.util.SplittableRandom;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;

/**
 * Kills the service in the middle of large uploads and starts it again on the same data: a batch is there as a whole or
 * not at all, or, if it had started, with a result for each job that was taken. One thread.
 */
final class UploadRounds implements AutoCloseable {

    static final int LINES = 100_000;

    /** Milliseconds from the last byte of a body to the kill at the most: it meets the seal, the feeding, or the crew. */
    private static final int LONGEST_SEAL = 600;

    /** Milliseconds from the last byte before a kill in the upload to that kill at the most. */
    private static final int LONGEST_PAUSE = 50;

    /** Milliseconds from a start to a second kill at the most. */
    private static final int LONGEST_START = 4000;

    private static final List<String> SHORT_LIVED = List.of("-XX:+UseSerialGC");

    private static final Pattern TAKEN_UP = Pattern.compile("Took up (\\d+) unfinished batches");

    private final Path directory;
    private final SplittableRandom random;

    // Mutable state
    private ServiceProcess service;

    // Counts for the report
    private int rounds;
    private int inUpload;
    private int afterUpload;
    private int afterAnswer;
    private int whole;
    private int takenUp;
    private int none;
    private int incomplete;

    /** Where in an upload the kill comes. */
    enum Moment {
        UPLOAD,
        SEAL,
        WORK;

        static Moment of(int round) {
            return values()[round % values().length];
        }
    }

    UploadRounds(Path directory, long seed) {
        this.directory = directory;
        random = new SplittableRandom(seed);
        service = ServiceProcess.spawn(directory, SHORT_LIVED, List.of("--conveyor.pool.workers=8"))
                .awaitReady();
    }

    private static byte[] body(String id) {
        StringBuilder body = new StringBuilder();
        for (int line = 0; line < LINES; line++) {
            body.append("{\"kind\":\"echo\",\"input\":")
                    .append(output(id, line))
                    .append("}\n");
        }
        return body.toString().getBytes(StandardCharsets.US_ASCII);
    }

    private static String output(String id, int line) {
        return "{\"of\":\"" + id + "\",\"line\":" + line + "}";
    }

    /** An upload that is taken as a whole or not at all. */
    void whole(Moment moment) throws IOException, InterruptedException {
        String id = "whole-" + ++rounds;
        boolean chunked = random.nextBoolean();
        boolean acknowledged = killedAt(moment, "/v1/batches/" + id, id, chunked);
        if (isThere(id)) {
            whole++;
            assertWhole(id);
            assertThat(upload(id, chunked)).as("the same again").isEqualTo(200);
        } else {
            assertThat(acknowledged).as("%s was acknowledged", id).isFalse();
            none++;
            assertThat(upload(id, chunked)).as("once more after nothing").isEqualTo(202);
            assertWhole(id);
        }
    }

    /** An upload that starts with its first line. */
    void live(Moment moment) throws IOException, InterruptedException {
        String id = "live-" + ++rounds;
        boolean acknowledged = killedAt(moment, "/v1/batches/" + id + "?start=immediately", id, true);
        if (!isThere(id)) {
            assertThat(acknowledged).as("%s was acknowledged", id).isFalse();
            none++;
            return;
        }
        JsonNode batch = service.awaitEnd(id);
        boolean complete = batch.get("outcome").asString().equals("succeeded");
        int total = batch.at("/counts/total").asInt();
        assertThat(complete ? "succeeded" : "incomplete")
                .as("%s", batch)
                .isEqualTo(batch.get("outcome").asString());
        assertThat(complete || !acknowledged).as("acknowledged: %s", batch).isTrue();
        assertThat(total).as("%s", batch).isBetween(complete ? LINES : 1, LINES);
        assertThat(batch.at("/counts/succeeded").asInt()).as("%s", batch).isEqualTo(total);
        assertResults(id, total);
        if (complete) {
            whole++;
        } else {
            incomplete++;
        }
    }

    /** Kills in or after the upload, sometimes again in the recovery; whether the upload was acknowledged. */
    private boolean killedAt(Moment moment, String path, String id, boolean chunked)
            throws IOException, InterruptedException {
        byte[] body = body(id);
        String prefer = random.nextBoolean() ? "Prefer: respond-async" : "Prefer: nothing";
        URI target = service.uri(path);
        try (RawUpload upload = new RawUpload(target, body, chunked, "Content-Type: application/x-ndjson", prefer)) {
            switch (moment) {
                case UPLOAD -> {
                    inUpload++;
                    upload.sendUpTo(random.nextInt(body.length));
                    service.runFor(Duration.ofMillis(random.nextInt(LONGEST_PAUSE)));
                }
                case SEAL -> {
                    upload.sendAll();
                    service.runFor(Duration.ofMillis(random.nextInt(LONGEST_SEAL)));
                    afterUpload += upload.status().isDone() ? 0 : 1;
                    afterAnswer += upload.status().isDone() ? 1 : 0;
                }
                case WORK -> {
                    upload.sendAll();
                    assertThat(upload.status().join()).isEqualTo(202);
                    service.runFor(Duration.ofMillis(random.nextInt(LONGEST_SEAL)));
                    afterAnswer++;
                }
            }
            kill();
            if (random.nextInt(3) == 0) {
                service = service.respawn();
                service.runFor(Duration.ofMillis(random.nextInt(LONGEST_START)));
                kill();
            }
            service = service.respawn().awaitReady();
            return upload.status().join() == 202;
        }
    }

    private void kill() {
        service.killHard();
        readLog();
    }

    private void readLog() {
        assertThat(service.trouble()).isEmpty();
        Matcher line = TAKEN_UP.matcher(service.log());
        while (line.find()) {
            takenUp += Integer.parseInt(line.group(1));
        }
    }

    private boolean isThere(String id) throws IOException, InterruptedException {
        HttpResponse<String> answer = service.get("/v1/batches/" + id);
        assertThat(answer.statusCode()).as(answer.body()).isIn(200, 404);
        return answer.statusCode() == 200;
    }

    private int upload(String id, boolean chunked) throws IOException {
        URI target = service.uri("/v1/batches/" + id);
        try (RawUpload upload = new RawUpload(target, body(id), chunked, "Content-Type: application/x-ndjson")) {
            upload.sendAll();
            return upload.status().join();
        }
    }

    private void assertWhole(String id) throws IOException, InterruptedException {
        JsonNode batch = service.awaitEnd(id);
        assertThat(batch.get("outcome").asString()).as("%s", batch).isEqualTo("succeeded");
        assertThat(batch.at("/counts/total").asInt()).as("%s", batch).isEqualTo(LINES);
        assertResults(id, LINES);
    }

    /** So many results, each once, each with the output that belongs to its line, numbered without a gap. */
    private void assertResults(String id, int total) throws IOException, InterruptedException {
        BitSet seqs = new BitSet(total + 1);
        int index = 0;
        HttpResponse<Stream<String>> answer =
                service.send(service.request("/v1/batches/" + id + "/results"), BodyHandlers.ofLines());
        try (Stream<String> lines = answer.body()) {
            for (Iterator<String> each = lines.iterator(); each.hasNext(); index++) {
                String line = each.next();
                JsonNode result = ServiceProcess.JSON.readTree(line);
                String expected = ",\"kind\":\"echo\",\"state\":\"succeeded\",\"output\":" + output(id, index) + ",";
                if (result.get("index").asInt() != index || !line.contains(expected)) {
                    assertThat(line).as("%s, line %d", id, index).contains("\"index\":" + index + ",", expected);
                }
                seqs.set(result.get("seq").asInt());
            }
        }
        assertThat(index).as("results of %s", id).isEqualTo(total);
        assertThat(seqs.cardinality()).as("different seqs of %s", id).isEqualTo(total);
        assertThat(seqs.length()).as("highest seq of %s", id).isEqualTo(total + 1);
        assertThat(seqs.get(0)).isFalse();
    }

    /** Whatever belongs to no batch goes away while the service runs; then looks into the file itself. */
    void finish() throws SQLException {
        String url = "jdbc:sqlite:" + directory.resolve("data/conveyor.db");
        try (Connection file = DriverManager.getConnection(url);
                Statement statement = file.createStatement()) {
            await("sweep").atMost(ServiceProcess.LONG).until(() -> ask(statement, "SELECT count(*) FROM unowned") == 0);
            assertThat(service.terminate()).isEqualTo(ServiceProcess.TERMINATED);
            readLog();
            for (String table : List.of("segment", "segment_input", "outcome_block")) {
                assertThat(ask(
                                statement,
                                "SELECT count(*) FROM " + table
                                        + " WHERE batch_no NOT IN (SELECT batch_no FROM batch)"))
                        .as("rows of %s without a batch", table)
                        .isZero();
            }
            assertThat(ask(statement, "SELECT count(*) FROM segment WHERE open > 0"))
                    .isZero();
            assertThat(ask(statement, "SELECT count(*) FROM batch WHERE state <> 'ended'"))
                    .isZero();
        }
    }

    private static int ask(Statement statement, String sql) throws SQLException {
        try (ResultSet row = statement.executeQuery(sql)) {
            return row.getInt(1);
        }
    }

    String report() {
        return ("%d uploads of %d lines killed, %d while they arrived, %d between the last byte and the answer, %d after it:"
                        + " %d were there as a whole, %d not at all, %d with what had come; %d times a"
                        + " start found one unfinished")
                .formatted(rounds, LINES, inUpload, afterUpload, afterAnswer, whole, none, incomplete, takenUp);
    }

    @Override
    public void close() {
        service.close();
    }
}
