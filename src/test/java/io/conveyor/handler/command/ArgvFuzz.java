package io.conveyor.handler.command;

import static org.assertj.core.api.Assertions.assertThat;

import io.conveyor.fuzz.FuzzInput;
import io.conveyor.handler.JobFailure;
import io.conveyor.handler.RawJson;
import io.conveyor.handler.StrictJson;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.springframework.util.unit.DataSize;
import tools.jackson.databind.json.JsonMapper;

/**
 * Attacks what a client can put into the command line of a program ({@link Argv}) and onto the line that a resident process
 * reads: each argument is one element, as it was sent, behind a {@code --}; how many elements there are depends on how many
 * arguments were sent, and not on what is in them; what looks like a placeholder is not one; NUL is refused; and the input of a
 * resident process is one line, whatever is in it.
 *
 * <p>An input: which of the templates, what the body is (even: the input of a job in JSON; odd: its arguments, one a line), the
 * body.
 */
public final class ArgvFuzz {

    private static final List<List<String>> TEMPLATES = List.of(
            List.of("{args}"),
            List.of("-v", "{args}", "-x"),
            List.of("{args}", "{args}"),
            List.of("a{args}", "{args}b", "{ARGS}", "{}", "{args}"),
            List.of("--", "{args}", "--"),
            List.of("$1", "`id`", "{args}", "%s"),
            List.of("-v"),
            List.of());

    private static final String PROGRAM = "/bin/sh";
    private static final int MOST_BYTES = 65_536;
    private static final JsonMapper MAPPER = JsonMapper.shared();

    private ArgvFuzz() {}

    /** For the fuzzer. */
    public static void fuzzerTestOneInput(byte[] data) {
        attack(data);
    }

    /** Returns in a word what became of it. */
    public static String attack(byte[] data) {
        FuzzInput input = new FuzzInput(data, 2);
        List<String> template = TEMPLATES.get(input.number(0) % TEMPLATES.size());
        boolean asJson = input.number(1) % 2 == 0;
        List<String> sent = asJson ? null : List.of(new String(input.body(), StandardCharsets.UTF_8).split("\n", -1));
        byte[] json = sent == null ? input.body() : MAPPER.writeValueAsBytes(Map.of("command", "x", "args", sent));
        CommandHandler.Input job;
        try {
            job = StrictJson.read(json, CommandHandler.Input.class, "/input");
        } catch (JobFailure e) {
            assertThat(sent)
                    .as("arguments that are no JSON: %s", e.getMessage())
                    .isNull();
            return "no-input";
        }
        if (sent != null) {
            assertThat(job.args()).isEqualTo(sent);
        }
        assertOneLine(job.toStdin());
        return attack(template, job.args() == null ? List.of() : job.args());
    }

    private static String attack(List<String> template, List<String> arguments) {
        CommandProperties.Command command = new CommandProperties.Command(
                PROGRAM,
                template,
                CommandProperties.Mode.PROCESS,
                Duration.ofSeconds(1),
                DataSize.ofKilobytes(1),
                null,
                Duration.ofSeconds(1),
                Map.of("KEY", "value"),
                null);
        try {
            Argv.check(command, arguments);
        } catch (JobFailure e) {
            assertThat(isRefused(template, arguments))
                    .as("a reason for: %s", e.getMessage())
                    .isTrue();
            return "refused";
        }
        assertThat(isRefused(template, arguments)).as("taken: %s", arguments).isFalse();
        List<String> argv = Argv.of(command, arguments);
        long places = template.stream().filter("{args}"::equals).count();
        int each = arguments.isEmpty() ? 0 : 1 + arguments.size();
        assertThat(argv).as("elements").hasSize((int) (1 + template.size() - places + places * each));
        assertThat(argv).isEqualTo(expected(template, arguments));
        ProcessBuilder program =
                Launch.of(command, argv, ProcessTree.ofThisMachine()).builder();
        int own = program.command().size() - argv.size();
        assertThat(own).as("what puts it into a group").isBetween(0, 1);
        assertThat(program.command().subList(own, program.command().size())).isEqualTo(argv);
        assertThat(program.environment().keySet()).isSubsetOf("PATH", "HOME", "LANG", "KEY");
        return arguments.isEmpty() ? "without" : "with-arguments";
    }

    /** What the rules say must not be run. */
    private static boolean isRefused(List<String> template, List<String> arguments) {
        boolean unwanted = !arguments.isEmpty() && !template.contains("{args}");
        boolean broken = arguments.stream().anyMatch(each -> each == null || each.contains("\0"));
        return unwanted
                || broken
                || arguments.stream()
                                .mapToLong(each -> each.getBytes(StandardCharsets.UTF_8).length + 1)
                                .sum()
                        > MOST_BYTES;
    }

    private static List<String> expected(List<String> template, List<String> arguments) {
        List<String> expected = new ArrayList<>(List.of(PROGRAM));
        for (String element : template) {
            if (!element.equals("{args}")) {
                expected.add(element);
            } else if (!arguments.isEmpty()) {
                expected.add("--");
                expected.addAll(arguments);
            }
        }
        return expected;
    }

    /** Nobody can send a resident process a second line, which would be the next job's answer. */
    private static void assertOneLine(@Nullable RawJson stdin) {
        String line = new String(CommandHandler.line(stdin), StandardCharsets.UTF_8);
        assertThat(line).endsWith("\n").doesNotContain("\r");
        assertThat(line.indexOf('\n')).as("the only end of a line").isEqualTo(line.length() - 1);
        RawJson read = RawJson.of(line.strip()).orElseThrow();
        if (stdin != null && stdin.asString() != null) {
            assertThat(Objects.requireNonNull(read.asString())).isEqualTo(stdin.asString());
        }
    }
}
