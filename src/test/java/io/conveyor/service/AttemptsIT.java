package io.conveyor.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A job that waits for another attempt when the process is killed. */
final class AttemptsIT {

    @TempDir
    private Path directory;

    private String[] options(String longest, Path program) {
        return new String[] {
            "--conveyor.job.max-attempts=3",
            "--conveyor.job.backoff.first=" + longest,
            "--conveyor.job.backoff.longest=" + longest,
            "--conveyor.job.backoff.longest-retry-after=0s",
            "--conveyor.commands.moody.program=/bin/sh",
            "--conveyor.commands.moody.args[0]=" + program,
            "--conveyor.commands.moody.env.LEDGER=" + directory.resolve("ledger")
        };
    }

    /** Exit code 75 says: another time. The second process waits no longer than its own settings allow. */
    @Test
    void aKilledProcessLeavesTheCountToTheNext() throws IOException, InterruptedException {
        Path program = Files.writeString(directory.resolve("program"), """
                echo begin >>"$LEDGER"
                if [ "$(wc -l <"$LEDGER")" -eq 1 ]; then exit 75; fi
                echo '"done"'
                """);
        String id;
        try (ServiceProcess first = ServiceProcess.start(directory, options("1d", program))) {
            id = first.submit("[{\"kind\":\"command\",\"input\":{\"command\":\"moody\"}}]");
            await().atMost(ServiceProcess.LONG)
                    .until(() -> first.get("/actuator/prometheus").body().contains("conveyor_jobs_retrying 1.0"));
            assertThat(ServiceProcess.JSON
                            .readTree(first.get("/v1/batches/" + id).body())
                            .at("/counts/pending")
                            .asInt())
                    .isEqualTo(1);
            first.killHard();
        }
        try (ServiceProcess second = ServiceProcess.start(directory, options("1ms", program))) {
            second.awaitEnd(id);
            assertThat(second.results(id))
                    .singleElement()
                    .asString()
                    .contains("\"state\":\"succeeded\",\"output\":\"done\",\"attempts\":2,");
            assertThat(Files.readAllLines(directory.resolve("ledger"))).hasSize(2);
            second.terminate();
            assertThat(second.trouble()).isEmpty();
        }
    }
}
