package io.conveyor.soak;

import io.conveyor.ledger.Load;
import io.conveyor.service.ServiceProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;

/** A run: the service under load, looked at again and again. What clients draw follows from the seed. One thread. */
final class Soak implements AutoCloseable {

    private static final Duration EVERY = Duration.ofSeconds(10);

    /** The share of a run that warms up: connections, pools, classes, and the first batches whose time is up. */
    private static final int WARM_UP = 6;

    /** As in the container, with less memory, all of which is taken at the start: what is resident then grows with a leak alone. */
    private static final List<String> JVM = List.of(
            "-Xms256m",
            "-Xmx256m",
            "-XX:+AlwaysPreTouch",
            "-XX:NativeMemoryTracking=summary",
            "-XX:+UseG1GC",
            "-XX:+ExitOnOutOfMemoryError",
            ServiceProcess.BEST_COMPILER);

    /** A crew that is never busy as a whole: most of the jobs wait for somebody, and a backlog that grows would be no leak. */
    private static final List<String> OPTIONS = List.of(
            "--conveyor.pool.workers=24",
            "--conveyor.pool.queue-capacity=64",
            "--conveyor.retention=60s",
            "--conveyor.intake.max-pause=10s");

    private final Load load;
    private final Sampler sampler;
    private final Samples samples;

    // Mutable state
    private double cpuShare;

    Soak(Path directory, Path csv, long seed) throws IOException {
        SplittableRandom random = new SplittableRandom(seed);
        List<String> options = new ArrayList<>(OPTIONS);
        options.addAll(Visitors.OPTIONS);
        Files.writeString(directory.resolve("resident.sh"), Visitors.RESIDENT);
        load = new Load(directory, random.split(), JVM, options);
        Visitors.add(load, random);
        sampler = new Sampler(load, directory);
        samples = new Samples(csv);
    }

    /** Ends early when a client has met what no contract has. */
    void run(Duration time) throws IOException, InterruptedException, SQLException {
        long begin = System.nanoTime();
        double cpu = sampler.cpuSeconds();
        load.start();
        long next = EVERY.toNanos();
        while (next <= time.toNanos() && load.failures().isEmpty()) {
            TimeUnit.NANOSECONDS.sleep(next - (System.nanoTime() - begin));
            boolean warm = next > time.toNanos() / WARM_UP;
            if (warm && samples.size() == 0) {
                sampler.warm();
            }
            samples.add(TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - begin), warm, sampler.look());
            long turns = (System.nanoTime() - begin) / EVERY.toNanos(); // a machine that is busy leaves some out
            next = EVERY.multipliedBy(turns + 1).toNanos();
        }
        cpuShare = (sampler.cpuSeconds() - cpu) * 1e9 / (System.nanoTime() - begin);
        load.stop();
    }

    Verdict verdict() {
        return Verdict.on(samples.series(), Allowance.OF_A_SERVICE);
    }

    List<Throwable> failures() {
        return load.failures();
    }

    /** What nobody expected of a log. */
    List<String> trouble() {
        return load.process().trouble();
    }

    String report() {
        return "%d samples, %.0f %% of a core, answers by status %s%n%nThe heap holds more of:%n%s%n%n%s"
                .formatted(
                        samples.size(),
                        100 * cpuShare,
                        load.answers(),
                        sampler.growthOfHeap(),
                        verdict().table());
    }

    @Override
    public void close() {
        samples.close();
        load.close();
    }
}
