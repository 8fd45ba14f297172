package io.conveyor.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** SIGTERM under load: running jobs finish, waiting ones wait for the next start, and clients get answers until then. */
final class DrainIT {

    private static final String[] CREW = {"--conveyor.pool.workers=2", "--conveyor.pool.caller-runs=2"};
    private static final int CLIENTS = 4;
    private static final String ECHO = "[{\"kind\":\"echo\",\"input\":1},{\"kind\":\"echo\",\"input\":2}]";

    @TempDir
    private Path directory;

    @Test
    void clientsAreServedWhileRunningJobsDrain() throws IOException, InterruptedException {
        Path gate = directory.resolve("gate");
        Path program = Files.writeString(directory.resolve("program"), """
                until [ -e "$GATE" ]; do sleep 0.1; done
                echo '"through"'
                """);
        ServiceProcess first = ServiceProcess.start(
                directory,
                with(
                        "--conveyor.drain=180s",
                        "--conveyor.job.timeout=180s",
                        "--conveyor.commands.gated.program=/bin/sh",
                        "--conveyor.commands.gated.args[0]=" + program,
                        "--conveyor.commands.gated.timeout=180s",
                        "--conveyor.commands.gated.env.GATE=" + gate));
        try (first) {
            String done = first.submit(ECHO);
            first.awaitEnd(done);
            List<String> doneResults = first.results(done);
            String running = first.submit(batch(2, "{\"kind\":\"command\",\"input\":{\"command\":\"gated\"}}"));
            awaitActive(first, 2);
            String waiting = first.submit(batch(5, "{\"kind\":\"sleep\",\"input\":{\"ms\":1}}"));
            Clients clients = new Clients(first);
            clients.start();

            first.signal("TERM");
            await().atMost(ServiceProcess.LONG).until(() -> first.get("/readyz").statusCode() == 503);

            HttpResponse<String> refused = first.post(ECHO);
            assertThat(refused.statusCode()).isEqualTo(503);
            assertThat(refused.headers().firstValue("Content-Type")).contains("application/problem+json");
            assertThat(refused.headers().firstValueAsLong("Retry-After")).isPresent();
            assertThat(ServiceProcess.JSON.readTree(refused.body()).get("type").asString())
                    .isEqualTo("/problems/draining");
            assertThat(first.get("/livez").statusCode()).isEqualTo(200);
            assertThat(first.results(done)).isEqualTo(doneResults);
            assertThat(first.results(waiting)).isEmpty();
            JsonNode drained = ServiceProcess.JSON.readTree(
                    first.get("/v1/batches/" + running).body());
            assertThat(drained.get("counts").get("running").asInt())
                    .as("these answers came while jobs drained: %s", drained)
                    .isEqualTo(2);

            Files.createFile(gate);
            assertThat(first.awaitExit()).isEqualTo(ServiceProcess.TERMINATED);
            Instant stopped = Instant.now();
            clients.join();
            assertOneStopLine(first, "2 running jobs finished, 0 were interrupted");

            try (ServiceProcess second = first.respawn().awaitReady()) {
                for (String line : second.results(running)) {
                    String endedAt =
                            ServiceProcess.JSON.readTree(line).get("ended_at").asString();
                    assertThat(Instant.parse(endedAt)).isBefore(stopped);
                }
                assertSucceeded(second, running, 2);
                assertSucceeded(second, waiting, 5);
                for (String id : clients.accepted) {
                    assertSucceeded(second, id, 2);
                }
                assertThat(second.results(done)).isEqualTo(doneResults);
                assertThat(second.terminate()).isEqualTo(ServiceProcess.TERMINATED);
                assertThat(second.trouble()).isEmpty();
            }
        }
    }

