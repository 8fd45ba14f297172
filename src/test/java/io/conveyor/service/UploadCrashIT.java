package io.conveyor.service;

import java.io.IOException;
import java.nio.file.Path;
import java.sql.SQLException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Large uploads against SIGKILL. {@code -Drounds} and {@code -Dseed} make it longer, and the same again. */
final class UploadCrashIT {

    /** Uploads that start with their first line, to those that are taken whole. */
    private static final int WHOLE_A_LIVE = 3;

    @TempDir
    private Path directory;

    @Test
    void aKilledUploadIsThereAsAWholeOrNotAtAllAndALiveOneWithWhatHadCome()
            throws IOException, InterruptedException, SQLException {
        int rounds = Integer.getInteger("rounds", 3);
        long seed = Long.getLong("seed", System.nanoTime());
        System.out.println("Upload rounds with -Dseed=" + seed);
        try (UploadRounds run = new UploadRounds(directory, seed)) {
            for (int round = 0; round < rounds; round++) {
                run.whole(UploadRounds.Moment.of(round));
                if (round % WHOLE_A_LIVE == 0) {
                    run.live(UploadRounds.Moment.of(round / WHOLE_A_LIVE));
                }
                if (round % 10 == 9) {
                    System.out.println(run.report());
                }
            }
            run.finish();
            System.out.println(run.report());
        }
    }
}
