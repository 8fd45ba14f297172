package io.conveyor.fuzz;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.springframework.boot.convert.DurationStyle;

/**
 * The long form: attacks one target after the other with Jazzer, each in a process of its own, which learns from what the code does
 * with an input which one to try next. What it has learnt is kept in {@code target/fuzz}, and goes on from there the next time.
 *
 * <p>{@code mvn -Pfuzz -Dfuzz.time=5m [-Dfuzz.only=lines] test}. Ends with 1 after a finding, whose input is in
 * {@code target/fuzz/TARGET/crash-…}: mend the cause, and keep it among the seeds.
 */
final class FuzzRun {

    /** What is watched: the code under attack, and the libraries that do part of its work. */
    private static final String WATCHED =
            "io.conveyor.**:tools.jackson.core.**:org.springframework.boot.http.client.**";

    private static final int LONGEST_INPUT = 4096;

    private FuzzRun() {}

    /** Runs all targets, or the one that {@code fuzz.only} names. */
    public static void main(String[] arguments) throws IOException, InterruptedException {
        Duration time = DurationStyle.detectAndParse(System.getProperty("fuzz.time", "5m"));
        String only = System.getProperty("fuzz.only", "");
        List<String> broken = new ArrayList<>();
        for (FuzzTarget target : FuzzTarget.values()) {
            if (target.toString().contains(only) && run(target, time) != 0) {
                broken.add(target.toString());
            }
        }
        System.out.println(broken.isEmpty() ? "Nothing found" : "Found something in " + broken + ": see target/fuzz");
        System.exit(broken.isEmpty() ? 0 : 1);
    }

    private static int run(FuzzTarget target, Duration time) throws IOException, InterruptedException {
        Path home = Files.createDirectories(Path.of("target/fuzz", target.toString()));
        Path corpus = Files.createDirectories(home.resolve("corpus"));
        System.out.println("== " + target + " for " + time.toSeconds() + " s");
        return new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:+EnableDynamicAgentLoading",
                        "-cp",
                        System.getProperty("java.class.path"),
                        "com.code_intelligence.jazzer.Jazzer",
                        "--target_class=" + target.type().getName(),
                        "--instrumentation_includes=" + WATCHED,
                        "--custom_hook_includes=" + WATCHED,
                        "--reproducer_path=" + home,
                        "-artifact_prefix=" + home + "/",
                        "-max_total_time=" + time.toSeconds(),
                        "-max_len=" + LONGEST_INPUT,
                        "-timeout=120",
                        "-print_final_stats=1",
                        corpus.toString(),
                        target.seeds().toString())
                .inheritIO()
                .start()
                .waitFor();
    }
}
