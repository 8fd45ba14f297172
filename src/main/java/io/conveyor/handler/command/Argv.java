package io.conveyor.handler.command;

import io.conveyor.handler.JobFailure;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * The command line of a job: what the operator has declared, and in its place what the client brings, as single elements behind
 * a {@code --}. How many elements there are depends on how many arguments are brought, never on what is in them; nothing in an
 * argument is looked at again. Keeps nothing.
 */
final class Argv {

    /** Bytes of arguments that one job may bring: well below what Linux takes for argv and environment together. */
    private static final int MOST_ARGUMENT_BYTES = 65_536;

    private Argv() {}

    /**
     * Holds the arguments that a job brings against the rules.
     *
     * @throws JobFailure {@code invalid-job} for an argument that is no string or has a NUL in it, for too many bytes of them, and
     *     for any at all when the operator has no place for them
     */
    static void check(CommandProperties.Command command, List<String> theirs) throws JobFailure {
        long bytes = 0;
        for (int i = 0; i < theirs.size(); i++) {
            String argument = theirs.get(i);
            if (argument == null || argument.indexOf('\0') >= 0) {
                throw JobFailure.invalid("/input/args/" + i, "An argument is a string without NUL characters.");
            }
            bytes += argument.getBytes(StandardCharsets.UTF_8).length + 1;
        }
        if (bytes > MOST_ARGUMENT_BYTES) {
            throw JobFailure.invalid(
                    "/input/args",
                    "Arguments may have " + MOST_ARGUMENT_BYTES + " bytes in all. Send the rest on stdin.");
        }
        if (!theirs.isEmpty() && !command.args().contains(CommandProperties.Command.PLACE)) {
            throw JobFailure.invalid("/input/args", "This command takes no arguments of its jobs. Leave args out.");
        }
    }

    /** The program's file and its arguments, with those of a job in their place. */
    static List<String> of(CommandProperties.Command command, List<String> theirs) {
        List<String> argv = new ArrayList<>();
        Path executable = Objects.requireNonNull(command.executable(), "the program has gone since the start");
        argv.add(executable.toString());
        for (String argument : command.args()) {
            if (!argument.equals(CommandProperties.Command.PLACE)) {
                argv.add(argument);
            } else if (!theirs.isEmpty()) {
                argv.add("--");
                argv.addAll(theirs);
            }
        }
        return argv;
    }
}
