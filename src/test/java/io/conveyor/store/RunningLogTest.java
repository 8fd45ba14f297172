package io.conveyor.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.conveyor.store.RunningLog.Entry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunningLogTest {

    @TempDir
    private Path directory;

    private Path file() {
        return directory.resolve("conveyor.db-running");
    }

    @Test
    void whatRanIsFoundByTheNextProcessAlsoWithOtherPlaces() throws IOException {
        long run;
        try (RunningLog log = RunningLog.open(file(), 4)) {
            assertThat(log.found()).isEmpty();
            assertThat(log.formerRun()).isZero();
            log.start();
            log.enter(0, 7, 1);
            log.enter(1, 7, 2);
            log.enter(3, 1L << 40, 9_999_999);
            log.leave(1);
        }
        try (RunningLog log = RunningLog.open(file(), 2)) {
            assertThat(log.found()).containsExactly(new Entry(7, 1), new Entry(1L << 40, 9_999_999));
            run = log.formerRun();
            assertThat(run).isPositive();
        }
        try (RunningLog log = RunningLog.open(file(), 2)) {
            assertThat(log.found()).as("it stays there until it was counted").hasSize(2);
            assertThat(log.formerRun()).isEqualTo(run);
            log.start();
        }
        try (RunningLog log = RunningLog.open(file(), 2)) {
            assertThat(log.found()).isEmpty();
            assertThat(log.formerRun()).isNotEqualTo(run);
        }
    }

    @Test
    void aStopInGoodOrderLeavesNothing() throws IOException {
        try (RunningLog log = RunningLog.open(file(), 2)) {
            log.start();
            log.enter(0, 7, 1);
            log.enter(1, 7, 2);
            log.clear();
        }
        try (RunningLog log = RunningLog.open(file(), 2)) {
            assertThat(log.found()).isEmpty();
        }
    }

    /** The process ends between two stores to memory, or the disk loses some of it. */
    @Test
    void entriesThatAreNotWholeDoNotCount() throws IOException {
        try (RunningLog log = RunningLog.open(file(), 8)) {
            log.start();
            for (int place = 0; place < 8; place++) {
                log.enter(place, 1000 + place, place);
            }
        }
        byte[] whole = Files.readAllBytes(file());
        long seed = System.nanoTime();
        System.out.println("RunningLogTest seed " + seed);
        Random random = new Random(seed);
        for (int round = 0; round < 2000; round++) {
            byte[] torn = whole.clone();
            int place = random.nextInt(8);
            torn[(place + 1) * 64 + random.nextInt(16)] ^= (byte) (1 << random.nextInt(8));
            Files.write(file(), torn);
            try (RunningLog log = RunningLog.open(file(), 8)) {
                assertThat(log.found()).hasSize(7).doesNotContain(new Entry(1000 + place, place));
            }
        }
    }

    @Test
    void afterAMixtureOfTwoProcessesOnlyTheLastCounts() throws IOException {
        try (RunningLog log = RunningLog.open(file(), 2)) {
            log.start();
            log.enter(0, 7, 1);
        }
        byte[] former = Files.readAllBytes(file());
        try (RunningLog log = RunningLog.open(file(), 2)) {
            log.start();
        }
        byte[] mixed = Files.readAllBytes(file());
        System.arraycopy(former, 64, mixed, 64, 64);
        Files.write(file(), mixed);
        try (RunningLog log = RunningLog.open(file(), 2)) {
            assertThat(log.found()).isEmpty();
        }
    }

    @Test
    void aPlaceThatCannotBeWrittenIsRefusedInWords() {
        assertThatThrownBy(() -> RunningLog.open(directory, 1))
                .isInstanceOfSatisfying(
                        StoreStartException.class, e -> assertThat(e.remedy()).contains("may be deleted"));
    }
}
