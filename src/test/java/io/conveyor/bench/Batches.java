package io.conveyor.bench;

import java.io.IOException;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Requests that submit batches, and loads made of them. */
final class Batches {

    static final String PATH = "/v1/batches";
    private static final String ECHO = "{\"kind\":\"echo\",\"input\":12345}";

    /** For the end of a batch, asked for with {@code wait}. */
    private static final String ENDED = "\"state\":\"ended\"";

    private Batches() {}

    static byte[] echo(int jobs, String preference) {
        return submission(ECHO, jobs, preference);
    }

    static byte[] sleep(int jobs, long millis, String preference) {
        return submission("{\"kind\":\"sleep\",\"input\":{\"ms\":" + millis + "}}", jobs, preference);
    }

    private static byte[] submission(String job, int jobs, String preference) {
        String header = preference.isEmpty() ? "" : "Prefer: " + preference + "\r\n";
        return HttpConnection.post(PATH, header, "[" + String.join(",", Collections.nCopies(jobs, job)) + "]");
    }

    /** Submits and waits for the end. */
    static void runToEnd(HttpConnection connection, byte[] submission) throws IOException {
        connection.expect(202, submission);
        awaitEnd(connection, connection.header("location"));
    }

    static void awaitEnd(HttpConnection connection, String location) throws IOException {
        byte[] poll = HttpConnection.get(location + "?wait=60");
        for (String batch = connection.expect(200, poll); !batch.contains(ENDED); ) {
            batch = connection.expect(200, poll);
        }
    }

    /**
     * Batches one after the other on each connection, each to its end; a new one begins until the time is up.
     *
     * @return jobs a second, from the first byte sent to the end of the last batch
     */
    static double toTheEnd(int port, int connections, int jobs, long millis) throws Exception {
        byte[] submission = echo(jobs, "");
        return rate(port, connections, jobs, millis, connection -> runToEnd(connection, submission));
    }

    /**
     * Batches that nobody waits for, on each connection until the time is up, and then the end of them all.
     *
     * @return jobs a second, from the first byte sent to the end of the last batch
     */
    static double unattended(int port, int connections, int jobs, long millis) throws Exception {
        byte[] submission = echo(jobs, "respond-async");
        return rate(port, connections, jobs, millis, connection -> connection.expect(202, submission));
    }

    /** One batch after another on one connection. */
    private interface Round {
        void run(HttpConnection connection) throws IOException;
    }

    private static double rate(int port, int connections, int jobs, long millis, Round round) throws Exception {
        long begin = System.nanoTime();
        long deadline = begin + TimeUnit.MILLISECONDS.toNanos(millis);
        List<Long> batches = ClosedLoop.onEach(connections, number -> {
            long count = 0;
            try (HttpConnection connection = new HttpConnection(port)) {
                while (System.nanoTime() < deadline) {
                    round.run(connection);
                    count++;
                }
            }
            return count;
        });
        awaitIdle(port);
        double all = batches.stream().mapToLong(Long::longValue).sum();
        return all * jobs * 1e9 / (System.nanoTime() - begin);
    }

    private static void awaitIdle(int port) throws IOException {
        byte[] running = HttpConnection.get(PATH + "?state=running&limit=1");
        try (HttpConnection connection = new HttpConnection(port)) {
            String left = connection.expect(200, running);
            while (!left.contains("\"items\":[]")) {
                String batch = left.replaceFirst("(?s).*\"self\":\"([^\"]*)\".*", "$1");
                awaitEnd(connection, batch);
                left = connection.expect(200, running);
            }
        }
    }
}
