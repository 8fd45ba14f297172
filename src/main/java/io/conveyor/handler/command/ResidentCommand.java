package io.conveyor.handler.command;

import io.conveyor.handler.JobFailure;
import io.conveyor.handler.JobOutput;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.ExecutorService;
import org.jspecify.annotations.Nullable;

/**
 * The processes of one program that stays: each does one job at a time, job after job. There are never more of them than
 * jobs of this command have run at once, which is what the slots of the crew and its callers allow. A process that has
 * failed at a job in a way that leaves doubts about its next answer is ended, and the next job gets a fresh one.
 *
 * <h2>Threads and state</h2>
 * Called by the threads of jobs, by the one that ends idle processes, and by the one that stops the service. A process is
 * either idle, and in {@code idle}, or owned by the one thread that took it from there or started it. The job that went
 * last gets the process that was used last, so what is not needed comes to rest at the other end. {@code all} is there
 * for the stop alone: then whoever comes back with a process finds {@code closed} and ends it.
 */
final class ResidentCommand {

    private final Launch launch;
    private final CommandProperties.Command command;
    private final CommandFaults faults;
    private final ExecutorService pipes;
    private final StderrLog log;
    private final Deque<ResidentProcess> idle = new ConcurrentLinkedDeque<>();
    private final Set<ResidentProcess> all = ConcurrentHashMap.newKeySet();

    // Mutable state: written by the thread that stops the service, read by all
    private volatile boolean closed;

    ResidentCommand(String name, CommandProperties.Command command, Launch launch, ExecutorService pipes) {
        this.launch = launch;
        this.command = command;
        this.pipes = pipes;
        faults = new CommandFaults(name, command);
        log = new StderrLog(name, System::nanoTime);
    }

    /**
     * Does one job.
     *
     * @param line its input, with a line break at the end and nowhere else
     * @param limit how long the answer may take
     * @throws IOException when the program cannot be started
     */
    JobOutput run(byte[] line, Duration limit) throws JobFailure, InterruptedException, IOException {
        ResidentProcess process = take();
        AnswerLine answer = null;
        try {
            answer = answer(process, process.ask(line, limit), limit);
        } finally {
            if (answer == null) {
                discard(process);
            } else {
                giveBack(process);
            }
        }
        return answer.output();
    }

    private AnswerLine answer(ResidentProcess process, ResidentProcess.Answer answer, Duration limit)
            throws JobFailure, InterruptedException {
        return switch (answer.how()) {
            case LINE -> {
                Optional<AnswerLine> read = AnswerLine.of(answer.line());
                yield read.orElseThrow(() -> faults.noAnswer(AnswerLine.beginning(answer.line())));
            }
            case NO_MORE -> throw broken(process);
            case OUT_OF_TIME -> throw faults.timedOut(limit);
            case TOO_LONG -> throw faults.tooMuchOutput();
        };
    }

    private JobFailure broken(ResidentProcess process) throws InterruptedException {
        Integer exitCode = process.exitCode();
        byte[] errors = process.lastErrors();
        return exitCode == null ? faults.fellSilent(errors) : faults.died(exitCode, errors);
    }

    private ResidentProcess take() throws IOException, JobFailure {
        for (ResidentProcess process = idle.pollFirst(); process != null; process = idle.pollFirst()) {
            ResidentProcess.Condition condition = process.condition();
            if (condition == ResidentProcess.Condition.READY) {
                return process;
            }
            if (condition == ResidentProcess.Condition.OUT_OF_STEP) {
                log.warn(
                        process.pid(),
                        "it wrote to standard output what no job had asked for, and is ended; a resident command"
                                + " answers each line with one line, and writes nothing else there");
            }
            discard(process);
        }
        if (closed) {
            throw stopping();
        }
        ResidentProcess fresh =
                ResidentProcess.start(launch, command.maxOutput().toBytes(), pipes, log);
        all.add(fresh);
        if (closed) {
            discard(fresh);
            throw stopping();
        }
        return fresh;
    }

    private static JobFailure stopping() {
        return JobFailure.retryable("The service is stopping.");
    }

    private void giveBack(ResidentProcess process) {
        Integer recycleAfter = command.recycleAfter();
        if (recycleAfter != null && process.jobs() >= recycleAfter) {
            retire(List.of(process));
            return;
        }
        process.idleSince(System.nanoTime());
        idle.addFirst(process);
        if (closed && idle.remove(process)) {
            discard(process);
        }
    }

    private void discard(ResidentProcess process) {
        process.end();
        all.remove(process);
    }

    private void retire(List<ResidentProcess> processes) {
        ResidentProcess.retire(processes);
        processes.forEach(all::remove);
    }

    /** Ends the processes that have had no job for so long. */
    void endIdle() {
        retire(takeIdle(System.nanoTime() - command.idleTimeout().toNanos()));
    }

    private List<ResidentProcess> takeIdle(@Nullable Long since) {
        List<ResidentProcess> taken = new ArrayList<>();
        for (ResidentProcess process : List.copyOf(idle)) {
            if ((since == null || process.isIdleSince(since)) && idle.remove(process)) {
                taken.add(process);
            }
        }
        return taken;
    }

    /** Ends all processes: those without a job in good order, the others at once. */
    void close() {
        closed = true;
        retire(takeIdle(null));
        all.forEach(this::discard);
    }
}
