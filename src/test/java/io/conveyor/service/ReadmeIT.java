package io.conveyor.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/**
 * Does what the README says, command by command, with the packaged jar, and holds its answers to those that the README shows.
 * What stands behind {@code <!-- build -->} is done before the service starts. A block of commands behind {@code <!-- run -->} is run; a block behind {@code <!-- answer -->} is what the one before has to
 * print, but for times, ids, places in the order of completion, and names of workers. Answers in JSON may be laid out anew.
 */
class ReadmeIT {

    private static final Path README = Path.of("README.md");
    private static final List<String> TOOLS =
            List.of("bash", "curl", "jq", "python3", "sha256sum", "gzip", "base64", "jar", "javac");

    private static final Pattern BLOCK =
            Pattern.compile("<!-- (start|build|run|answer) -->\\n```(\\w+)\\n(.*?)```", Pattern.DOTALL);
    private static final Pattern METRIC = Pattern.compile("`(conveyor_[a-z0-9_]+|executor_[a-z_]+)`");

    /** Longest run of one block, in seconds: a machine may be slow, none should hang. */
    private static final long PATIENCE_SECONDS = 120;

    /** What the README lets python3 -m http.server listen on. */
    private static final String FILE_SERVER_PORT = "8000";

    private static ServiceProcess service;
    private static String readme;
    private static String freePort;

    @TempDir
    private static Path root;

    /** Something to run, and what it has to print; null when the README does not say. */
    private record Step(int number, String commands, String language, String answer) {

        String title() {
            return number + ": " + commands.lines().findFirst().orElse("");
        }
    }

    @BeforeAll
    static void startAsTheReadmeSays() throws IOException, InterruptedException {
        for (String tool : TOOLS) {
            assumeTrue(isThere(tool), tool + " is not on this machine, and the README's commands need it");
        }
        assumeTrue(
                run(List.of("curl", "--json", "[]", "--version")).exit() == 0,
                "curl is older than 7.82: it knows no --json");
        readme = Files.readString(README);
        copy(Path.of("src/docs"), root.resolve("src/docs"));
        Files.createDirectory(root.resolve("target"));
        Files.createSymbolicLink(
                root.resolve("target/conveyor.jar"),
                Path.of(System.getProperty("conveyor.jar", "target/conveyor.jar"))
                        .toAbsolutePath());
        for (MatchResult build : blocks("build")) {
            Ran ran = run(List.of("bash", "-euc", build.group(3)));
            assertThat(ran.exit()).as(ran.errors()).isZero();
        }
        try (ServerSocket socket = new ServerSocket(0)) {
            freePort = String.valueOf(socket.getLocalPort());
        }
        String start = blocks("start").get(0).group(3).strip();
        assertThat(start).startsWith("java -jar target/conveyor.jar --");
        service = ServiceProcess.start(root, start.substring(start.indexOf("--")));
    }

    @AfterAll
    static void stop() {
        if (service != null) {
            service.close();
        }
    }

    @TestFactory
    Stream<DynamicTest> theCommandsAnswerAsShown() {
        List<Step> steps = steps();
        assertThat(steps).hasSizeGreaterThan(5);
        return steps.stream().map(step -> DynamicTest.dynamicTest(step.title(), () -> check(step)));
    }

    @Test
    void everyMetricThatIsNamedIsScraped() throws IOException, InterruptedException {
        service.awaitEnd(service.submit("[{\"kind\": \"echo\"}]"));
        String scrape = service.get("/actuator/prometheus").body();

        assertThat(METRIC.matcher(readme).results().map(result -> result.group(1)))
                .isNotEmpty()
                .allSatisfy(name -> assertThat(scrape).contains("\n# TYPE " + name + " "));
    }

    private static void check(Step step) throws IOException, InterruptedException {
        Ran ran = run(List.of(
                "bash",
                "-c",
                "set -euo pipefail; trap 'jobs -p | xargs -r kill 2>/dev/null || true' EXIT\n"
                        + here(step.commands())));

        assertThat(ran.exit())
                .as("%s%n%s%n%s", step.commands(), ran.output(), ran.errors())
                .isZero();
        if (step.answer() != null && step.language().equals("json")) {
            assertThat(json(ran.output())).as(step.commands()).isEqualTo(json(step.answer()));
        } else if (step.answer() != null) {
            assertThat(normal(ran.output())).as(step.commands()).isEqualTo(normal(here(step.answer())));
        }
    }

    private static List<MatchResult> blocks() {
        return BLOCK.matcher(readme).results().toList();
    }

    private static List<MatchResult> blocks(String kind) {
        return blocks().stream().filter(block -> block.group(1).equals(kind)).toList();
    }

    private static List<Step> steps() {
        List<Step> steps = new ArrayList<>();
        for (MatchResult block : blocks()) {
            if (block.group(1).equals("run")) {
                steps.add(new Step(steps.size() + 1, block.group(3), "", null));
            } else if (block.group(1).equals("answer")) {
                Step asked = steps.remove(steps.size() - 1);
                assertThat(asked.answer()).as("one answer to %s", asked.title()).isNull();
                steps.add(new Step(asked.number(), asked.commands(), block.group(2), block.group(3)));
            }
        }
        return steps;
    }

    /** With the ports of this test instead of those of the README. */
    private static String here(String text) {
        String authority = service.uri("").getAuthority();
        return text.replace("localhost:8080", authority).replaceAll("\\b" + FILE_SERVER_PORT + "\\b", freePort);
    }

    private static JsonNode json(String text) {
        return ServiceProcess.JSON.readTree(normal(text));
    }

    private static String normal(String text) {
        return text.strip()
                .replaceAll("\\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z", "TIME")
                .replaceAll("batch_[0-9a-z]{26}", "BATCH")
                .replaceAll("conveyor-worker-\\d+|http-nio-[\\w.-]+", "WORKER")
                .replaceAll("(\"(?:seq|wait_ms|duration_ms)\": ?)\\d+", "$10");
    }

    private record Ran(int exit, String output, String errors) {}

    /** Runs it in the temporary directory. */
    private static Ran run(List<String> command) throws IOException, InterruptedException {
        Path output = Files.createTempFile(root, "output", ".txt");
        Path errors = Files.createTempFile(root, "errors", ".txt");
        ProcessBuilder builder = new ProcessBuilder(command)
                .directory(root.toFile())
                .redirectOutput(output.toFile())
                .redirectError(errors.toFile());
        if (service != null) {
            builder.environment().put("CONVEYOR_URL", service.uri("").toString());
        }
        Process process = builder.start();
        try {
            assertThat(process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS))
                    .as("%s ends%n%s", command, Files.readString(errors))
                    .isTrue();
            return new Ran(process.exitValue(), Files.readString(output), Files.readString(errors));
        } finally {
            process.destroyForcibly();
        }
    }

    private static boolean isThere(String tool) {
        return Stream.of(System.getenv("PATH").split(":", -1))
                .anyMatch(directory -> Files.isExecutable(Path.of(directory, tool)));
    }

    private static void copy(Path from, Path to) throws IOException {
        try (Stream<Path> files = Files.walk(from)) {
            files.forEach(file -> {
                try {
                    Files.createDirectories(to.resolve(from.relativize(file)).getParent());
                    Files.copy(file, to.resolve(from.relativize(file)));
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
        }
    }
}
