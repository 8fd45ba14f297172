package io.conveyor.service;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;

/**
 * Kills the service under load and starts it again on the same data, round after round, and holds it to what it said:
 * acknowledged batches are there and end with every result, others are there as a whole or not at all, what is to follow a
 * batch follows it once, and what a client has read stays as it was. One thread.
 */
final class CrashRounds implements AutoCloseable {

    /** Answers before a kill at the most. */
    private static final int MOST_ANSWERS = 120;

    /** Milliseconds from the last of these answers to the kill at the most. */
    private static final int LONGEST_LOAD = 300;

    /** Milliseconds from a start to a second kill at the most: in the start, in the recovery, or after it. */
    private static final int LONGEST_START = 6000;

    /** A life is a few seconds long here: nothing of it is worth the best collector. */
    private static final List<String> SHORT_LIVED = List.of("-XX:+UseSerialGC");

    /** Batches of earlier rounds that are read again after each kill. */
    private static final int REREAD = 20;

    private static final Pattern TAKEN_UP = Pattern.compile("Took up (\\d+) unfinished batches");

    private final Path directory;
    private final SplittableRandom random;
    /** Batches that have been found complete, by id, with a digest of their results. */
    private final Map<String, String> complete = new LinkedHashMap<>();

    // Mutable state
    private ServiceProcess service;

    // Counts for the report
    private int rounds;
    private int kills;
    private int acknowledged;
    private int jobs;
    private int takenUp;
    private int unknown;
    private int unknownFound;
    private int repeated;
    private int linesCompared;
    private int reread;
    private int followers;

    CrashRounds(Path directory, long seed) {
        this.directory = directory;
        random = new SplittableRandom(seed);
        service = ServiceProcess.spawn(directory, SHORT_LIVED, List.of("--conveyor.pool.workers=8"))
                .awaitReady();
    }

    void round() throws IOException, InterruptedException {
        rounds++;
        CrashLoad load = new CrashLoad(service, "r" + rounds, 1 + random.nextInt(MOST_ANSWERS), random.split());
        load.start();
        service.runFor(Duration.ofMillis(random.nextInt(LONGEST_LOAD)));
        kill();
        load.join();
        service = service.respawn();
        if (random.nextInt(3) == 0) {
            service.runFor(Duration.ofMillis(random.nextInt(LONGEST_START)));
            kill();
            service = service.respawn();
        }
        service.awaitReady();
        assertKept(load, repeatUnknown(load));
        rereadSome();
    }

    private void kill() {
        service.killHard();
        kills++;
        readLog();
    }

    private void readLog() {
        assertThat(service.trouble()).isEmpty();
        Matcher line = TAKEN_UP.matcher(service.log());
        while (line.find()) {
            takenUp += Integer.parseInt(line.group(1));
        }
    }

    /**
     * Without an answer nobody knows. Half of those who chose the id themselves ask again with the same request: they get
     * the batch that is there, or a new one.
     *
     * @return how many were answered
     */
    private int repeatUnknown(CrashLoad load) throws IOException, InterruptedException {
        Set<String> answered =
                load.acknowledged().values().stream().map(BatchPlan::key).collect(Collectors.toSet());
        Set<String> there = new HashSet<>(listAll().values());
        int asked = 0;
        for (BatchPlan plan : load.planned().values()) {
            if (answered.contains(plan.key())) {
                continue;
            }
            unknown++;
            unknownFound += there.contains(plan.key()) ? 1 : 0;
            if (random.nextBoolean()) {
                HttpResponse<String> answer = service.send(CrashLoad.submission(service, plan));
                assertThat(answer.statusCode()).as(answer.body()).isEqualTo(there.contains(plan.key()) ? 200 : 202);
                asked++;
            }
        }
        return asked;
    }

    private void assertKept(CrashLoad load, int askedAgain) throws IOException, InterruptedException {
        Map<String, String> listed = listAll();
        List<String> found = new ArrayList<>();
        assertThat(listed.keySet())
                .as("acknowledged batches after kill %d", kills)
                .containsAll(load.acknowledged().keySet())
                .containsAll(complete.keySet());
        assertThat(listed.values()).as("each batch is there once").doesNotHaveDuplicates();
        for (Map.Entry<String, String> batch : listed.entrySet()) {
            if (!complete.containsKey(batch.getKey())) {
                BatchPlan plan = load.planned().get(batch.getValue());
                assertThat(plan).as("plan of %s", batch).isNotNull();
                assertComplete(batch.getKey(), plan, load.linesRead());
                found.add(batch.getKey());
            }
        }
        assertFollowed(found, listed, load.planned());
        acknowledged += load.acknowledged().size();
        repeated += askedAgain;
    }

    private void assertComplete(String id, BatchPlan plan, Map<String, String> linesRead)
            throws IOException, InterruptedException {
        JsonNode batch = service.awaitEnd(id);
        List<String> results = service.results(id);
        plan.assertComplete(batch, results);
        for (int index = 0; index < results.size(); index++) {
            String before = linesRead.get(id + " " + index);
            if (before != null) {
                assertThat(results.get(index))
                        .as("%s %d, read before the kill", id, index)
                        .isEqualTo(before);
                linesCompared++;
            }
        }
        complete.put(id, digest(results));
        jobs += plan.size();
    }

