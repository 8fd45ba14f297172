package io.conveyor.handler.command;

import io.conveyor.handler.JobContext;
import io.conveyor.handler.JobFailure;
import io.conveyor.handler.JobHandler;
import io.conveyor.handler.JobOutput;
import io.conveyor.handler.RawJson;
import io.conveyor.job.JobKind;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The kind {@code command}: runs a program that the operator has declared, a process a job or one that stays, never
 * through a shell. What a client brings is standard input, or single elements of argv behind a {@code --}. The processes
 * of a program that does not stay end with the job, whatever becomes of it. Keeps no state of a job, so safe for all
 * threads.
 */
final class CommandHandler implements JobHandler, AutoCloseable {

    /** What sysexits.h calls EX_TEMPFAIL: the program itself says that another attempt may succeed. */
    private static final int TEMPORARY_FAILURE = 75;

    private final Map<String, CommandProperties.Command> commands;
    private final ProcessTree trees;
    private final ResidentCommands residents;
    private final JobKind kind;

    CommandHandler(Map<String, CommandProperties.Command> commands, ProcessTree trees) {
        this.commands = new TreeMap<>(commands);
        this.trees = trees;
        residents = residents(this.commands, trees);
        kind = new JobKind(
                "command",
                "Runs a program that the operator has declared; what it writes to standard output is the output.",
                schema());
    }

    @Override
    public JobKind kind() {
        return kind;
    }

    @Override
    public JobOutput handle(JobContext job) throws JobFailure, InterruptedException, IOException {
        Input input = job.input(Input.class);
        CommandProperties.Command command = commands.get(input.command());
        if (command == null) {
            throw JobFailure.invalid(
                    "/input/command",
                    "There is no command '" + input.command() + "' here. There are: "
                            + String.join(", ", commands.keySet()) + ".");
        }
        Duration limit = min(command.timeout(), job.remaining());
        List<String> arguments = input.args() == null ? List.of() : input.args();
        Argv.check(command, arguments);
        RawJson stdin = input.toStdin();
        ResidentCommand resident = residents.find(input.command());
        if (resident != null) {
            return resident.run(line(stdin), limit);
        }
        CommandFaults faults = new CommandFaults(input.command(), command);
        Launch launch = Launch.of(command, Argv.of(command, arguments), trees);
        CommandRun.Ended ended = new CommandRun(launch, command.maxOutput().toBytes())
                .run(stdin == null ? new byte[0] : stdin.payload(), limit);
        return switch (ended.how()) {
            case EXITED -> output(faults, ended);
            case OUT_OF_TIME -> throw faults.timedOut(limit);
            case TOO_MUCH_OUTPUT -> throw faults.tooMuchOutput();
        };
    }

    /** The JSON on one line: it may have line breaks between its tokens only. */
    static byte[] line(@Nullable RawJson stdin) {
        String json = stdin == null ? "null" : stdin.text();
        return (json.replace('\n', ' ').replace('\r', ' ') + "\n").getBytes(StandardCharsets.UTF_8);
    }

    /** JSON where the whole of it is one JSON value, else the text without the line break at its end. */
    private static JobOutput output(CommandFaults faults, CommandRun.Ended ended) throws JobFailure {
        if (ended.exitCode() != 0) {
            throw faults.ended(ended.exitCode(), ended.stderr(), ended.exitCode() == TEMPORARY_FAILURE);
        }
        String text;
        try {
            text = StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(ended.stdout()))
                    .toString();
        } catch (CharacterCodingException e) {
            throw JobFailure.of("The program wrote bytes that are not UTF-8. Have it write text, JSON or base64.");
        }
        Optional<RawJson> json = RawJson.of(text);
        if (json.isPresent()) {
            return JobOutput.ofJson(text.strip());
        }
        return JobOutput.text(text.endsWith("\n") ? text.substring(0, text.length() - 1) : text);
    }

    private static Duration min(Duration a, Duration b) {
        return a.compareTo(b) < 0 ? a : b;
    }

    private static ResidentCommands residents(Map<String, CommandProperties.Command> commands, ProcessTree trees) {
        Map<String, CommandProperties.Command> residents = new TreeMap<>(commands);
        residents.values().removeIf(command -> command.mode() != CommandProperties.Mode.RESIDENT);
        return new ResidentCommands(residents, command -> Launch.of(command, Argv.of(command, List.of()), trees));
    }

    /** Ends the programs that stay. */
    @Override
    public void close() {
        residents.close();
    }

    /** The names need no escaping: a-z, 0-9 and '-'. */
    private String schema() {
        String names =
                commands.keySet().stream().map(name -> "\"" + name + "\"").collect(Collectors.joining(", "));
        return """
                {"type": "object", "required": ["command"], "additionalProperties": false, "properties": {
                  "command": {"enum": [%s]},
                  "stdin": {"description": "A string is sent as its text, any other JSON value as that JSON."},
                  "batch": {"description": "What a job in `then` gets; sent on stdin if that is not given."},
                  "args": {"type": "array", "items": {"type": "string"},
                    "description": "Arguments, one element of argv each, behind a --; for commands that take them."}},
                 "description": "Output: what the program writes to standard output; as JSON where the whole of it is \
                one JSON value, else as text without the line break at its end. Another exit code than 0 fails the job \
                and brings exit_code and the last 2048 bytes of stderr; exit code 75 can be retried. A command that the operator \
                keeps resident gets stdin as one line of JSON, also if it is a string, and its answer is JSON as well."}""".formatted(names);
    }

    record Input(
            String command,
            @Nullable RawJson stdin,
            @Nullable List<String> args,
            @Nullable RawJson batch) {

        /** What goes to standard input: in a job that follows a batch, without anything of its own, what came of that. */
        @Nullable
        RawJson toStdin() {
            return stdin == null ? batch : stdin;
        }
    }
}
