package io.conveyor.service;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** Law 1, counted twice: by the times in the results, and by the jobs themselves. */
final class BoundedIT {

    private static final int WORKERS = 4;
    private static final int CALLERS = 2;
    private static final int CLIENTS = 60;

    /** Jobs of a batch: more than the crew and its queue take at once, so that callers run some themselves. */
    private static final int SLEEPERS = 12;

    private static final int MILLIS = 30;

    @TempDir
    private Path directory;

    @Test
    void neverMoreThanWorkersAndPermitsRunAtOnce() throws IOException, InterruptedException {
        Path ledger = directory.resolve("ledger");
        // A line of two bytes that is appended at once needs no lock: O_APPEND puts them one after the other.
        Path program = Files.writeString(directory.resolve("program"), """
                echo B >>"$LEDGER"
                sleep 0.05
                echo E >>"$LEDGER"
                """);
        String[] options = {
            "--conveyor.pool.workers=" + WORKERS,
            "--conveyor.pool.caller-runs=" + CALLERS,
            "--conveyor.pool.queue-capacity=4",
            "--conveyor.commands.ledger.program=/bin/sh",
            "--conveyor.commands.ledger.args[0]=" + program,
            "--conveyor.commands.ledger.env.LEDGER=" + ledger
        };
        try (ServiceProcess service = ServiceProcess.start(directory, options)) {
            long begin = System.nanoTime();
            List<JsonNode> results = flood(service);
            Duration wall = Duration.ofNanos(System.nanoTime() - begin);

            List<String> marks = Files.readAllLines(ledger);
            int byTimes = atOnce(results);
            int byJobs = mostOpen(marks.stream().map(mark -> mark.equals("B") ? 1 : -1));
            long ideal = results.stream()
                            .mapToLong(result -> result.get("duration_ms").asLong())
                            .sum()
                    / (WORKERS + CALLERS);
            List<String> runners = results.stream()
                    .map(result -> result.get("worker").asString())
                    .toList();
            long byCallers = runners.stream().filter(name -> !isWorker(name)).count();
            System.out.printf(
                    "%d jobs of %d clients, %d run by callers: at most %d at once by the times, %d by the jobs themselves (%d of them);"
                            + " %d ms, and at least %d ms with %d at once%n",
                    results.size(),
                    CLIENTS,
                    byCallers,
                    byTimes,
                    byJobs,
                    marks.size() / 2,
                    wall.toMillis(),
                    ideal,
                    WORKERS + CALLERS);
            assertThat(results).hasSize(CLIENTS * (SLEEPERS + 1));
            assertThat(byTimes).isBetween(2, WORKERS + CALLERS);
            assertThat(marks).hasSize(2 * CLIENTS);
            assertThat(byJobs).isBetween(1, WORKERS + CALLERS);
            assertThat(runners.stream().filter(BoundedIT::isWorker).distinct()).hasSizeLessThanOrEqualTo(WORKERS);
            assertThat(byCallers).as("jobs that callers ran themselves").isPositive();
            assertThat(service.terminate()).isEqualTo(ServiceProcess.TERMINATED);
            assertThat(service.trouble()).isEmpty();
        }
    }

    /** All clients post at the same time; every result of every batch. */
    private static List<JsonNode> flood(ServiceProcess service) throws IOException, InterruptedException {
        String sleeper = "{\"kind\":\"sleep\",\"input\":{\"ms\":" + MILLIS + "}}";
        String jobs = Stream.concat(
                        IntStream.range(0, SLEEPERS).mapToObj(n -> sleeper),
                        Stream.of("{\"kind\":\"command\",\"input\":{\"command\":\"ledger\"}}"))
                .collect(Collectors.joining(",", "[", "]"));
        Queue<String> ids = new ConcurrentLinkedQueue<>();
        Queue<Throwable> failures = new ConcurrentLinkedQueue<>();
        CountDownLatch all = new CountDownLatch(CLIENTS);
        Runnable client = () -> {
            try {
                all.countDown();
                all.await();
                ids.add(ServiceProcess.JSON
                        .readTree(service.post(jobs).body())
                        .get("id")
                        .asString());
            } catch (IOException | InterruptedException | RuntimeException e) {
                failures.add(e);
            }
        };
        List<Thread> clients = IntStream.rangeClosed(1, CLIENTS)
                .mapToObj(n -> new Thread(client, "client-" + n))
                .toList();
        clients.forEach(Thread::start);
        for (Thread thread : clients) {
            thread.join();
        }
        assertThat(failures).isEmpty();
        assertThat(new HashSet<>(ids)).hasSize(CLIENTS);
        List<JsonNode> results = new ArrayList<>();
        for (String id : ids) {
            String outcome = service.awaitEnd(id).get("outcome").asString();
            assertThat(outcome).as("%s", service.results(id)).isEqualTo("succeeded");
            service.results(id).forEach(line -> results.add(ServiceProcess.JSON.readTree(line)));
        }
        return results;
    }

    /** An end or a begin of a job; times have milliseconds. */
    private record Mark(Instant at, int step) {}

    /**
     * At the same millisecond ends come first: one thread may well end a job and begin the next within it. So the answer
     * may be too small where jobs touch, and never too large.
     */
    private static int atOnce(List<JsonNode> results) {
        return mostOpen(results.stream()
                .flatMap(result -> Stream.of(
                        new Mark(Instant.parse(result.get("started_at").asString()), 1),
                        new Mark(Instant.parse(result.get("ended_at").asString()), -1)))
                .sorted(Comparator.comparing(Mark::at).thenComparingInt(Mark::step))
                .map(Mark::step));
    }

    private static int mostOpen(Stream<Integer> steps) {
        int open = 0;
        int most = 0;
        for (int step : steps.toList()) {
            open += step;
            most = Math.max(most, open);
        }
        return most;
    }

    private static boolean isWorker(String name) {
        return name.startsWith("conveyor-worker-");
    }
}
