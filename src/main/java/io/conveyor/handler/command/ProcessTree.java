package io.conveyor.handler.command;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Ends a program together with all processes that it has started. Where the machine has {@code setsid} and
 * {@code sh}, each program leads a process group of its own, and the group gets one signal: nobody can slip away by
 * forking meanwhile, and children whose parent has gone are found as well. Elsewhere the descendants that can be seen
 * are ended one by one. A process that leaves the group by a {@code setsid} of its own is found only while its parent
 * lives. Immutable, so safe for all threads.
 */
final class ProcessTree {

    private static final Logger log = LoggerFactory.getLogger(ProcessTree.class);

    private static final Path SHELL = Path.of("/bin/sh");

    /**
     * Sends the signal to the group whose number comes as the argument; a fixed text, nothing of a client is in it. The
     * long form of POSIX: dash does not take {@code kill -KILL --}.
     */
    private static final String END_GROUP = "kill -s KILL -- \"-$1\"";

    /** Seconds to wait until a process that has been killed is gone: the kernel may take a moment, not more. */
    private static final long GONE_WITHIN = 1;

    private final @Nullable Path setsid;

    ProcessTree(@Nullable Path setsid) {
        this.setsid = setsid;
    }

    /** With process groups where this machine can. */
    static ProcessTree ofThisMachine() {
        Path setsid = Stream.of("/usr/bin/setsid", "/bin/setsid")
                .map(Path::of)
                .filter(Files::isExecutable)
                .findFirst()
                .orElse(null);
        return new ProcessTree(Files.isExecutable(SHELL) ? setsid : null);
    }

    /** The command line that starts the program as the leader of a group: the process keeps its number. */
    List<String> inItsOwnGroup(List<String> argv) {
        if (setsid == null) {
            return argv;
        }
        List<String> grouped = new ArrayList<>(argv.size() + 1);
        grouped.add(setsid.toString());
        grouped.addAll(argv);
        return grouped;
    }

    /**
     * Ends the program and what it has started, and waits until it is gone. Legal at any time, also for one that has
     * ended: its children may be left. Keeps the thread's interrupt flag.
     */
    void end(Process process) {
        List<ProcessHandle> descendants = process.descendants().toList();
        if (setsid != null) {
            endGroup(process.pid());
        }
        descendants.forEach(ProcessHandle::destroyForcibly);
        if (process.isAlive()) {
            process.destroyForcibly(); // closes its streams: not for one that has ended, whose output is still wanted
        }
        awaitEnd(process);
    }

    private static void endGroup(long group) {
        try {
            Process kill = new ProcessBuilder(SHELL.toString(), "-c", END_GROUP, "sh", Long.toString(group))
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start();
            awaitEnd(kill);
        } catch (IOException e) {
            log.warn("The processes of a command cannot be ended as a group; those that are seen end one by one", e);
        }
    }

    private static void awaitEnd(Process process) {
        boolean interrupted = Thread.interrupted();
        try {
            process.waitFor(GONE_WITHIN, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            interrupted = true; // the signal is on its way: no need to see it arrive
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
