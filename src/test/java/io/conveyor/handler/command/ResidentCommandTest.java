package io.conveyor.handler.command;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.conveyor.handler.JobContext;
import io.conveyor.handler.JobOutput;
import io.conveyor.handler.Jobs;
import io.conveyor.job.JobError;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.LoggerFactory;
import org.springframework.util.unit.DataSize;
import tools.jackson.databind.json.JsonMapper;

/** Runs real programs that stay. Where one would hold a job up for ever, the time-out tells a missing guard. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ResidentCommandTest {

    private static final int LIMIT = 200_000;

    /** Answers each line with the number of its process and of the line. */
    private static final String COUNT = "n=0; while read -r line; do n=$((n+1)); echo \"[$$, $n]\"; done";

    private static final JsonMapper JSON = JsonMapper.shared();
    private static final String JOB = "{\"command\":\"it\"}";

    @TempDir
    private Path directory;

    private Duration timeout = Duration.ofMinutes(10);
    private Duration idleTimeout = Duration.ofMinutes(10);
    private Integer recycleAfter;
    private CommandHandler handler;
    private final ListAppender<ILoggingEvent> log = new ListAppender<>();

    @BeforeEach
    void listen() {
        log.start();
        ((Logger) LoggerFactory.getLogger(StderrLog.class)).addAppender(log);
    }

    @AfterEach
    void end() {
        ((Logger) LoggerFactory.getLogger(StderrLog.class)).detachAppender(log);
        if (handler != null) {
            handler.close();
        }
    }

    // Lines

    @ParameterizedTest
    @CsvSource(
            quoteCharacter = '^',
            delimiter = '|',
            value = {
                "\"a\\nb\\u00e9\"               | \"a\\nb\\u00e9\"",
                "{ \"n\" : 1.10 }               | { \"n\" : 1.10 }",
                "12345678901234567890           | 12345678901234567890",
                "null                           | null",
                "{\"error\": null, \"n\": 1}    | {\"error\": null, \"n\": 1}",
                "[{\"error\": \"inside\"}]      | [{\"error\": \"inside\"}]",
                "{\"deep\": {\"error\": \"e\"}} | {\"deep\": {\"error\": \"e\"}}",
            })
    void aLineOfJsonGoesInAndALineOfJsonComesOutByteForByte(String stdin, String output) throws Exception {
        start("exec cat");

        assertThat(run("'stdin':" + stdin)).isEqualTo(output);
    }

    @Test
    void lineBreaksBetweenTokensDoNotBreakTheLine() throws Exception {
        start("exec cat");

        assertThat(run("'stdin':[1,\r\n2,\n3]")).isEqualTo("[1,  2, 3]");
    }

    @Test
    void withoutStdinTheLineIsNull() throws Exception {
        start("exec cat");

        assertThat(run()).isEqualTo("null");
    }

    @Test
    void linesThatDoNotFitIntoAPipeGoThroughWhileTheAnswerComes() throws Exception {
        start("exec cat");
        String text = "\"" + "x".repeat(LIMIT - 2) + "\"";

        assertThat(run("'stdin':" + text)).isEqualTo(text);
        assertThat(run("'stdin':1")).isEqualTo("1");
    }

    @Test
    void aLineThatIsAnsweredBeforeItHasBeenReadIsNotMixedWithTheNext() throws Exception {
        start("head -c 100000 >/dev/null; echo 1; read -r rest; exec cat");

        assertThat(run("'stdin':\"" + "x".repeat(LIMIT) + "\"")).isEqualTo("1");
        assertThat(run("'stdin':2")).isEqualTo("2");
    }

    @Test
    void argumentsOfJobsAreRefused() throws Exception {
        start("exec cat");

        assertThat(fail("'args':['a']").extensions()).containsEntry("pointer", "/input/args");
    }

    // Failures that the program tells

    @ParameterizedTest
    @CsvSource(
            quoteCharacter = '^',
            delimiter = '|',
            value = {
                "{\"error\": \"no such city\"}                      | no such city | false",
                "{\"error\": \"busy\", \"retryable\": true}         | busy         | true",
                "{\"retryable\": true, \"error\": \"busy\"}         | busy         | true",
                "{\"error\": \"busy\", \"retryable\": \"true\"}     | busy         | false",
                "{\"error\": {\"code\": 7, \"x\": [1]}, \"more\": 1} | {\"code\": 7, \"x\": [1]} | false",
                "{\"error\": 12 }                                   | 12           | false",
                "{\"error\": \"\"}                                  | The program does not say why. | false",
            })
    void anObjectWithAnErrorFailsTheJobAndKeepsTheProcess(String answer, String detail, boolean retryable)
            throws Exception {
        start("while read -r line; do echo '" + answer + "'; echo \"$$\" >>pids; done");

        JobError error = fail();
        fail();

        assertThat(error.slug()).isEqualTo("job-failed");
        assertThat(error.detail()).isEqualTo(detail);
        assertThat(error.retryable()).isEqualTo(retryable);
        assertThat(new HashSet<>(Files.readAllLines(directory.resolve("pids")))).hasSize(1);
    }

    // Processes

    @Test
    void oneProcessServesJobAfterJob() throws Exception {
        start(COUNT);

        assertThat(numbers(5)).containsExactly(1, 2, 3, 4, 5);
    }

    @Test
    void thereAreNeverMoreProcessesThanJobsAtOnce() throws Exception {
        start("echo $$ >>pids; exec cat");
        int atOnce = 4;
        CyclicBarrier together = new CyclicBarrier(atOnce);
        List<FutureTask<Void>> jobs = new ArrayList<>();
        for (int i = 0; i < atOnce; i++) {
            FutureTask<Void> job = new FutureTask<>(() -> {
                together.await();
                for (int n = 0; n < 200; n++) {
                    assertThat(run("'stdin':" + n)).isEqualTo("" + n);
                }
                return null;
            });
            jobs.add(job);
            new Thread(job).start();
        }
        for (FutureTask<Void> job : jobs) {
            job.get();
        }

        assertThat(Files.readAllLines(directory.resolve("pids"))).hasSizeBetween(1, atOnce);
    }

    @Test
    void aProcessIsRecycledInGoodOrderAfterItsNumberOfJobs() throws Exception {
        recycleAfter = 2;
        start(COUNT + "; echo end of input >>ended");

        assertThat(numbers(5)).containsExactly(1, 2, 1, 2, 1);
        assertThat(Files.readAllLines(directory.resolve("ended"))).hasSize(2);
    }

    @Test
    void aProcessThatOverlooksTheEndOfItsInputIsEndedWithItsChildren() throws Exception {
        recycleAfter = 1;
        start("sleep 1000 & echo $! >child; read -r line; echo $$; exec sleep 1000");

        long pid = Long.parseLong(run());

        awaitGone(pid);
        awaitGone(pid("child"));
    }

    @Test
    void aProcessWithoutAJobIsEndedAfterAWhile() throws Exception {
        idleTimeout = Duration.ofMillis(100);
        start(COUNT);

        awaitGone(JSON.readTree(run()).get(0).asLong());
        assertThat(numbers(1)).containsExactly(1);
    }

    @Test
    void atTheStopAllEnd() throws Exception {
        start("if [ -e first ]; then echo $$ >second; else echo $$ >first; fi; while read -r line; do"
                + " if [ \"$line\" = 1 ]; then echo 1; else echo >ready; sleep 1000; fi; done; sleep 1000");
        makePipe("ready");
        FutureTask<JobOutput> busy = new FutureTask<>(() -> handler.handle(job("'stdin':2")));
        new Thread(busy).start();
        awaitReady();
        run("'stdin':1");

        handler.close();

        awaitGone(pid("first"));
        awaitGone(pid("second"));
        assertThatThrownBy(busy::get).isInstanceOf(ExecutionException.class);
        assertThat(fail().detail()).isEqualTo("The service is stopping.");
    }

    // Processes that break

    @Test
    void whenAProcessDiesItsJobFailsForNowAndTheNextGetsAFreshOne() throws Exception {
        start("read -r a; echo 1; read -r b; echo oops >&2; exit 3");

        assertThat(run()).isEqualTo("1");
        JobError error = fail();

        assertThat(error.slug()).isEqualTo("job-failed");
        assertThat(error.retryable()).isTrue();
        assertThat(error.extensions()).containsEntry("exit_code", 3).containsEntry("stderr", "oops\n");
        assertThat(run()).isEqualTo("1");
    }

    @Test
    void aProcessThatDiedBetweenTwoJobsIsReplaced() throws Exception {
        start(COUNT);
        long pid = JSON.readTree(run()).get(0).asLong();
        ProcessHandle.of(pid).ifPresent(ProcessHandle::destroyForcibly);
        awaitGone(pid);

        assertThat(numbers(2)).containsExactly(1, 2);
    }

    @Test
    void halfALineIsNoAnswer() throws Exception {
        start("read -r line; printf 12; exit 0");

        assertThat(fail().extensions()).containsEntry("exit_code", 0);
    }

    @Test
    void aProcessThatClosesItsOutputIsEnded() throws Exception {
        start("echo $$ >pid; read -r line; exec >&-; exec sleep 1000");

        JobError error = fail();

        assertThat(error.retryable()).isTrue();
        assertThat(error.detail()).contains("closed its standard output");
        awaitGone(pid("pid"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"hello", "", "{'a': 1}", "1 2", "NaN", "{\"a\": 1", "\"\\377\""})
    void aLineThatIsNotJsonFailsTheJobAndEndsTheProcess(String answer) throws Exception {
        start("echo $$ >>pids; while read -r line; do printf '%b\\n' '" + answer.replace("'", "'\\''") + "'; done");

        JobError error = fail();
        fail();

        assertThat(error.retryable()).isFalse();
        assertThat(error.detail()).contains("one line of JSON");
        assertThat(error.extensions()).containsKey("line");
        assertThat(Files.readAllLines(directory.resolve("pids"))).hasSize(2);
    }

    @Test
    void whatNobodyAskedForIsNobodysAnswer() throws Exception {
        start("echo $$ >>pids; while read -r line; do printf '1\\n2\\n'; done");

        assertThat(run()).isEqualTo("1");
        assertThat(run()).isEqualTo("1");

        assertThat(Files.readAllLines(directory.resolve("pids"))).hasSize(2);
        assertThat(messages()).anyMatch(line -> line.contains("what no job had asked for"));
    }

    @Test
    void anAnswerUpToTheLimitIsKeptAndMoreFailsTheJob() throws Exception {
        start("while read -r n; do printf '\"%0*d\"\\n' \"$n\" 0; done");

        assertThat(run("'stdin':" + (LIMIT - 2))).hasSize(LIMIT);
        assertThat(fail("'stdin':" + (LIMIT - 1)).detail()).contains("conveyor.commands.it.max-output");
        assertThat(run("'stdin':3")).isEqualTo("\"000\"");
    }

    @Test
    void anAnswerWithoutEndFailsTheJobAndEndsTheProcess() throws Exception {
        start("echo $$ >pid; read -r line; yes | tr -d '\\n'");

        assertThat(fail().detail()).contains("conveyor.commands.it.max-output");
        awaitGone(pid("pid"));
    }

    // Time and interrupts

    @Test
    void atTheTimeoutTheWholeTreeEndsAndTheNextJobGetsAFreshProcess() throws Exception {
        timeout = Duration.ofMillis(500);
        start("read -r line; if [ -e pid ]; then echo 1; fi; echo $$ >pid; sleep 1000 & echo $! >child; wait");

        JobError error = fail();

        assertThat(error.slug()).isEqualTo("job-timeout");
        assertThat(error.detail()).contains("conveyor.commands.it.timeout");
        awaitGone(pid("pid"));
        awaitGone(pid("child"));
        assertThat(run()).isEqualTo("1");
    }

    @ParameterizedTest
    @ValueSource(ints = {10, 1_000_000})
    void aProgramThatNeverReadsIsEndedAtTheTimeout(int bytes) throws Exception {
        timeout = Duration.ofMillis(500);
        start("exec sleep 1000");

        assertThat(fail("'stdin':'" + "x".repeat(bytes) + "'").slug()).isEqualTo("job-timeout");
    }

    @Test
    void aPipeThatARunawayKeepsOpenHoldsNothingUp() throws Exception {
        timeout = Duration.ofMillis(500);
        start(
                "setsid sh -c 'echo $$ >runaway; exec sleep 1000' & while [ ! -s runaway ]; do :; done; read -r line; wait");

        assertThat(fail().slug()).isEqualTo("job-timeout");

        ProcessHandle.of(pid("runaway")).ifPresent(ProcessHandle::destroyForcibly); // out of reach for the handler
    }

    @Test
    void anInterruptEndsTheWholeTree() throws Exception {
        start("sleep 1000 & echo $! >child; read -r line; echo >ready; sleep 1000");
        makePipe("ready");
        FutureTask<JobOutput> job = new FutureTask<>(() -> handler.handle(job()));
        Thread worker = new Thread(job);
        worker.start();
        awaitReady();
        worker.interrupt();

        assertThatThrownBy(job::get)
                .isInstanceOf(ExecutionException.class)
                .hasCauseInstanceOf(InterruptedException.class);
        awaitGone(pid("child"));
    }

    // Standard error

    @Test
    void standardErrorGoesToTheLogUnderTheNameOfTheCommand() throws Exception {
        start("read -r a; echo $$; printf 'one\\n\\n\\033[31mtwo\\rthree\\n' >&2; read -r b; exit 0");
        long pid = Long.parseLong(run());
        fail(); // by then all of standard error has been read

        assertThat(messages())
                .containsExactly("Command it [" + pid + "]: one", "Command it [" + pid + "]: [31mtwo three");
    }

    @Test
    void aFloodOnStandardErrorNeitherHoldsTheProgramUpNorFillsTheLog() throws Exception {
        start(
                "head -c 5000000 /dev/zero | tr '\\0' x >&2; yes | head -n 1000000 >&2; read -r a; echo 1; read -r b; exit 0");

        assertThat(run()).isEqualTo("1");
        fail();

        assertThat(messages())
                .hasSizeBetween(2, StderrLog.MOST_LINES + 1)
                .allSatisfy(line -> assertThat(line).hasSizeLessThan(1100));
    }

    private List<String> messages() {
        return new ArrayList<>(log.list)
                .stream().map(ILoggingEvent::getFormattedMessage).toList();
    }

    private void start(String script) throws IOException {
        Path program = directory.resolve("program.sh");
        Files.writeString(program, "#!/bin/sh\n" + script + "\n");
        Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwx------"));
        CommandProperties properties = new CommandProperties(Map.of(
                "it",
                new CommandProperties.Command(
                        program.toString(),
                        List.of(),
                        CommandProperties.Mode.RESIDENT,
                        timeout,
                        DataSize.ofBytes(LIMIT),
                        recycleAfter,
                        idleTimeout,
                        Map.of(),
                        directory.toString())));
        handler = new CommandHandler(properties.commands(), ProcessTree.ofThisMachine());
    }

    private static JobContext job(String... input) {
        return Jobs.job(json(input));
    }

    private String run(String... input) throws Exception {
        return Jobs.run(handler, json(input));
    }

    private JobError fail(String... input) {
        return Jobs.failure(handler, json(input));
    }

    private static String json(String... input) {
        return input.length == 0 ? JOB : ("{'command':'it'," + String.join(",", input) + "}").replace('\'', '"');
    }

    /** The numbers that so many jobs get in their processes. */
    private List<Integer> numbers(int jobs) throws Exception {
        List<Integer> numbers = new ArrayList<>();
        for (int i = 0; i < jobs; i++) {
            numbers.add(JSON.readTree(run()).get(1).asInt());
        }
        return numbers;
    }

    private long pid(String file) throws IOException {
        return Long.parseLong(Files.readString(directory.resolve(file)).strip());
    }

    /** Waits for the kernel to take the process away, which it does by itself once it has been killed. */
    private static void awaitGone(long pid) throws Exception {
        ProcessHandle left = ProcessHandle.of(pid).orElse(null);
        if (left != null) {
            left.onExit().get();
        }
    }

    private void makePipe(String name) throws Exception {
        new ProcessBuilder("mkfifo", directory.resolve(name).toString()).start().waitFor();
    }

    /** Opening the pipe for reading waits until the program opens it for writing. */
    private void awaitReady() throws IOException {
        Files.readString(directory.resolve("ready"));
    }
}
