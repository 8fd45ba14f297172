package io.conveyor.handler.command;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * How a program is started: its command line, and an environment that holds nothing of the service's own but
 * {@code PATH}, {@code HOME} and {@code LANG}. Immutable.
 *
 * @param trees puts the program into a process group of its own
 * @param argv the program's file and its arguments
 * @param environment all environment variables that it gets
 * @param directory the directory that it runs in; that of the service when null
 */
record Launch(
        ProcessTree trees,
        List<String> argv,
        Map<String, String> environment,
        @Nullable String directory) {

    /** Of the service's environment, all that a program gets to see. */
    private static final List<String> INHERITED = List.of("PATH", "HOME", "LANG");

    Launch {
        argv = List.copyOf(argv);
        environment = Map.copyOf(environment);
    }

    /** Starts what the operator declared, with these arguments. */
    static Launch of(CommandProperties.Command command, List<String> argv, ProcessTree trees) {
        Map<String, String> environment = new TreeMap<>();
        for (String name : INHERITED) {
            String value = System.getenv(name);
            if (value != null) {
                environment.put(name, value);
            }
        }
        environment.putAll(command.env());
        return new Launch(trees, argv, environment, command.directory());
    }

    /** Ready to start; standard input and both outputs are pipes as long as nobody redirects them. */
    ProcessBuilder builder() {
        ProcessBuilder builder = new ProcessBuilder(trees.inItsOwnGroup(argv));
        builder.environment().clear();
        builder.environment().putAll(environment);
        if (directory != null) {
            builder.directory(Path.of(directory).toFile());
        }
        return builder;
    }
}
