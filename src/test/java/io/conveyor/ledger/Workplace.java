package io.conveyor.ledger;

import io.conveyor.handler.plugin.PluginJars;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The directory in which a service works, with its programs and its plug-in, and the options that it starts with beside the size of its crew. */
final class Workplace {

    private static final String STUBBORN = PluginJars.handler(
            "Stubborn",
            "new JobKind(\"stubborn\", \"Sleeps on when it is interrupted.\", \"{\\\"type\\\": \\\"integer\\\"}\")",
            "",
            """
            long end = System.nanoTime() + job.input(Long.class) * 1_000_000;
            while (System.nanoTime() - end < 0) {
                try {
                    Thread.sleep(50);
                } catch (InterruptedException e) {
                    // It was told to stop, and does not.
                }
            }
            return new JobOutput(job.input());
            """);

    private static final String BEGIN = "echo \"B $2 $3 $EPOCHREALTIME\" >>\"$BOOK\"\n";
    private static final String END =
            "echo \"E $2 $3 $EPOCHREALTIME\" >>\"$BOOK\"\nprintf '{\"of\":\"%s\",\"index\":%d}' \"$2\" \"$3\"\n";

    private final Path directory;
    private final List<String> options = new ArrayList<>();

    Workplace(Path directory) throws IOException {
        this.directory = Files.createDirectories(directory);
        Path plugins = Files.createDirectories(directory.resolve("plugins"));
        PluginJars.make(plugins.resolve("stubborn.jar"), List.of("demo.Stubborn"), STUBBORN);
        options.addAll(List.of(
                "--conveyor.drain=" + Lives.DRAIN + "ms",
                "--conveyor.http.allow=127.0.0.1",
                "--conveyor.job.backoff.first=100ms",
                "--conveyor.job.backoff.longest=500ms"));
        program("mark", BEGIN + "sleep 0.05\n" + END);
        program("fork", BEGIN + "sleep 3 &\n" + END);
        program("flood", BEGIN + "exec yes\n");
    }

    /** Called as {@code bash SCRIPT -- KEY INDEX}. */
    private void program(String name, String script) throws IOException {
        Path file = Files.writeString(directory.resolve(name), script);
        String key = "--conveyor.commands." + name;
        options.addAll(List.of(
                key + ".program=bash",
                key + ".args[0]=" + file,
                key + ".args[1]={args}",
                key + ".timeout=20s",
                key + ".env.BOOK=" + programs()));
    }

    /** Into which programs write when they begin and end. */
    Path programs() {
        return directory.resolve("programs.log");
    }

    Path journal(String name) {
        return directory.resolve(name);
    }

    Path directory() {
        return directory;
    }

    List<String> options() {
        return List.copyOf(options);
    }
}
