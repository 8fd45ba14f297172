package io.conveyor.bench;

import java.io.IOException;
import java.util.Collections;

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
     * Large batches, one after the other on each connection.
     *
     * @return jobs a second, from the first byte sent to the end of the last batch
     */
    static double large(int port, int connections, int batches, int jobs) throws Exception {
        byte[] submission = echo(jobs, "");
        long begin = System.nanoTime();
        ClosedLoop.onEach(connections, number -> {
            try (HttpConnection connection = new HttpConnection(port)) {
                for (int batch = 0; batch < batches; batch++) {
                    runToEnd(connection, submission);
                }
            }
            return number;
        });
        return (double) connections * batches * jobs * 1e9 / (System.nanoTime() - begin);
    }

    /**
     * Batches that nobody waits for, on each connection, and then the end of them all.
     *
     * @return jobs a second, from the first byte sent to the end of the last batch
     */
    static double unattended(int port, int connections, int batches, int jobs) throws Exception {
        byte[] submission = echo(jobs, "respond-async");
        long begin = System.nanoTime();
        ClosedLoop.onEach(connections, number -> {
            try (HttpConnection connection = new HttpConnection(port)) {
                for (int batch = 0; batch < batches; batch++) {
                    connection.expect(202, submission);
                }
                awaitEnd(connection, connection.header("location"));
            }
            return number;
        });
        try (HttpConnection connection = new HttpConnection(port)) {
            byte[] running = HttpConnection.get(PATH + "?state=running&limit=1");
            String left = connection.expect(200, running);
            while (!left.contains("\"items\":[]")) {
                left = connection.expect(200, running);
            }
        }
        return (double) connections * batches * jobs * 1e9 / (System.nanoTime() - begin);
    }
}
