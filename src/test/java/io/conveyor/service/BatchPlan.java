package io.conveyor.service;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import tools.jackson.databind.JsonNode;

/**
 * A batch that a client of the test wants done, and all that must come back: the jobs follow from the seed. Immutable.
 *
 * @param key the name of the batch, and its id if {@code ownId}; unique in a run
 * @param ownId whether the client chooses the id (PUT) or the service does (POST)
 * @param sleepMillis how long each job sleeps; 0 for a mix of short jobs of three kinds
 * @param followed whether a batch is to be made when it has ended ({@code then})
 */
record BatchPlan(String key, boolean ownId, long seed, int size, int sleepMillis, boolean followed) {

    /** Milliseconds; short, since what matters is the number of jobs that a kill meets at every stage. */
    private static final int LONGEST_SHORT_SLEEP = 12;

    /** One that nothing follows. */
    BatchPlan(String key, boolean ownId, long seed, int size, int sleepMillis) {
        this(key, ownId, seed, size, sleepMillis, false);
    }

    /** A job and its outcome, as JSON. */
    private record PlannedJob(String kind, String input, String output) {}

    private List<PlannedJob> jobs() {
        SplittableRandom random = new SplittableRandom(seed);
        return IntStream.range(0, size)
                .mapToObj(index -> sleepMillis > 0 ? sleep(sleepMillis) : job(index, random))
                .toList();
    }

    private PlannedJob job(int index, SplittableRandom random) {
        return switch (random.nextInt(8)) {
            case 0 -> sleep(random.nextInt(LONGEST_SHORT_SLEEP));
            case 1, 2, 3 -> {
                String text = key + "-" + index;
                yield new PlannedJob("hash", "{\"text\":\"" + text + "\"}", "{\"hex\":\"" + sha256(text) + "\"}");
            }
            default -> {
                // Numbers that no double holds: the bytes come back, not what some parser made of them.
                String value = "{\"of\":\"" + key + "\",\"index\":" + index + ",\"n\":1.10,\"big\":1234567890123456789"
                        + random.nextInt(10) + ",\"s\":\"\u00fc" + "x".repeat(random.nextInt(200)) + "\"}";
                yield new PlannedJob("echo", value, value);
            }
        };
    }

    private static PlannedJob sleep(int millis) {
        return new PlannedJob("sleep", "{\"ms\":" + millis + "}", "{\"slept_ms\":" + millis + "}");
    }

    private static String sha256(String text) {
        try {
            return HexFormat.of()
                    .formatHex(MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    /** What the client sends. */
    String body() {
        return jobs().stream()
                .map(job -> "{\"kind\":\"" + job.kind() + "\",\"input\":" + job.input() + "}")
                .collect(Collectors.joining(",", "{\"name\":\"" + key + "\",\"jobs\":[", "]" + then() + "}"));
    }

    private String then() {
        return followed ? ",\"then\":[{\"kind\":\"echo\",\"input\":{\"after\":\"" + key + "\"}}]" : "";
    }

    /** What the client sends as a job a line; the name is a parameter then. */
    String lines() {
        return jobs().stream()
                .map(job -> "{\"kind\":\"" + job.kind() + "\",\"input\":" + job.input() + "}\n")
                .collect(Collectors.joining());
    }

    /** N results for N jobs, each done as it should be and begun before that moment, or cancelled; counts that sum. */
    void assertStopped(JsonNode batch, List<String> results, Instant begunBefore) {
        assertThat(results).as("results of %s", key).hasSize(size);
        List<PlannedJob> jobs = jobs();
        int cancelled = 0;
        for (int index = 0; index < size; index++) {
            JsonNode result = ServiceProcess.JSON.readTree(results.get(index));
            assertThat(result.get("index").asInt()).as("%s: %s", key, result).isEqualTo(index);
            if (result.get("state").asString().equals("cancelled")) {
                cancelled++;
            } else {
                assertThat(results.get(index))
                        .as(key)
                        .contains("\"state\":\"succeeded\",\"output\":"
                                + jobs.get(index).output());
                assertThat(Instant.parse(result.get("started_at").asString()))
                        .as("%s: %s", key, result)
                        .isBefore(begunBefore);
            }
        }
        JsonNode counts = batch.get("counts");
        assertThat(counts.get("total").asInt()).as("%s", batch).isEqualTo(size);
        assertThat(counts.get("cancelled").asInt()).as("%s", batch).isEqualTo(cancelled);
        assertThat(counts.get("succeeded").asInt()).as("%s", batch).isEqualTo(size - cancelled);
        assertThat(batch.get("outcome").asString())
                .as("%s", batch)
                .isEqualTo(cancelled > 0 ? "cancelled" : "succeeded");
    }

    /** The one job of the batch that follows it got what had come of it. */
    void assertFollowedBy(JsonNode follower, List<String> results, JsonNode batch) {
        assertThat(follower.get("outcome").asString()).as("%s", follower).isEqualTo("succeeded");
        assertThat(results).as("results of %s, after %s", follower, key).hasSize(1);
        JsonNode input = ServiceProcess.JSON.readTree(results.get(0)).get("output");
        assertThat(input.get("after").asString()).isEqualTo(key);
        assertThat(input.at("/batch/id")).isEqualTo(batch.get("id"));
        assertThat(input.at("/batch/outcome")).isEqualTo(batch.get("outcome"));
        assertThat(input.at("/batch/counts")).isEqualTo(batch.get("counts"));
        assertThat(input.at("/batch/ended_at")).isEqualTo(batch.get("ended_at"));
    }

    /** N results for N jobs, each once, numbered without a gap, with the right output, and counts that sum. */
    void assertComplete(JsonNode batch, List<String> results) {
        assertThat(batch.get("outcome").asString()).as("%s", batch).isEqualTo("succeeded");
        JsonNode counts = batch.get("counts");
        assertThat(counts.get("total").asInt()).as("%s", batch).isEqualTo(size);
        assertThat(counts.get("succeeded").asInt()).as("%s", batch).isEqualTo(size);
        List<PlannedJob> jobs = jobs();
        assertThat(results).as("results of %s", key).hasSize(size);
        List<Integer> seqs = new ArrayList<>();
        for (int index = 0; index < size; index++) {
            PlannedJob job = jobs.get(index);
            String line = results.get(index);
            JsonNode result = ServiceProcess.JSON.readTree(line);
            assertThat(result.get("index").asInt()).as("%s: %s", key, line).isEqualTo(index);
            assertThat(line)
                    .as(key)
                    .contains("\"kind\":\"" + job.kind() + "\",\"state\":\"succeeded\",\"output\":" + job.output()
                            + ",\"attempts\":1,");
            seqs.add(result.get("seq").asInt());
        }
        assertThat(seqs)
                .as("seq of %s", key)
                .containsExactlyInAnyOrderElementsOf(
                        IntStream.rangeClosed(1, size).boxed().toList());
    }
}
