package io.conveyor.service;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Resident processes and the service around them: never more than slots, and none is left when it has ended. */
final class ResidentIT {

    private static final int SLOTS = 3;

    @TempDir
    private Path directory;

    @Test
    void thereAreNoMoreProcessesThanSlotsAndTheyEndWithTheService() throws Exception {
        try (ServiceProcess service = start()) {
            runJobs(service);

            assertThat(pids()).hasSizeBetween(1, SLOTS);
            assertThat(service.terminate()).isEqualTo(ServiceProcess.TERMINATED);
            assertThat(service.trouble()).isEmpty();
            assertThat(service.log()).contains("Command it [" + pids().get(0) + "]: here");
        }
        assertGone();
    }

    @Test
    void afterAKillTheyComeToTheEndOfTheirInput() throws Exception {
        try (ServiceProcess service = start()) {
            runJobs(service);
            service.killHard();
        }
        assertGone();
    }

    private ServiceProcess start() throws IOException {
        Files.writeString(directory.resolve("it.sh"), "echo $$ >>pids; echo here >&2; exec cat\n");
        return ServiceProcess.start(
                directory,
                "--conveyor.pool.workers=" + (SLOTS - 1),
                "--conveyor.pool.caller-runs=1",
                "--conveyor.commands.it.program=sh",
                "--conveyor.commands.it.args=it.sh",
                "--conveyor.commands.it.mode=resident");
    }

    private static void runJobs(ServiceProcess service) throws IOException, InterruptedException {
        String jobs = IntStream.range(0, 2000)
                .mapToObj(n -> "{\"kind\":\"command\",\"input\":{\"command\":\"it\",\"stdin\":" + n + "}}")
                .collect(Collectors.joining(",", "[", "]"));
        String id = service.submit(jobs);

        assertThat(service.awaitEnd(id).get("outcome").asString()).isEqualTo("succeeded");
        List<String> results = service.results(id);
        for (int n = 0; n < results.size(); n++) {
            assertThat(results.get(n)).contains("\"output\":" + n + ",");
        }
    }

    private List<Long> pids() throws IOException {
        return Files.readAllLines(directory.resolve("pids")).stream()
                .map(Long::valueOf)
                .toList();
    }

    private void assertGone() throws Exception {
        for (long pid : pids()) {
            ProcessHandle left = ProcessHandle.of(pid).orElse(null);
            if (left != null) {
                left.onExit().get(ServiceProcess.LONG.toSeconds(), TimeUnit.SECONDS);
            }
        }
    }
}