    /** The program tells whether it has begun before: the first time it would outlast every drain. */
    @Test
    void aJobLongerThanTheDrainRunsAgainAndASecondSignalChangesNothing() throws IOException, InterruptedException {
        Path ledger = directory.resolve("ledger");
        Path program = Files.writeString(directory.resolve("program"), """
                echo begin >>"$LEDGER"
                if [ "$(wc -l <"$LEDGER")" -eq 1 ]; then sleep 300; fi
                echo '"done"'
                """);
        ServiceProcess first = ServiceProcess.start(
                directory,
                with(
                        "--conveyor.drain=3s",
                        "--conveyor.job.timeout=300s",
                        "--conveyor.commands.once.program=/bin/sh",
                        "--conveyor.commands.once.args[0]=" + program,
                        "--conveyor.commands.once.timeout=300s",
                        "--conveyor.commands.once.env.LEDGER=" + ledger));
        try (first) {
            String id = first.submit("[{\"kind\":\"command\",\"input\":{\"command\":\"once\"}}]");
            await().atMost(ServiceProcess.LONG).until(() -> Files.exists(ledger) && Files.size(ledger) > 0);

            first.signal("TERM");
            await().atMost(ServiceProcess.LONG).until(() -> first.get("/readyz").statusCode() == 503);
            first.signal("TERM");
            assertThat(first.get("/livez").statusCode())
                    .as("the drain goes on after the second signal")
                    .isEqualTo(200);
            assertThat(first.awaitExit()).isEqualTo(ServiceProcess.TERMINATED);
            assertOneStopLine(first, "0 running jobs finished, 1 were interrupted");
            assertThat(ledger).content().isEqualTo("begin\n");

            try (ServiceProcess second = first.respawn().awaitReady()) {
                assertSucceeded(second, id, 1);
                assertThat(second.results(id).get(0)).contains("\"output\":\"done\"");
                assertThat(ledger).content().isEqualTo("begin\nbegin\n");
                assertThat(second.terminate()).isEqualTo(ServiceProcess.TERMINATED);
            }
        }
    }

    private static String[] with(String... options) {
        List<String> all = new ArrayList<>(List.of(CREW));
        all.addAll(List.of(options));
        return all.toArray(String[]::new);
    }

    private static String batch(int jobs, String job) {
        return Collections.nCopies(jobs, job).toString();
    }

    private static void awaitActive(ServiceProcess service, int jobs) {
        await().atMost(ServiceProcess.LONG)
                .until(() -> ServiceProcess.JSON
                                .readTree(service.get("/actuator/workerpool").body())
                                .get("active")
                                .asInt()
                        == jobs);
    }

    private static void assertSucceeded(ServiceProcess service, String id, int jobs)
            throws IOException, InterruptedException {
        JsonNode batch = service.awaitEnd(id);
        assertThat(batch.get("outcome").asString()).as("%s", batch).isEqualTo("succeeded");
        assertThat(service.results(id)).as(id).hasSize(jobs);
    }

    private static void assertOneStopLine(ServiceProcess service, String what) {
        assertThat(service.trouble()).isEmpty();
        assertThat(service.log().lines().filter(line -> line.contains("Conveyor stopped")))
                .hasSize(1)
                .allSatisfy(line -> assertThat(line).contains(what));
    }

    /** Clients that post one batch after the other until they are refused; they know no other answers. */
    private static final class Clients {

        private final Queue<String> accepted = new ConcurrentLinkedQueue<>();
        private final Queue<Throwable> failures = new ConcurrentLinkedQueue<>();
        private final ServiceProcess service;
        private final List<Thread> threads;

        Clients(ServiceProcess service) {
            this.service = service;
            threads = IntStream.rangeClosed(1, CLIENTS)
                    .mapToObj(n -> new Thread(this::post, "client-" + n))
                    .toList();
        }

        /** Returns when they have been at it for a while. */
        void start() {
            threads.forEach(Thread::start);
            await().atMost(ServiceProcess.LONG).until(() -> accepted.size() >= CLIENTS || !failures.isEmpty());
        }

        private void post() {
            try {
                HttpResponse<String> answer = service.post(ECHO);
                while (answer.statusCode() == 202) {
                    accepted.add(ServiceProcess.JSON
                            .readTree(answer.body())
                            .get("id")
                            .asString());
                    answer = service.post(ECHO);
                }
                assertThat(answer.statusCode()).as(answer.body()).isEqualTo(503);
                assertThat(answer.body()).contains("/problems/draining");
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            } catch (IOException | RuntimeException | AssertionError e) {
                failures.add(e);
            }
        }

        void join() throws InterruptedException {
            for (Thread thread : threads) {
                thread.join();
            }
            assertThat(failures).isEmpty();
        }
    }
}
