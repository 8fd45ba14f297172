package io.conveyor.handler.command;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.conveyor.handler.JobOutput;
import io.conveyor.handler.Jobs;
import io.conveyor.job.JobError;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.util.unit.DataSize;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Runs real programs. Where one would not come to an end by itself, the time-out tells a missing guard. */
@Timeout(value = 30, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class CommandHandlerTest {

    private static final int LIMIT = 100_000;

    @TempDir
    private Path directory;

    private Map<String, String> environment = Map.of();
    private Duration timeout = Duration.ofMinutes(10);
    private ProcessTree trees = ProcessTree.ofThisMachine();

    // Input

    @ParameterizedTest
    @CsvSource(
            quoteCharacter = '^',
            delimiter = '|',
            value = {
                "\"a\\nb\\u00e9\"   | \"a\\nbé\"",
                "{ \"n\" : 1.10 }   | { \"n\" : 1.10 }",
                "\"1.10\"           | 1.10",
                "null               | \"\"",
            })
    void stdinIsTheTextOrTheJsonOfTheJob(String stdin, String output) throws Exception {
        assertThat(run("cat", "'stdin':" + stdin)).isEqualTo(output);
    }

    @Test
    void withoutStdinTheProgramReadsNothing() throws Exception {
        assertThat(run("cat")).isEqualTo("\"\"");
    }

    @Test
    void longInputsAreReadWhole() throws Exception {
        assertThat(run("wc -c", "'stdin':'" + "x".repeat(1_000_000) + "'").strip())
                .isEqualTo("1000000");
    }

    @ParameterizedTest
    @ValueSource(ints = {10, 4097, 1_000_000})
    void aProgramThatNeverReadsDoesNotHoldUpTheJob(int bytes) throws Exception {
        assertThat(run("exec sleep 0.2", "'stdin':'" + "x".repeat(bytes) + "'")).isEqualTo("\"\"");
        assertThat(run("echo done", "'stdin':'" + "x".repeat(bytes) + "'")).isEqualTo("\"done\"");
    }

    @Test
    void aProgramThatNeverReadsIsEndedAtTheTimeout() throws Exception {
        timeout = Duration.ofMillis(500);

        JobError error = fail(handler("sleep 1000"), "'stdin':'" + "x".repeat(1_000_000) + "'");

        assertThat(error.slug()).isEqualTo("job-timeout");
    }

    @Test
    void longInputsLeaveNoFileBehind() throws Exception {
        long before = stdinFiles();
        run("cat >/dev/null", "'stdin':'" + "x".repeat(10_000) + "'");
        assertThat(stdinFiles()).isEqualTo(before);
    }

    @Test
    void argumentsOfTheJobStandWhereTheTemplateSaysBehindTwoDashes() throws Exception {
        CommandHandler handler = handler("for a in \"$@\"; do echo \"<$a>\"; done", "-x", "{args}", "last");

        assertThat(output(handler, "'args':['a b','$(id)','-rf','']"))
                .isEqualTo("\"<-x>\\n<-->\\n<a b>\\n<$(id)>\\n<-rf>\\n<>\\n<last>\"");
        assertThat(output(handler, "'args':[]")).isEqualTo("\"<-x>\\n<last>\"");
        assertThat(output(handler, "'stdin':''")).isEqualTo("\"<-x>\\n<last>\"");
    }

    @Test
    void argumentsAreRefusedWhereTheTemplateHasNoPlaceForThem() throws Exception {
        assertInvalid(fail(handler("echo"), "'args':['a']"), "/input/args");
    }

    @Test
    void argumentsAreBoundedStrings() throws Exception {
        CommandHandler handler = handler("echo", "{args}");

        assertInvalid(fail(handler, "'args':['a','b\\u0000c']"), "/input/args/1");
        assertInvalid(fail(handler, "'args':[null]"), "/input/args/0");
        assertInvalid(fail(handler, "'args':['" + "x".repeat(65_536) + "']"), "/input/args");
    }

    @Test
    void onlyDeclaredCommandsRun() throws Exception {
        JobError error = Jobs.failure(handler("echo"), "{\"command\":\"/bin/sh\"}");

        assertInvalid(error, "/input/command");
        assertThat(error.detail()).contains("There are: it");
    }

    @Test
    void theProgramSeesNothingOfTheServicesEnvironmentButThreeVariables() throws Exception {
        environment = Map.of("MINE", "yes");

        JsonNode seen = JsonMapper.shared().readTree(run("env | cut -d= -f1 | sort | tr '\\n' ' '"));

        assertThat(List.of(seen.asString().split(" ", -1)))
                .contains("MINE", "PATH")
                .isSubsetOf("HOME", "LANG", "MINE", "PATH", "PWD", "OLDPWD", "SHLVL", "_", "");
        assertThat(System.getenv()).hasSizeGreaterThan(4);
    }

    @Test
    void theProgramRunsInItsDirectory() throws Exception {
        assertThat(run("pwd -P")).isEqualTo("\"" + directory.toRealPath() + "\"");
    }

    // Output

    @ParameterizedTest
    @CsvSource(
            quoteCharacter = '^',
            delimiter = '|',
            value = {
                "{\\\"a\\\": 1.10}\\n | {\"a\": 1.10}",
                "[1,\\n2]\\n          | [1, 2]",
                "12345678901234567890 | 12345678901234567890",
                "1 2\\n               | \"1 2\"",
                "{}\\n{}\\n           | \"{}\\n{}\"",
                "text\\n              | \"text\"",
                "text\\n\\n           | \"text\\n\"",
                "text                 | \"text\"",
            })
    void outputIsJsonWhereAllOfItIsOneValueAndElseText(String written, String output) throws Exception {
        assertThat(run("printf '%b' \"" + written + "\"")).isEqualTo(output);
    }

    @Test
    void bytesThatAreNoTextFailTheJob() throws Exception {
        assertThat(fail("printf '\\377'").detail()).contains("not UTF-8");
    }

    @Test
    void anotherExitCodeFailsTheJobAndBringsTheEndOfStderr() throws Exception {
        JobError error = fail("head -c 100000 /dev/zero | tr '\\0' x >&2; echo oops >&2; exit 3");

        assertThat(error.slug()).isEqualTo("job-failed");
        assertThat(error.retryable()).isFalse();
        assertThat(error.extensions()).containsEntry("exit_code", 3);
        assertThat((String) error.extensions().get("stderr"))
                .hasSize(CommandRun.STDERR_KEPT)
                .endsWith("xxxoops\n");
    }

    @Test
    void exitCode75CanBeRetried() throws Exception {
        assertThat(fail("exit 75").retryable()).isTrue();
    }

    @Test
    void outputUpToTheLimitIsKeptAndMoreFailsTheJob() throws Exception {
        assertThat(run("head -c " + LIMIT + " /dev/zero | tr '\\0' x")).hasSize(LIMIT + 2);
        assertThat(fail("head -c " + (LIMIT + 1) + " /dev/zero | tr '\\0' x").detail())
                .contains("conveyor.commands.it.max-output");
    }

    @Test
    void aProgramThatWritesWithoutEndIsEnded() throws Exception {
        JobError error = fail("echo $$ >pid; yes");

        assertThat(error.slug()).isEqualTo("job-failed");
        assertThat(error.detail()).contains("conveyor.commands.it.max-output");
        assertGone("pid");
    }

    @Test
    void stderrWithoutEndIsForgotten() throws Exception {
        timeout = Duration.ofMillis(500);

        assertThat(fail("yes >&2").slug()).isEqualTo("job-timeout");
    }

    @Test
    void aProgramThatClosesItsOutputIsWaitedFor() throws Exception {
        assertThat(run("echo first; exec >&- 2>&-; sleep 0.3; touch done")).isEqualTo("\"first\"");
        assertThat(directory.resolve("done")).exists();
    }

    // End

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void atTheTimeoutTheWholeTreeEnds(boolean groups) throws Exception {
        trees = groups ? trees : new ProcessTree(null);
        timeout = Duration.ofMillis(500);

        JobError error = fail("echo $$ >pid; (sleep 1000 & echo $! >grandchild; sleep 1000) & sleep 1000");

        assertThat(error.slug()).isEqualTo("job-timeout");
        assertThat(error.retryable()).isTrue();
        assertThat(error.detail()).contains("conveyor.commands.it.timeout");
        assertGone("pid");
        assertGone("grandchild");
    }

    @Test
    void processesThatLostTheirParentEndAsWell() throws Exception {
        timeout = Duration.ofMillis(500);

        fail("(sleep 1000 & echo $! >orphan); sleep 1000");

        assertGone("orphan");
    }

    @Test
    void theTimeOfTheJobCountsWhenItIsShorter() throws Exception {
        JobError error = Jobs.failure(handler("sleep 1000"), Jobs.job("{\"command\":\"it\"}", Duration.ofMillis(300)));

        assertThat(error.slug()).isEqualTo("job-timeout");
        assertThat(error.detail()).contains("timeout_ms");
    }

    @Test
    void anInterruptEndsTheWholeTree() throws Exception {
        CommandHandler handler = handler("sleep 1000 & echo $! >grandchild; mkfifo ready; echo >ready; sleep 1000");
        FutureTask<JobOutput> job = new FutureTask<>(() -> handler.handle(Jobs.job("{\"command\":\"it\"}")));
        Thread worker = new Thread(job);
        worker.start();
        awaitReady();
        worker.interrupt();

        assertThatThrownBy(job::get)
                .isInstanceOf(ExecutionException.class)
                .hasCauseInstanceOf(InterruptedException.class);
        assertGone("grandchild");
    }

    @Test
    void whatAProgramLeavesBehindEndsWithTheJobAndHoldsNothingUp() throws Exception {
        assertThat(run("sleep 1000 & echo $! >left; echo done")).isEqualTo("\"done\"");
        assertGone("left");

        assertThat(run("sleep 1000 >/dev/null 2>&1 & echo $! >quiet; echo done"))
                .isEqualTo("\"done\"");
        assertGone("quiet");
    }

    @Test
    void aPipeThatARunawayKeepsOpenHoldsNothingUp() throws Exception {
        assertThat(
                        run(
                                "setsid sh -c 'echo $$ >runaway; exec sleep 1000' & while [ ! -s runaway ]; do :; done; echo done"))
                .isEqualTo("\"done\"");

        long runaway = pid("runaway");
        ProcessHandle.of(runaway).ifPresent(ProcessHandle::destroyForcibly); // out of reach for the handler
    }

    @Test
    void schemaIsJsonAndNamesTheCommands() throws Exception {
        JsonNode schema = JsonMapper.shared().readTree(handler("echo").kind().inputSchema());

        assertThat(schema.at("/properties/command/enum").toString()).isEqualTo("[\"it\"]");
    }

    private CommandHandler handler(String script, String... args) throws IOException {
        Path program = directory.resolve("program.sh");
        Files.writeString(program, "#!/bin/sh\n" + script + "\n");
        Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwx------"));
        CommandProperties properties = new CommandProperties(Map.of(
                "it",
                new CommandProperties.Command(
                        program.toString(),
                        List.of(args),
                        CommandProperties.Mode.PROCESS,
                        timeout,
                        DataSize.ofBytes(LIMIT),
                        null,
                        Duration.ofMinutes(1),
                        environment,
                        directory.toString())));
        return new CommandHandler(properties.commands(), trees);
    }

    private String run(String script, String... input) throws Exception {
        return output(handler(script), input);
    }

    private static String output(CommandHandler handler, String... input) throws Exception {
        return Jobs.run(handler, json(input));
    }

    private JobError fail(String script) throws IOException {
        return fail(handler(script));
    }

    private static JobError fail(CommandHandler handler, String... input) {
        return Jobs.failure(handler, json(input));
    }

    private static String json(String... input) {
        return ("{'command':'it'" + (input.length == 0 ? "" : "," + String.join(",", input)) + "}").replace('\'', '"');
    }

    private static void assertInvalid(JobError error, String pointer) {
        assertThat(error.slug()).isEqualTo("invalid-job");
        assertThat(error.extensions()).containsEntry("pointer", pointer);
    }

    private long pid(String file) throws IOException {
        return Long.parseLong(Files.readString(directory.resolve(file)).strip());
    }

    /** Waits for the kernel to take the process away, which it does by itself once it has been killed. */
    private void assertGone(String file) throws Exception {
        ProcessHandle left = ProcessHandle.of(pid(file)).orElse(null);
        if (left != null) {
            left.onExit().get();
        }
    }

    /** Opening the pipe for reading waits until the program opens it for writing. */
    private void awaitReady() throws IOException {
        Path ready = directory.resolve("ready");
        while (!Files.exists(ready)) {
            Thread.onSpinWait();
        }
        Files.readString(ready);
    }

    private static long stdinFiles() throws IOException {
        try (var files = Files.list(Path.of(System.getProperty("java.io.tmpdir")))) {
            return files.filter(file -> file.getFileName().toString().startsWith("conveyor-stdin-"))
                    .count();
        }
    }
}
