package io.conveyor.belt;

import static io.conveyor.belt.BeltHarness.PATIENCE_SECONDS;
import static io.conveyor.belt.BeltHarness.handler;
import static io.conveyor.belt.BeltHarness.input;
import static org.assertj.core.api.Assertions.assertThat;

import io.conveyor.handler.JobContext;
import io.conveyor.handler.JobFailure;
import io.conveyor.handler.JobHandler;
import io.conveyor.handler.JobOutput;
import io.conveyor.job.JobKind;
import io.conveyor.store.BatchRef;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.io.TempDir;

/** Jobs that a test holds and lets go, on a store of its own. */
abstract class GatedJobs {

    static final Duration LONG = Duration.ofSeconds(PATIENCE_SECONDS);

    /** Longer than any test waits: who feeds for so long ends only because something ends it. */
    static final Duration ENDLESS = Duration.ofDays(1);

    final Semaphore begun = new Semaphore(0);
    final Semaphore gate = new Semaphore(0);
    final Semaphore failure = new Semaphore(0);

    /** Inputs of the jobs that have run, in the order of their start. */
    final Queue<String> ran = new ConcurrentLinkedQueue<>();

    /** Notes that it runs. */
    final JobHandler noted = handler("noted", job -> {
        ran.add(input(job));
        return new JobOutput(job.input());
    });

    /** Says that it runs, then waits for the test, or for its interrupt. */
    final JobHandler gated = handler("gated", job -> {
        ran.add(input(job));
        begun.release();
        gate.acquire();
        return new JobOutput(job.input());
    });

    /** The same, deaf to interrupts. */
    final JobHandler deaf = new Deaf("deaf", gate, job -> {
        ran.add(input(job));
        begun.release();
        gate.acquireUninterruptibly();
        return new JobOutput(job.input());
    });

    /** The same, but the job whose input is 0 fails when the test lets it. */
    final JobHandler firstFails = new Deaf("first-fails", failure, job -> {
        ran.add(input(job));
        begun.release();
        if (input(job).equals("0")) {
            failure.acquireUninterruptibly();
            throw JobFailure.of("as the test wants it");
        }
        gate.acquire();
        return new JobOutput(job.input());
    });

    private record Deaf(String name, Semaphore held, BeltHarness.Work work) implements BeltHarness.Deaf {

        @Override
        public JobKind kind() {
            return new JobKind(name, "for a test", "{}");
        }

        @Override
        public JobOutput handle(JobContext job) throws Exception {
            return work.handle(job);
        }

        @Override
        public void letGo() {
            held.release(1_000_000);
        }
    }

    @TempDir
    Path directory;

    @SuppressWarnings("NullAway.Init")
    GatedJobs() {}

    final Path file() {
        return directory.resolve("conveyor.db");
    }

    /** Every job has one line, and the numbers of completion have no gap. */
    static void assertResults(BeltHarness harness, BatchRef ref, int jobs) {
        List<String> lines = harness.results(ref);
        assertThat(lines).hasSize(jobs);
        assertThat(lines.stream()
                        .map(line -> line.replaceAll(".*?\"seq\":(\\d+).*", "$1"))
                        .map(Integer::valueOf))
                .containsExactlyInAnyOrderElementsOf(
                        IntStream.rangeClosed(1, jobs).boxed().toList());
    }

    final void awaitBegun(int jobs) throws InterruptedException {
        assertThat(begun.tryAcquire(jobs, PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
    }
}