    /** Batches that have ended, be it before the kill, at it or after it: each that is to be followed is so once. */
    private void assertFollowed(List<String> ids, Map<String, String> names, Map<String, BatchPlan> plans)
            throws IOException, InterruptedException {
        Map<String, List<String>> following = listFollowers();
        for (String id : ids) {
            BatchPlan plan = plans.get(names.get(id));
            List<String> after = following.getOrDefault(id, List.of());
            assertThat(after).as("what follows %s after kill %d", id, kills).hasSize(plan.followed() ? 1 : 0);
            for (String follower : after) {
                plan.assertFollowedBy(service.awaitEnd(follower), service.results(follower), service.awaitEnd(id));
                followers++;
            }
        }
    }

    /** Ids of the batches that follow others, by the ids of those. */
    private Map<String, List<String>> listFollowers() throws IOException, InterruptedException {
        Map<String, List<String>> all = new HashMap<>();
        forEachBatch(batch -> {
            if (batch.has("continuation_of")) {
                all.computeIfAbsent(batch.get("continuation_of").asString(), id -> new ArrayList<>())
                        .add(batch.get("id").asString());
            }
        });
        return all;
    }

    /** Ids and names of all batches that clients have sent. */
    private Map<String, String> listAll() throws IOException, InterruptedException {
        Map<String, String> all = new LinkedHashMap<>();
        forEachBatch(batch -> {
            if (!batch.has("continuation_of")) {
                all.put(batch.get("id").asString(), batch.get("name").asString());
            }
        });
        return all;
    }

    private void forEachBatch(Consumer<JsonNode> work) throws IOException, InterruptedException {
        String path = "/v1/batches?limit=1000";
        while (path != null) {
            JsonNode page = ServiceProcess.JSON.readTree(service.get(path).body());
            page.get("items").forEach(work);
            path = page.has("next") ? page.get("next").asString() : null;
        }
    }

    private void rereadSome() throws IOException, InterruptedException {
        List<String> ids = new ArrayList<>(complete.keySet());
        for (int i = 0; i < REREAD; i++) {
            assertUnchanged(ids.get(random.nextInt(ids.size())));
        }
    }

    private void assertUnchanged(String id) throws IOException, InterruptedException {
        assertThat(digest(service.results(id))).as("results of %s", id).isEqualTo(complete.get(id));
        reread++;
    }

    private static String digest(List<String> lines) {
        try {
            byte[] bytes = String.join("\n", lines).getBytes(StandardCharsets.UTF_8);
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Looks at everything once more, stops the service in good order, and asks the file itself. */
    void finish() throws IOException, InterruptedException, SQLException {
        for (String id : complete.keySet()) {
            assertUnchanged(id);
        }
        assertThat(linesCompared).as("lines read before a kill").isPositive();
        assertThat(service.terminate()).isEqualTo(ServiceProcess.TERMINATED);
        readLog();
        assertThat(takenUp).as("batches that a kill left unfinished").isPositive();
        assertThat(followers).as("batches that follow others").isPositive();
        String url = "jdbc:sqlite:" + directory.resolve("data/conveyor.db");
        try (Connection file = DriverManager.getConnection(url);
                Statement statement = file.createStatement()) {
            assertThat(ask(statement, "PRAGMA integrity_check")).isEqualTo("ok");
            assertThat(ask(statement, "SELECT count(*) FROM batch WHERE state <> 'ended'"))
                    .isEqualTo("0");
            assertThat(ask(statement, "SELECT count(*) FROM segment WHERE open > 0"))
                    .isEqualTo("0");
            assertThat(ask(statement, "SELECT count(*) FROM continuation")).isEqualTo("0");
            assertThat(ask(
                            statement,
                            "SELECT count(*) || ' of ' || count(DISTINCT continuation_of) FROM batch"
                                    + " WHERE continuation_of IS NOT NULL"))
                    .as("batches that follow, of batches that are followed")
                    .isEqualTo(followers + " of " + followers);
        }
    }

    private static String ask(Statement statement, String sql) throws SQLException {
        try (ResultSet row = statement.executeQuery(sql)) {
            return row.getString(1);
        }
    }

    String report() {
        return ("%d rounds, %d kills: %d batches acknowledged with %d jobs, every one there and complete; %d batches taken"
                        + " up unfinished; %d submissions without an answer, of which %d were there as a whole and %d"
                        + " not at all (%d asked again and got the one batch); %d batches with something to follow, each followed once; %d"
                        + " result lines read before a kill and byte for byte the same"
                        + " after it; %d batches read again later")
                .formatted(
                        rounds,
                        kills,
                        acknowledged,
                        jobs,
                        takenUp,
                        unknown,
                        unknownFound,
                        unknown - unknownFound,
                        repeated,
                        followers,
                        linesCompared,
                        reread);
    }

    @Override
    public void close() {
        service.close();
    }
}
