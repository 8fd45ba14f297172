package io.conveyor.handler.command;

import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The programs that stay, by name, and the threads that serve their pipes. Safe for all threads.
 *
 * <p><b>Threads and state.</b> {@code conveyor-command-N}: as many as there are processes that live, two for each of
 * them that has a job, three while the job's input is large; they come with the first job and go when they are not
 * needed. {@code conveyor-command-idle}: one, as soon as there is a resident command; ends processes that have had no
 * job for a while. None of them keeps the service from ending.
 */
final class ResidentCommands {

    private static final Logger log = LoggerFactory.getLogger(ResidentCommands.class);

    private final Map<String, ResidentCommand> commands = new TreeMap<>();
    private final ExecutorService pipes;
    private final ScheduledExecutorService idle;

    /** @param launch how each of them is started */
    ResidentCommands(
            Map<String, CommandProperties.Command> residents, Function<CommandProperties.Command, Launch> launch) {
        AtomicInteger threads = new AtomicInteger();
        pipes = Executors.newCachedThreadPool(task -> daemon(task, "conveyor-command-" + threads.incrementAndGet()));
        idle = Executors.newSingleThreadScheduledExecutor(task -> daemon(task, "conveyor-command-idle"));
        residents.forEach((name, command) -> {
            ResidentCommand resident = new ResidentCommand(name, command, launch.apply(command), pipes);
            commands.put(name, resident);
            Duration look = command.idleTimeout().dividedBy(4).plusMillis(1);
            Future<?> unused = idle.scheduleWithFixedDelay(
                    () -> endIdle(resident), look.toMillis(), look.toMillis(), TimeUnit.MILLISECONDS);
        });
    }

    private static void endIdle(ResidentCommand resident) {
        try {
            resident.endIdle();
        } catch (RuntimeException e) {
            log.error("Processes without a job could not be ended; it is tried again", e);
        }
    }

    private static Thread daemon(Runnable task, String name) {
        Thread thread = new Thread(task, name);
        thread.setDaemon(true);
        return thread;
    }

    /** The command of that name; null when it does not stay. */
    @Nullable
    ResidentCommand find(String name) {
        return commands.get(name);
    }

    /** Ends all processes. */
    void close() {
        idle.shutdownNow();
        commands.values().forEach(ResidentCommand::close);
        pipes.shutdown();
    }
}
