package io.conveyor.handler.command;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/**
 * One run of one program, from its start until all its processes are gone. Holds at most the allowed output and the end
 * of standard error.
 *
 * <h2>Threads and state</h2>
 * All of it happens on the thread of the job, which waits for the program and meanwhile takes what is in the two pipes;
 * it never reads from an empty pipe, so it cannot be held up by whoever keeps one open. Standard input that a pipe may
 * not hold at once comes from a file, so nothing waits for a program that does not read. Confined to that thread.
 */
final class CommandRun {

    /** How much of standard error is kept: its last bytes. */
    static final int STDERR_KEPT = 2048;

    /** What any empty pipe takes without blocking (PIPE_BUF is 4096 on Linux). */
    static final int FITS_A_PIPE = 4096;

    /** Milliseconds between two looks at the pipes of a program that writes, and of one that is silent. */
    private static final long BUSY_PAUSE = 1;

    private static final long LONGEST_PAUSE = 50;

    /** How long what is left in the pipes is taken after the program's end; only a runaway process could fill them on. */
    private static final Duration LAST_LOOK = Duration.ofSeconds(1);

    private final Launch launch;
    private final long maxOutput;

    CommandRun(Launch launch, long maxOutput) {
        this.launch = launch;
        this.maxOutput = maxOutput;
    }

    /**
     * Runs the program. When this returns or throws, its processes have been ended.
     *
     * @throws IOException when it cannot be started
     */
    Ended run(byte[] stdin, Duration limit) throws IOException, InterruptedException {
        long deadline = System.nanoTime() + limit.toNanos();
        Process process = start(stdin);
        CappedOutput stdout = CappedOutput.head(process.getInputStream(), maxOutput);
        CappedOutput stderr = CappedOutput.tail(process.getErrorStream(), STDERR_KEPT);
        How how;
        try {
            how = follow(process, deadline, stdout, stderr);
        } finally {
            launch.trees().end(process);
        }
        return how == How.EXITED ? exited(process, stdout, stderr) : Ended.by(how);
    }

    private Process start(byte[] stdin) throws IOException {
        ProcessBuilder builder = launch.builder();
        if (stdin.length > FITS_A_PIPE) {
            Path file = Files.createTempFile("conveyor-stdin-", "");
            try {
                Files.write(file, stdin);
                return builder.redirectInput(file.toFile()).start();
            } finally {
                Files.delete(file); // the program has it open
            }
        }
        Process process = builder.start();
        try (OutputStream pipe = process.getOutputStream()) {
            pipe.write(stdin);
        } catch (IOException e) {
            // The program has ended or closed its input already: it does not want to know.
        }
        return process;
    }

    private static How follow(Process process, long deadline, CappedOutput stdout, CappedOutput stderr)
            throws IOException, InterruptedException {
        long pause = BUSY_PAUSE;
        while (!process.waitFor(pause, TimeUnit.MILLISECONDS)) {
            boolean moved = takeBoth(stdout, stderr);
            if (stdout.isOver()) {
                return How.TOO_MUCH_OUTPUT;
            }
            if (System.nanoTime() - deadline >= 0) {
                return How.OUT_OF_TIME;
            }
            pause = moved ? BUSY_PAUSE : Math.min(2 * pause, LONGEST_PAUSE);
        }
        return How.EXITED;
    }

    private static Ended exited(Process process, CappedOutput stdout, CappedOutput stderr) throws IOException {
        long lastLook = System.nanoTime() + LAST_LOOK.toNanos();
        boolean moved = true;
        while (moved && !stdout.isOver() && System.nanoTime() - lastLook < 0) {
            moved = takeBoth(stdout, stderr);
        }
        return stdout.isOver()
                ? Ended.by(How.TOO_MUCH_OUTPUT)
                : new Ended(How.EXITED, process.exitValue(), stdout.bytes(), stderr.bytes());
    }

    private static boolean takeBoth(CappedOutput stdout, CappedOutput stderr) throws IOException {
        boolean moved = stdout.take();
        return stderr.take() || moved;
    }

    /** Why a run came to its end. */
    enum How {
        EXITED,
        OUT_OF_TIME,
        TOO_MUCH_OUTPUT
    }

    /**
     * How a run ended.
     *
     * @param exitCode meaningful only if it {@link How#EXITED}; 128 and the number of the signal if one ended it
     */
    record Ended(How how, int exitCode, byte[] stdout, byte[] stderr) {

        private static Ended by(How how) {
            return new Ended(how, -1, new byte[0], new byte[0]);
        }
    }
}
