package io.conveyor.handler.command;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.ConfigurationPropertiesSource;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;

/**
 * The programs that jobs of the kind "command" may run: {@code conveyor.commands.NAME.*}. Without one there is no such
 * kind.
 *
 * @param commands by name: 1 to 64 characters of a-z, 0-9, '-', starting with a letter
 */
@ConfigurationProperties("conveyor")
public record CommandProperties(@DefaultValue Map<String, Command> commands) {

    private static final Pattern NAME = Pattern.compile("[a-z][a-z0-9-]{0,63}");
    private static final DataSize LARGEST = DataSize.ofGigabytes(1);

    public CommandProperties {
        commands = new TreeMap<>(commands);
        commands.forEach(CommandProperties::check);
    }

    private static void check(String name, Command command) {
        String key = "conveyor.commands." + name;
        if (!NAME.matcher(name).matches()) {
            throw new IllegalArgumentException(
                    key + " needs another name: 1 to 64 of a-z, 0-9 and '-', a letter first");
        }
        if (command.executable() == null) {
            throw new IllegalArgumentException(key + ".program is '" + command.program()
                    + "', which is not an executable file; give its absolute path, or the bare name of a program that"
                    + " is on the PATH of this service");
        }
        if (command.timeout().toMillis() < 1) {
            throw new IllegalArgumentException(
                    key + ".timeout is " + command.timeout() + "; set it to 1ms or more, such as 60s");
        }
        DataSize maxOutput = command.maxOutput();
        if (maxOutput.toBytes() < 1 || maxOutput.compareTo(LARGEST) > 0) {
            throw new IllegalArgumentException(key + ".max-output is " + maxOutput.toBytes()
                    + " bytes; set it from 1B to 1GB (output is held in memory)");
        }
        checkMode(key, command);
        String directory = command.directory();
        if (directory != null && !Files.isDirectory(Path.of(directory))) {
            throw new IllegalArgumentException(
                    key + ".directory is '" + directory + "', which is not a directory; make it, or leave the key out");
        }
    }

    private static void checkMode(String key, Command command) {
        Integer recycleAfter = command.recycleAfter();
        if (recycleAfter != null && recycleAfter < 1) {
            throw new IllegalArgumentException(key + ".recycle-after is " + recycleAfter
                    + "; set it to 1 or more, or leave it out for a process that serves as long as it can");
        }
        if (recycleAfter != null && command.mode() == Mode.PROCESS) {
            throw new IllegalArgumentException(key + ".recycle-after is for processes that serve many jobs; add " + key
                    + ".mode=resident, or leave it out");
        }
        if (command.mode() == Mode.RESIDENT && command.args().contains(Command.PLACE)) {
            throw new IllegalArgumentException(key + ".args has a place for the arguments of a job, {args}, but a"
                    + " resident process is started once for many jobs; take {args} out and read them from the input,"
                    + " or set " + key + ".mode=process");
        }
        if (command.idleTimeout().toMillis() < 1) {
            throw new IllegalArgumentException(
                    key + ".idle-timeout is " + command.idleTimeout() + "; set it to 1ms or more, such as 60s");
        }
    }

    /** What one process of a program does. */
    public enum Mode {
        /** One job: reads its input to the end, writes the output, ends. */
        PROCESS,
        /** Job after job: answers each line of JSON with one line of JSON. */
        RESIDENT
    }

    /**
     * One program, and how it is run.
     *
     * @param program the program: an absolute path, or the name of one that is on the PATH of the service; needed
     * @param args its arguments; where the element {args} stands, a job's own arguments go, after a "--"; without it jobs
     *     may not bring any
     * @param mode whether there is a {@code process} a job, or a {@code resident} one a slot of the crew that answers lines
     *     of JSON with lines of JSON
     * @param timeout how long a job may take, 1 ms or more; the job's own time limit counts as well
     * @param maxOutput maximum size of what it writes to standard output for a job, 1 byte to 1 GB; more fails the job
     * @param recycleAfter after how many jobs a resident process is ended in good order and a new one takes its place, 1 or
     *     more; never when not given
     * @param idleTimeout how long a resident process is kept without a job, 1 ms or more
     * @param env environment variables beside PATH, HOME and LANG, which are all that it gets of the service's own
     * @param directory the directory that it runs in; that of the service when not given
     */
    @ConfigurationPropertiesSource
    public record Command(
            String program,
            @DefaultValue List<String> args,
            @DefaultValue("process") Mode mode,
            @DefaultValue("60s") Duration timeout,
            @DefaultValue("1MB") DataSize maxOutput,
            @Nullable Integer recycleAfter,
            @DefaultValue("60s") Duration idleTimeout,
            @DefaultValue Map<String, String> env,
            @Nullable String directory) {

        /** The element of {@code args} that a job's own arguments take the place of. */
        static final String PLACE = "{args}";

        public Command {
            args = List.copyOf(args);
            env = Map.copyOf(env);
        }

        /** The program's file; null when there is none that can be executed. */
        @Nullable
        Path executable() {
            if (program.contains("/")) {
                Path path = Path.of(program);
                return path.isAbsolute() && isExecutable(path) ? path : null;
            }
            String path = System.getenv().getOrDefault("PATH", "/usr/local/bin:/usr/bin:/bin");
            for (String directory : path.split(File.pathSeparator, -1)) {
                Path candidate = Path.of(directory, program);
                if (candidate.isAbsolute() && isExecutable(candidate)) {
                    return candidate;
                }
            }
            return null;
        }

        private static boolean isExecutable(Path path) {
            return Files.isRegularFile(path) && Files.isExecutable(path);
        }

        /** Without the values of {@code env}: they may be secrets. */
        @Override
        public String toString() {
            return "Command[program=" + program + ", args=" + args + ", mode=" + mode + ", timeout=" + timeout
                    + ", maxOutput=" + maxOutput + ", recycleAfter=" + recycleAfter + ", idleTimeout=" + idleTimeout
                    + ", env=" + env.keySet() + ", directory=" + directory + "]";
        }
    }
}
