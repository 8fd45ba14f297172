package io.conveyor.soak;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/** Nothing grows but what is kept. {@code mvn -Psoak -Dsoak.time=30m [-Dsoak.seed=N] verify}; in no other build. */
final class LeakSoak {

    @TempDir(cleanup = CleanupMode.ON_SUCCESS)
    private Path directory;

    @Test
    void nothingGrowsUnderMixedLoad() throws IOException, InterruptedException, SQLException {
        assumeThat(SystemView.PROC.resolve("self/fd"))
                .as("SKIPPED the soak: descriptors and processes are counted in /proc, which is not here")
                .exists();
        Duration time = Duration.parse("PT" + System.getProperty("soak.time", "30m"));
        long seed = Long.getLong("soak.seed", System.nanoTime());
        Path csv = Files.createDirectories(Path.of("target")).resolve("soak-" + seed + ".csv");
        System.out.println("Soak for " + time + " with -Dsoak.seed=" + seed + ", samples in " + csv + ", the rest in "
                + directory);
        try (Soak soak = new Soak(directory, csv, seed)) {
            soak.run(time);
            assertThat(soak.failures()).as("with -Dsoak.seed=%d", seed).isEmpty();
            System.out.println(soak.report());
            assertThat(soak.verdict().red()).as("with -Dsoak.seed=%d", seed).isEmpty();
            assertThat(soak.trouble()).as("the log, with -Dsoak.seed=%d", seed).isEmpty();
        }
    }
}
