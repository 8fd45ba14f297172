package io.conveyor.bench;

import java.io.IOException;
import java.time.Instant;
import java.util.concurrent.TimeUnit;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Jobs that only wait, on a crew of fixed size: how near it comes to {@code workers / time of a job} (Little's law), and
 * whether the utilisation that the service tells is the one that its results add up to.
 */
final class SleepLoad {

    static final int WORKERS = 16;
    private static final int SLEEP_MILLIS = 10;
    private static final int LIMIT = WORKERS * 1000 / SLEEP_MILLIS;

    /** Seconds that the service looks back; what it calls 10 s may begin up to one second earlier. */
    private static final int WINDOW_SECONDS = 10;

    /** When the service is asked, and how long the batch takes at the limit. */
    private static final int ASK_SECONDS = WINDOW_SECONDS + 2;

    private static final int BATCH_SECONDS = ASK_SECONDS + 2;

    private SleepLoad() {}

    /**
     * What one batch showed.
     *
     * @param share of Little's limit, from the first byte sent to the end of the batch
     * @param told utilisation of the last 10 s, as the service tells it
     * @param real the same, added up from the results
     */
    record Result(double share, double told, double real) {}

    static void warmUp(int port) throws IOException {
        try (HttpConnection connection = new HttpConnection(port)) {
            Batches.runToEnd(connection, Batches.sleep(LIMIT, SLEEP_MILLIS, "respond-async"));
        }
    }

    static Result run(int port) throws IOException {
        int jobs = LIMIT * BATCH_SECONDS;
        byte[] submission = Batches.sleep(jobs, SLEEP_MILLIS, "respond-async");
        try (HttpConnection connection = new HttpConnection(port)) {
            long begin = System.nanoTime();
            connection.expect(202, submission);
            String batch = connection.header("location");
            connection.expect(200, HttpConnection.get(batch + "?wait=" + ASK_SECONDS)); // it runs for longer
            String report = connection.expect(200, HttpConnection.get("/actuator/workerpool"));
            long asked = System.currentTimeMillis();
            Batches.awaitEnd(connection, batch);
            double perSecond = jobs * 1e9 / (System.nanoTime() - begin);
            String results = connection.expect(200, HttpConnection.get(batch + "/results"));
            return new Result(
                    perSecond / LIMIT,
                    JsonMapper.shared().readTree(report).get("utilisation_10s").asDouble(),
                    busyMillis(results, asked) / (WORKERS * WINDOW_SECONDS * 1000.0));
        }
    }

    /** Time that jobs ran in the window before {@code asked}, over all workers. */
    private static long busyMillis(String results, long asked) {
        long from = asked - TimeUnit.SECONDS.toMillis(WINDOW_SECONDS);
        return results.lines()
                .map(line -> JsonMapper.shared().readTree(line))
                .mapToLong(result -> Math.max(
                        0, Math.min(time(result, "ended_at"), asked) - Math.max(time(result, "started_at"), from)))
                .sum();
    }

    private static long time(JsonNode result, String field) {
        return Instant.parse(result.get(field).asString()).toEpochMilli();
    }
}
