package io.conveyor.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;

/** One batch of very many lines: uploaded as {@code curl -T} does, run, and read back in both orders. */
final class StreamLoad {

    private static final byte[] LINE =
            "{\"kind\":\"echo\",\"input\":{\"n\":1234567,\"text\":\"a line\"}}\n".getBytes(StandardCharsets.US_ASCII);

    private final Settings settings;
    private final Figures figures;
    private final int lines;
    private final byte[] body;

    StreamLoad(Settings settings, Figures figures) {
        this.settings = settings;
        this.figures = figures;
        lines = settings.quick() ? 200_000 : 1_000_000;
        body = new byte[lines * LINE.length];
        for (int at = 0; at < body.length; at += LINE.length) {
            System.arraycopy(LINE, 0, body, at, LINE.length);
        }
    }

    /** On a service and an echo of its own, so that the figures of memory are those of streams. */
    void measure() throws Exception {
        byte[] first = HttpConnection.post("/echo", "", "{\"kind\":\"echo\",\"input\":12345}");
        try (ServerProcess service = ServerProcess.conveyor(settings, Batches.echo(1, "wait=10"));
                ServerProcess echo = ServerProcess.echo(settings, first)) {
            run(service, echo, "warm-up", new Figures());
            run(service, echo, "warm-up-2", new Figures());
            for (int run = 0; run < settings.runs(); run++) {
                run(service, echo, "stream-" + run, figures);
            }
            figures.add("streams: RSS at most, MiB", service.memory("VmHWM"));
        }
    }

    private void run(ServerProcess service, ServerProcess echo, String id, Figures to) throws Exception {
        String batch = Batches.PATH + "/" + id;
        try (HttpConnection connection = new HttpConnection(service.port());
                HttpConnection bare = new HttpConnection(echo.port())) {
            double limit = lines * 1e9 / nanos(() -> bare.expect(200, HttpConnection.post("/lines", body)));
            double cpu = service.cpuMicros();
            long begin = System.nanoTime();
            connection.expect(202, HttpConnection.put(batch, body));
            double accepted = (System.nanoTime() - begin) / 1e9;
            Batches.awaitEnd(connection, batch);
            double rate = lines * 1e9 / (System.nanoTime() - begin);
            cpu = (service.cpuMicros() - cpu) / lines;
            String name = "one upload of " + lines + " lines";
            to.add(name + ", to the answer, s", accepted);
            to.add(name + ", to the last outcome, jobs/s", rate);
            to.add(name + ", CPU a job, µs", cpu);
            to.add("limit: bare reading of the same body, lines/s", limit);
            for (String order : new String[] {"input", "completion"}) {
                read(connection, bare, batch, order, to);
            }
            connection.expect(204, HttpConnection.delete(batch));
        }
    }

    private void read(HttpConnection connection, HttpConnection bare, String batch, String order, Figures to)
            throws Exception {
        byte[] request = HttpConnection.get(batch + "/results?order=" + order);
        long[] counts = new long[2];
        double rate =
                lines * 1e9 / nanos(() -> System.arraycopy(connection.drain(request), 0, counts, 0, counts.length));
        if (counts[1] != lines) {
            throw new IOException("There are " + counts[1] + " results of " + lines);
        }
        double limit = lines * 1e9 / nanos(() -> bare.drain(HttpConnection.get("/bytes/" + counts[0])));
        to.add("results, " + order + " order, lines/s", rate);
        to.add("limit: bare writing of as many bytes, lines/s", limit);
        to.add("results, " + order + " order / bare writing", rate / limit);
    }

    private interface Work {
        void run() throws IOException;
    }

    private static double nanos(Work work) throws IOException {
        long begin = System.nanoTime();
        work.run();
        return System.nanoTime() - begin;
    }
}
