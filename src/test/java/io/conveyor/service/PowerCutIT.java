package io.conveyor.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.IOException;
import java.nio.file.Path;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;

/**
 * Law 3 and law 4 against the loss of power. {@code -Dcuts} and {@code -Dseed} make it longer, and the same kind of load
 * and cuts again; {@code -Dmutant.cuts} cuts the power of a service that does not flush its commits as well.
 */
final class PowerCutIT {

    private static final Path JAR = ServiceProcess.Launch.PLAIN.jar();
    private static final int CUTS = Integer.getInteger("cuts", 4);
    private static final long SEED = Long.getLong("seed", System.nanoTime());

    /** From so many cuts on it pays to prepare for a quick start. */
    private static final int MANY = 20;

    /** Requests of the load: the log is folded into the database some 1 to 2 times in the short run, and 6 in the long. */
    private static final int REQUESTS = CUTS < MANY ? 120 : 500;

    @TempDir
    private Path directory;

    @BeforeAll
    static void mayTrace() throws InterruptedException {
        try {
            Process probe = new ProcessBuilder(
                            "strace", "-D", "-f", "--seccomp-bpf", "-e", "trace=fsync", "-o", "/dev/null", "true")
                    .inheritIO()
                    .start();
            if (probe.waitFor() == 0) {
                return;
            }
        } catch (IOException e) {
            // Not there.
        }
        System.out.println("SKIPPED: strace may not trace here, so nothing was shown about power cuts");
        abort("strace may not trace here, so nothing was shown about power cuts");
    }

    @Test
    void nothingAcknowledgedIsLostByAPowerCut() throws IOException, InterruptedException {
        System.out.println("Power cuts with -Dseed=" + SEED);
        SplittableRandom random = new SplittableRandom(SEED);
        PowerCuts run = record(JAR, CUTS, random);
        System.out.println("Recorded: " + run.recorded());
        cut(run, CUTS, random);
        assertThat(run.faulty()).as(run.report()).isZero();
        assertThat(run.checkpoints()).as("checkpoints in the recording").isPositive();
        // What finds nothing on a disk that lies about its flushes has not looked.
        assertThat(run.cutALyingDisk(random.nextLong()))
                .as(run.report())
                .anyMatch(finding -> finding.fault() == PowerCuts.Fault.LOST);
    }

    @Test
    @EnabledIfSystemProperty(named = "mutant.cuts", matches = "[1-9]\\d*")
    void aServiceThatDoesNotFlushItsCommitsLosesBatches() throws IOException, InterruptedException {
        SplittableRandom random = new SplittableRandom(SEED);
        Path mutant = MutantJar.notFlushing(JAR, directory.resolve("mutant.jar"));
        PowerCuts run = record(mutant, Integer.getInteger("mutant.cuts"), random);
        System.out.println("Recorded with synchronous=NORMAL: " + run.recorded());
        cut(run, Integer.getInteger("mutant.cuts"), random);
        assertThat(run.count(PowerCuts.Fault.LOST)).as(run.report()).isPositive();
    }

    private PowerCuts record(Path jar, int cuts, SplittableRandom random) throws IOException, InterruptedException {
        PowerCuts.Starter starter = cuts < MANY
                ? PowerCuts.Starter.of(jar)
                : PowerCuts.Starter.unpacked(jar, directory.resolve("unpacked"));
        return PowerCuts.record(directory, jar, starter, REQUESTS, random.split());
    }

    private static void cut(PowerCuts run, int cuts, SplittableRandom random) throws IOException, InterruptedException {
        for (int cut = 1; cut <= cuts; cut++) {
            run.cut(random.nextLong());
            if (cut % 10 == 0) {
                System.out.println(run.report());
            }
        }
        System.out.println(run.report());
    }
}
