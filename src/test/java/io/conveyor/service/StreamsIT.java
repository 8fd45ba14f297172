package io.conveyor.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** A thousand streams out of a small heap, half of which nobody reads; and streams that are taken up again and again. */
final class StreamsIT {

    private static final List<String> SMALL_HEAP = List.of("-Xmx96m", ServiceProcess.BEST_COMPILER);
    private static final int LINES = 20_000;
    private static final int FOLLOWERS = 500;
    private static final String NDJSON = "application/x-ndjson";
    private static final String EVENTS = "text/event-stream";

    @TempDir
    private Path directory;

    /** With jobs of kind {@code command} that wait for the file {@code gate}. */
    private ServiceProcess start() throws IOException {
        Path program = Files.writeString(directory.resolve("program"), """
                until [ -e "$GATE" ]; do sleep 0.1; done
                echo '"through"'
                """);
        List<String> options = List.of(
                "--conveyor.drain=1s",
                // So long would the web server wait at its stop for streams that are open: no test would outlast it.
                "--spring.lifecycle.timeout-per-shutdown-phase=1h",
                "--conveyor.job.timeout=600s",
                "--conveyor.commands.gated.program=/bin/sh",
                "--conveyor.commands.gated.args[0]=" + program,
                "--conveyor.commands.gated.timeout=600s",
                "--conveyor.commands.gated.env.GATE=" + gate());
        return ServiceProcess.spawn(directory, SMALL_HEAP, options).awaitReady();
    }

    private Path gate() {
        return directory.resolve("gate");
    }

    /** A batch whose last job waits at the gate; returns when all others are done. */
    private static void submitGated(ServiceProcess service, String id, int lines)
            throws IOException, InterruptedException {
        String body = IntStream.range(0, lines - 1)
                        .mapToObj(line -> "{\"kind\":\"echo\",\"input\":\"" + line + "-" + "x".repeat(190) + "\"}\n")
                        .collect(Collectors.joining())
                + "{\"kind\":\"command\",\"input\":{\"command\":\"gated\"}}\n";
        HttpRequest.Builder put = service.request("/v1/batches/" + id)
                .header("Content-Type", NDJSON)
                .PUT(BodyPublishers.ofString(body));
        HttpResponse<String> answer = service.send(put.header("Prefer", "respond-async"));
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(202);
        await().atMost(ServiceProcess.LONG)
                .until(() -> ServiceProcess.JSON
                                .readTree(service.get("/v1/batches/" + id).body())
                                .at("/counts/succeeded")
                                .asInt()
                        == lines - 1);
    }

    private static List<String> results(ServiceProcess service, String id, String order)
            throws IOException, InterruptedException {
        return service.get("/v1/batches/" + id + "/results?order=" + order)
                .body()
                .lines()
                .toList();
    }

    private static void assertNumbered(List<String> lines, String field, int first) {
        for (int n = 0; n < lines.size(); n++) {
            JsonNode result = ServiceProcess.JSON.readTree(lines.get(n));
            assertThat(result.get(field).asInt()).isEqualTo(first + n);
            assertThat(result.get("output").asString())
                    .isEqualTo(result.get("index").asInt() + "-" + "x".repeat(190));
        }
    }

    @Test
    void aThousandStreamsOfWhichHalfAreNeverReadLeaveTheServiceAtWork() throws IOException, InterruptedException {
        try (ServiceProcess service = start()) {
            submitGated(service, "wide", LINES);
            List<String> byIndex = results(service, "wide", "input");
            List<String> bySeq = results(service, "wide", "completion");
            assertThat(byIndex).hasSize(LINES - 1);
            assertThat(bySeq).hasSize(LINES - 1);
            assertNumbered(byIndex, "index", 0);
            assertNumbered(bySeq, "seq", 1);
            String path = "/v1/batches/wide";
            List<ManyReaders.Known> orders = List.of(
                    new ManyReaders.Known(path + "/results?follow=true", NDJSON, byIndex, false),
                    new ManyReaders.Known(path + "/results?follow=true&order=completion", NDJSON, bySeq, false),
                    new ManyReaders.Known(path + "/events", EVENTS, bySeq, true));
            long begin = System.nanoTime();
            try (Probe probe = new Probe(service);
                    ManyReaders readers = new ManyReaders(service.uri("/"), orders, LINES, FOLLOWERS)) {
                readers.open();
                readers.awaitCaughtUp();
                long read = System.nanoTime();
                await().atMost(ServiceProcess.LONG).until(() -> openStreams(service) == 2 * FOLLOWERS);
                Files.createFile(gate());
                readers.awaitEnded();
                service.awaitEnd("wide");
                probe.stop();
                await().atMost(ServiceProcess.LONG).until(() -> openStreams(service) == FOLLOWERS);

                long stop = System.nanoTime();
                assertThat(service.terminate()).isEqualTo(ServiceProcess.TERMINATED);
                Duration stopped = Duration.ofNanos(System.nanoTime() - stop);
                System.out.printf(
                        "%d followers read %d results each in %d ms, beside as many that read nothing; %d probes, the slowest"
                                + " took %d ms; stopped in %d ms%n",
                        FOLLOWERS,
                        LINES,
                        Duration.ofNanos(read - begin).toMillis(),
                        probe.count,
                        Duration.ofNanos(probe.slowest).toMillis(),
                        stopped.toMillis());
            }
            assertThat(service.log()).doesNotContain("OutOfMemoryError");
            assertThat(service.trouble()).isEmpty();
        }
    }

