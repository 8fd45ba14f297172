package io.conveyor.bench;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Locale;

/** What a figure is worth nothing without: where and when it was measured. */
final class Machine {

    private Machine() {}

    static String describe(Settings settings) throws IOException, InterruptedException {
        return """
                # Conveyor benchmark

                - %s, %d cores of %s, %s %s; load before the start %.1f
                - service and echo: %s, -Xmx%s%s
                - the load comes from the same machine (Java %s) and takes its share of the cores; each figure is the \
                median of the runs
                - warm-up, not measured: %d s of batches of 100,000 and of unattended batches of 100; %d one-job batches \
                and bare echos each, or %d s of them, on 16 connections
                """.formatted(
                        Instant.now().truncatedTo(ChronoUnit.SECONDS),
                        Runtime.getRuntime().availableProcessors(),
                        processor(),
                        System.getProperty("os.name"),
                        System.getProperty("os.version"),
                        load(),
                        version(settings.java()),
                        settings.heap(),
                        settings.flags().isEmpty() ? "" : " " + String.join(" ", settings.flags()),
                        Runtime.version(),
                        settings.warmUpMillis() / 1000,
                        settings.warmUpRequests(),
                        4 * settings.warmUpMillis() / 1000);
    }

    /** Processes that wanted a core in the last minute, this benchmark's own included. */
    static double load() {
        return ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage();
    }

    private static String processor() throws IOException {
        Path info = Path.of("/proc/cpuinfo");
        if (!Files.exists(info)) {
            return System.getProperty("os.arch").toLowerCase(Locale.ROOT);
        }
        return Files.readAllLines(info).stream()
                .filter(line -> line.startsWith("model name"))
                .map(line -> line.split(":", 2)[1].strip())
                .findFirst()
                .orElse(System.getProperty("os.arch"));
    }

    private static String version(Path java) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(java.toString(), "-version")
                .redirectErrorStream(true)
                .start();
        String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        process.waitFor();
        return text.lines().skip(1).findFirst().orElse(text).strip();
    }
}
