package io.conveyor.service;

import java.io.IOException;
import java.nio.file.Path;
import java.sql.SQLException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Law 3 and law 4 against SIGKILL. {@code -Drounds} and {@code -Dseed} make it longer, and the same again. */
final class CrashIT {

    @TempDir
    private Path directory;

    @Test
    void nothingAcknowledgedIsLostByAKill() throws IOException, InterruptedException, SQLException {
        int rounds = Integer.getInteger("rounds", 3);
        long seed = Long.getLong("seed", System.nanoTime());
        System.out.println("Crash rounds with -Dseed=" + seed);
        try (CrashRounds run = new CrashRounds(directory, seed)) {
            for (int round = 1; round <= rounds; round++) {
                run.round();
                if (round % 10 == 0) {
                    System.out.println(run.report());
                }
            }
            run.finish();
            System.out.println(run.report());
        }
    }
}