    private static int openStreams(ServiceProcess service) throws IOException, InterruptedException {
        return service.get("/actuator/prometheus")
                .body()
                .lines()
                .filter(line -> line.startsWith("conveyor_streams{"))
                .mapToInt(line -> (int) Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
                .sum();
    }

    /** Asks whether the service is alive, over and over, on a thread of its own. */
    private static final class Probe implements AutoCloseable {

        private final AtomicBoolean stopping = new AtomicBoolean();
        private final Queue<String> failures = new ConcurrentLinkedQueue<>();
        private final Thread thread;

        // Written by the thread, read after its end
        private int count;
        private long slowest;

        Probe(ServiceProcess service) {
            thread = new Thread(() -> ask(service), "probe");
            thread.start();
        }

        private void ask(ServiceProcess service) {
            try {
                while (!stopping.get() && failures.isEmpty()) {
                    long begin = System.nanoTime();
                    int status = service.get("/livez").statusCode();
                    if (status != 200) {
                        failures.add("status " + status);
                    }
                    count++;
                    slowest = Math.max(slowest, System.nanoTime() - begin);
                }
            } catch (IOException | InterruptedException e) {
                failures.add(e.toString());
            }
        }

        void stop() throws InterruptedException {
            close();
            thread.join();
            assertThat(failures).isEmpty();
            assertThat(count).isPositive();
        }

        @Override
        public void close() {
            stopping.set(true);
        }
    }

    @Test
    void streamsThatBreakAreTakenUpWithoutGapOrDouble() throws IOException, InterruptedException {
        int lines = 5000;
        SplittableRandom random = new SplittableRandom(5);
        try (ServiceProcess service = start()) {
            submitGated(service, "taken-up", lines);
            List<String> byIndex = results(service, "taken-up", "input");
            List<String> bySeq = results(service, "taken-up", "completion");
            assertNumbered(byIndex, "index", 0);
            assertNumbered(bySeq, "seq", 1);

            assertThat(inPieces(service, "/results?follow=true", NDJSON, byIndex, random))
                    .isEqualTo(byIndex);
            assertThat(inPieces(service, "/results?follow=true&order=completion", NDJSON, bySeq, random))
                    .isEqualTo(bySeq);
            assertThat(inPieces(service, "/events", EVENTS, bySeq, random)).isEqualTo(bySeq);
            Files.createFile(gate());
            service.awaitEnd("taken-up");
        }
    }

    /** Reads in pieces of random length; each connection is left in the middle of the stream. */
    private static List<String> inPieces(
            ServiceProcess service, String query, String accept, List<String> all, SplittableRandom random)
            throws IOException, InterruptedException {
        List<String> pieces = new ArrayList<>();
        int last = 0;
        while (pieces.size() < all.size()) {
            boolean events = accept.equals(EVENTS);
            HttpRequest.Builder request = service.request(
                            "/v1/batches/taken-up" + query + (events || pieces.isEmpty() ? "" : "&after=" + last))
                    .header("Accept", accept);
            if (events && !pieces.isEmpty()) {
                request.header("Last-Event-ID", String.valueOf(last));
            }
            int wanted = Math.min(all.size() - pieces.size(), random.nextInt(1, 700));
            HttpResponse<InputStream> answer = service.send(request, BodyHandlers.ofInputStream());
            assertThat(answer.statusCode()).isEqualTo(200);
            try (BufferedReader reader =
                    new BufferedReader(new InputStreamReader(answer.body(), StandardCharsets.UTF_8))) {
                while (wanted > 0) {
                    String line = reader.readLine();
                    assertThat(line).as("the stream goes on").isNotNull();
                    if (events && line.startsWith("id: ")) {
                        last = Integer.parseInt(line.substring(4));
                    } else if (!events || line.startsWith("data: {\"index\":")) {
                        pieces.add(events ? line.substring(6) : line);
                        wanted--;
                    }
                }
            }
            last = events ? last : last(pieces, query);
        }
        return pieces;
    }

    private static int last(List<String> pieces, String query) {
        return ServiceProcess.JSON
                .readTree(pieces.get(pieces.size() - 1))
                .get(query.contains("completion") ? "seq" : "index")
                .asInt();
    }
}
