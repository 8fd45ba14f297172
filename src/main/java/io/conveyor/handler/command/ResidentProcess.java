package io.conveyor.handler.command;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.time.Duration;
import java.util.Collection;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * One running program that answers lines with lines, one at a time.
 *
 * <h2>Threads and state</h2>
 * Whoever has taken it from the idle ones owns it, alone. The owner never touches a pipe that could hold it up: a thread
 * of {@code pipes} writes the line and reads the answer (and a second one writes, while the first reads, when the line
 * may not fit into the pipe), and the owner waits for it, up to a limit and until it is interrupted. What these threads
 * write here is handed over by their futures. Another thread of {@code pipes} reads standard error as long as the
 * process lives. Should a process that has escaped from the tree keep a pipe open, these threads wait for it, and no job.
 */
final class ResidentProcess {

    /** How long a program that has come to the end of its input may take to end by itself. */
    private static final Duration GRACE = Duration.ofSeconds(1);

    /** Milliseconds that the exit code and the end of standard error may come after the end of standard output. */
    private static final long LAST_WORDS = 200;

    private static final int CHUNK = 8192;

    private final Launch launch;
    private final long maxOutput;
    private final ExecutorService pipes;
    private final Process process;
    private final InputStream answers;
    private final StderrReader errors;
    private final Future<?> errorsRead;

    // Mutable state, of the owner and of the thread of pipes that it waits for
    private final byte[] chunk = new byte[CHUNK];
    private int from;
    private int to;

    // Mutable state, of the owner; published by the queue of idle ones
    private int jobs;

    /** Read as well by the thread that ends idle ones, which may then be late to get it. */
    private volatile long idleSince;

    private ResidentProcess(Launch launch, long maxOutput, ExecutorService pipes, StderrLog log, Process process) {
        this.launch = launch;
        this.maxOutput = maxOutput;
        this.pipes = pipes;
        this.process = process;
        answers = process.getInputStream();
        errors = new StderrReader(process.getErrorStream(), process.pid(), log);
        errorsRead = pipes.submit(errors);
    }

    /**
     * Starts the program.
     *
     * @throws IOException when it cannot be started
     */
    static ResidentProcess start(Launch launch, long maxOutput, ExecutorService pipes, StderrLog log)
            throws IOException {
        Process process = launch.builder().start();
        try {
            return new ResidentProcess(launch, maxOutput, pipes, log, process);
        } catch (RuntimeException | Error e) { // no thread for its pipes
            launch.trees().end(process);
            throw e;
        }
    }

    /** Whether it can be given a line now. */
    Condition condition() {
        try {
            if (!process.isAlive()) {
                return Condition.ENDED;
            }
            return from < to || answers.available() > 0 ? Condition.OUT_OF_STEP : Condition.READY;
        } catch (IOException e) {
            return Condition.ENDED;
        }
    }

    /**
     * Sends a line and waits for the line that answers it. After any other answer than a line, and after an exception, the
     * process is of no more use.
     *
     * @param line with its line break at the end
     */
    Answer ask(byte[] line, Duration limit) throws InterruptedException {
        jobs++;
        Future<Answer> exchange = pipes.submit(() -> exchange(line));
        try {
            return exchange.get(limit.toNanos(), TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            return new Answer(How.OUT_OF_TIME, new byte[0]);
        } catch (ExecutionException e) {
            throw new IllegalStateException("A line could not be exchanged with process " + pid(), e.getCause());
        } finally {
            exchange.cancel(true);
        }
    }

    private Answer exchange(byte[] line) {
        if (line.length <= CommandRun.FITS_A_PIPE) {
            write(line);
        } else {
            pipes.execute(() -> write(line));
        }
        return readLine();
    }

    /** The stream takes a whole line under its lock: one that a program answers before it has read it is not mixed with the next. */
    private void write(byte[] line) {
        try {
            OutputStream lines = process.getOutputStream();
            lines.write(line);
            lines.flush();
        } catch (IOException e) {
            // The program has ended or closed its input: what it has to say about it comes as the answer.
        }
    }

    private Answer readLine() {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        while (true) {
            if (from == to && !fill()) {
                return new Answer(How.NO_MORE, line.toByteArray());
            }
            int end = from;
            while (end < to && chunk[end] != '\n') {
                end++;
            }
            if (line.size() + (end - from) > maxOutput) {
                return new Answer(How.TOO_LONG, new byte[0]);
            }
            line.write(chunk, from, end - from);
            from = end;
            if (end < to) {
                from++;
                return new Answer(How.LINE, line.toByteArray());
            }
        }
    }

    private boolean fill() {
        try {
            from = 0;
            to = Math.max(0, answers.read(chunk));
            return to > 0;
        } catch (IOException e) {
            return false; // closed because the process has been ended
        }
    }

    /** How many lines it has been sent. */
    int jobs() {
        return jobs;
    }

    long pid() {
        return process.pid();
    }

    void idleSince(long nanoTime) {
        idleSince = nanoTime;
    }

    boolean isIdleSince(long nanoTime) {
        return idleSince - nanoTime <= 0;
    }

    /** Its exit code, after its output has come to an end; null when it goes on without. */
    @Nullable
    Integer exitCode() throws InterruptedException {
        return process.waitFor(LAST_WORDS, TimeUnit.MILLISECONDS) ? process.exitValue() : null;
    }

    /** The end of what it wrote to standard error. */
    byte[] lastErrors() throws InterruptedException {
        try {
            errorsRead.get(LAST_WORDS, TimeUnit.MILLISECONDS);
        } catch (ExecutionException | TimeoutException | CancellationException e) {
            // Somebody else keeps it open: what has been read is what there is.
        }
        return errors.end();
    }

    /** Ends it and all processes that it has started, now. */
    void end() {
        launch.trees().end(process);
    }

    /**
     * Lets programs that nobody uses come to the end of their input and end by themselves, all at once; those that do not
     * do so in time are ended, as is what they leave behind. Keeps the thread's interrupt flag, and does not wait with it.
     */
    static void retire(Collection<ResidentProcess> unused) {
        unused.forEach(ResidentProcess::closeInput);
        long deadline = System.nanoTime() + GRACE.toNanos();
        for (ResidentProcess each : unused) {
            try {
                each.process.waitFor(Math.max(1, deadline - System.nanoTime()), TimeUnit.NANOSECONDS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            each.end();
        }
    }

    private void closeInput() {
        try {
            process.getOutputStream().close();
        } catch (IOException e) {
            // It has closed it itself.
        }
    }

    /** Whether a process can be given a line. */
    enum Condition {
        READY,
        ENDED,
        /** It has written what nobody asked for: whose answer its next line would be is anybody's guess. */
        OUT_OF_STEP
    }

    /** What became of a line. */
    enum How {
        LINE,
        NO_MORE,
        OUT_OF_TIME,
        TOO_LONG
    }

    /**
     * The answer to a line.
     *
     * @param line without its line break; meaningful only for a {@link How#LINE}
     */
    record Answer(How how, byte[] line) {}
}
