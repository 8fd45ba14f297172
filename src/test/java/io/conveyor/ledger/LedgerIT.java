package io.conveyor.ledger;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/** All promises under all faults, each of which strikes once. {@code mvn -Pfaults -Dfaults.time=30m -Dfaults.seed=N verify} makes it longer, and the same again. */
final class LedgerIT {

    @TempDir(cleanup = CleanupMode.ON_SUCCESS)
    private Path directory;

    @Test
    void whatWasPromisedHoldsUnderEveryFault() throws IOException, InterruptedException, SQLException {
        Duration time = Duration.parse("PT" + System.getProperty("faults.time", "100s"));
        long seed = Long.getLong("faults.seed", System.nanoTime());
        System.out.println("Ledger for " + time + " with -Dfaults.seed=" + seed + ", books in " + directory);
        try (Ledger ledger = new Ledger(directory, seed, System.getProperty("faults.only", ""))) {
            ledger.run(time);
            System.out.println(ledger.report());
            assertThat(ledger.complaints().none())
                    .as("no complaints with -Dfaults.seed=%d%n%s", seed, ledger.complaints())
                    .isTrue();
        }
    }
}
