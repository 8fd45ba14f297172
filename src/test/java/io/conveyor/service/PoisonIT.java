package io.conveyor.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.conveyor.handler.plugin.PluginJars;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Jobs that take the real service with them: given up after three crashes, and nothing else is lost by them. */
final class PoisonIT {

    /** Ends the process, without a word or with its memory; or waits a little. */
    private static final String WORK = """
            switch (new String(job.input())) {
                case "\\"halt\\"" -> Runtime.getRuntime().halt(3);
                case "\\"hog\\"" -> {
                    java.util.List<byte[]> all = new java.util.ArrayList<>();
                    while (true) {
                        all.add(new byte[1 << 20]);
                    }
                }
                default -> Thread.sleep(50);
            }
            return new JobOutput(job.input());""";

    private static final int HALT = 3;

    /** EX_SOFTWARE in sysexits. */
    private static final int OUT_OF_MEMORY = 70;

    @TempDir
    private Path directory;

    @BeforeEach
    void plugIn() throws IOException {
        PluginJars.make(
                Files.createDirectory(directory.resolve("plugins")).resolve("poison.jar"),
                List.of("demo.Work"),
                PluginJars.handler("Work", PluginJars.kind("work"), "", WORK));
    }

    /** One of each sort amid many others, with attempts to spare. */
    @Test
    void jobsThatEndTheProcessAreGivenUpAfterThreeCrashesAndAllOthersSucceed()
            throws IOException, InterruptedException {
        List<String> jobs = new ArrayList<>(Collections.nCopies(80, job("well")));
        jobs.set(17, job("halt"));
        jobs.set(54, job("hog"));
        List<String> options = List.of("--conveyor.job.max-attempts=50", "--conveyor.pool.workers=4");
        ServiceProcess service =
                ServiceProcess.spawn(directory, List.of("-Xmx96m"), options).awaitReady();
        int crashes = 0;
        try {
            String id = service.submit(jobs.toString());
            while (!endsIn(service, id)) {
                assertThat(service.awaitExit()).as(service.log()).isIn(HALT, OUT_OF_MEMORY);
                crashes++;
                assertThat(crashes).isLessThanOrEqualTo(6);
                service = service.respawn();
            }
            assertThat(crashes).as("crashes").isGreaterThanOrEqualTo(3);
            System.out.println("PoisonIT: " + crashes + " crashes by 2 jobs");
            List<String> results = new ArrayList<>(service.results(id));
            assertThat(results).hasSize(80);
            assertThat(List.of(results.remove(54), results.remove(17)))
                    .allSatisfy(line -> assertThat(line)
                            .contains("\"state\":\"failed\"", "/problems/job-abandoned", "\"crashes\":3"));
            assertThat(results).allSatisfy(line -> assertThat(line).contains("\"state\":\"succeeded\""));
            assertThat(service.terminate()).isEqualTo(ServiceProcess.TERMINATED);
        } finally {
            service.close();
        }
    }

    /** Whether the batch ends in this process; false when the process has ended before. */
    private static boolean endsIn(ServiceProcess service, String id) throws InterruptedException {
        await().atMost(ServiceProcess.LONG).until(() -> service.isReady() || !service.isAlive());
        while (service.isAlive()) {
            try {
                if (service.get("/v1/batches/" + id + "?wait=2").body().contains("\"state\":\"ended\"")) {
                    return true;
                }
            } catch (IOException e) {
                Thread.onSpinWait(); // it is ending
            }
        }
        return false;
    }

    private static String job(String input) {
        return "{\"kind\":\"work\",\"input\":\"%s\"}".formatted(input);
    }
}
