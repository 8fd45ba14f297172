package io.conveyor.monitor;

import static org.assertj.core.api.Assertions.assertThat;

import io.conveyor.belt.BeltProperties;
import io.conveyor.pool.WorkerPoolConfig;
import io.conveyor.store.StoreProperties;
import io.conveyor.store.TestStores;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.context.event.ApplicationReadyEvent;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import org.springframework.context.support.GenericApplicationContext;
import org.springframework.mock.env.MockEnvironment;
import org.springframework.util.unit.DataSize;

/** The line that says what runs. */
@ExtendWith(OutputCaptureExtension.class)
class StartLineTest {

    @Test
    void saysTheLimitsInForceInOneLineAndNoSecret(@TempDir Path directory, CapturedOutput log) throws Exception {
        try (TestStores.OpenStore open = TestStores.open(directory.resolve("line.db"));
                GenericApplicationContext context = new GenericApplicationContext()) {
            BeltProperties.Backoff backoff =
                    new BeltProperties.Backoff(Duration.ofSeconds(1), Duration.ofMinutes(5), Duration.ofHours(1));
            BeltProperties.RetryBudget budget = new BeltProperties.RetryBudget(20, 10);
            StartLine line = new StartLine(
                    new WorkerPoolConfig("test", 3, 20, 4096, 2),
                    new BeltProperties(
                            new BeltProperties.JobDefaults(
                                    Duration.ofSeconds(50), 1, Duration.ofSeconds(5), backoff, budget),
                            Duration.ofSeconds(9)),
                    new StoreProperties(Duration.ofHours(6), DataSize.ofMegabytes(1)),
                    open.store(),
                    new MockEnvironment()
                            .withProperty("local.server.port", "8123")
                            .withProperty("spring.datasource.url", "jdbc:some:db?user=u&password=secret"));

            line.ready(new ApplicationReadyEvent(
                    new SpringApplication(), new String[0], context, Duration.ofMillis(1234)));
        }

        assertThat(log.getOut())
                .contains(
                        "Conveyor is ready on port 8123 in 1234 ms: 3 workers, 2 caller-runs permits, queue of 20 jobs"
                                + " and 4 KiB, job timeout PT50S, drain PT9S, retention PT6H, store jdbc:some:db with 0 open jobs")
                .doesNotContain("secret")
                .doesNotContain("WARN");
    }
}
