package io.conveyor.handler.command;

import io.conveyor.handler.JobFailure;
import io.conveyor.job.JobError;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;

/** What a client reads about a job whose program did not do it, the same for both modes. */
final class CommandFaults {

    private final String name;
    private final CommandProperties.Command command;

    CommandFaults(String name, CommandProperties.Command command) {
        this.name = name;
        this.command = command;
    }

    JobFailure timedOut(Duration limit) {
        String mend = limit.compareTo(command.timeout()) < 0
                ? "Give the job a larger timeout_ms."
                : "That is its limit here (conveyor.commands." + name + ".timeout).";
        return new JobFailure(new JobError(
                "job-timeout",
                "The job ran out of time",
                "The command '" + name + "' was ended after " + limit.toMillis() + " ms. " + mend,
                true,
                Map.of("timeout_ms", limit.toMillis())));
    }

    JobFailure tooMuchOutput() {
        return JobFailure.of("The command '" + name + "' wrote more than "
                + command.maxOutput().toBytes() + " bytes, its limit here (conveyor.commands." + name
                + ".max-output).");
    }

    /** Its own exit code, with what it last wrote to standard error. */
    JobFailure ended(int exitCode, byte[] stderr, boolean retryable) {
        return new JobFailure(
                        JobError.failed("The command '" + name + "' ended with exit code " + exitCode + ".", retryable))
                .with("exit_code", exitCode)
                .with("stderr", new String(stderr, StandardCharsets.UTF_8));
    }

    /** A resident process ended although it held a job: another one may do better. */
    JobFailure died(int exitCode, byte[] stderr) {
        return new JobFailure(JobError.failed(
                        "The process of the command '" + name + "' ended with exit code " + exitCode
                                + " before it had answered.",
                        true))
                .with("exit_code", exitCode)
                .with("stderr", new String(stderr, StandardCharsets.UTF_8));
    }

    /** A resident process closed its standard output and went on. */
    JobFailure fellSilent(byte[] stderr) {
        return new JobFailure(JobError.failed(
                        "The process of the command '" + name + "' closed its standard output before it had answered.",
                        true))
                .with("stderr", new String(stderr, StandardCharsets.UTF_8));
    }

    JobFailure noAnswer(String beginning) {
        return JobFailure.of("The command '" + name + "' answered with a line that is not one JSON value in UTF-8. A"
                        + " resident command answers each line with one line of JSON; what else it has to say belongs"
                        + " to standard error.")
                .with("line", beginning);
    }
}
