package io.conveyor.belt;

import static io.conveyor.belt.BeltHarness.segments;
import static org.assertj.core.api.Assertions.assertThat;

import io.conveyor.LeftThreads;
import io.conveyor.handler.JobFailure;
import io.conveyor.handler.JobHandler;
import io.conveyor.handler.JobOutput;
import io.conveyor.job.BatchRules;
import io.conveyor.job.BatchState;
import io.conveyor.store.BatchRef;
import io.conveyor.store.PackedSegment;
import io.conveyor.store.StoreException;
import io.conveyor.store.StoredBatch;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Belts and stores that are started and stopped one after the other on one file, with work in flight and by two at once: each
 * stop ends, no thread is left, and what was accepted ends in the last life. {@code -Dlives=} makes it longer.
 */
@Timeout(900)
class BeltLifeTest {

    private static final int LIVES = Integer.getInteger("lives", 20);

    @TempDir
    private Path directory;

    /** What was accepted, and how many jobs it has. */
    private final Map<BatchRef, Integer> accepted = new ConcurrentHashMap<>();

    private final AtomicInteger number = new AtomicInteger();
    private final Queue<Throwable> faults = new ConcurrentLinkedQueue<>();

    /** Takes a moment, and fails the first time if it is one of every ten. */
    private final JobHandler work = BeltHarness.handler("work", job -> {
        LockSupport.parkNanos(50_000);
        if (job.attempt() == 1 && BeltHarness.input(job).endsWith("3")) {
            throw JobFailure.retryable("not yet");
        }
        if (Thread.interrupted()) {
            throw new InterruptedException("the stop");
        }
        return new JobOutput(job.input());
    });

    private BeltHarness belt() {
        BeltHarness.Parts parts = new BeltHarness.Parts(directory.resolve("conveyor.db"), 2, 4, 1, 2);
        return new BeltHarness(parts.withRetries(ManualClock.quick(3)), work);
    }

    @Test
    void whateverTheMomentOfTheStopNoThreadIsLeftAndWhatWasAcceptedEnds() throws Exception {
        long seed = Long.getLong("seed", System.nanoTime());
        System.out.println("BeltLifeTest: repeat with -Dseed=" + seed);
        SplittableRandom random = new SplittableRandom(seed);
        LeftThreads threads = LeftThreads.of(
                "conveyor-feeder-",
                "conveyor-retries",
                "conveyor-control",
                "conveyor-quarantine",
                "conveyor-store-",
                "conveyor-limits",
                "test-worker-",
                "test-watchdog");
        try (Race race = new Race()) {
            for (int life = 0; life < LIVES; life++) {
                live(race, random.split(), life % 10 == 9);
                threads.assertNone();
            }
        }
        assertThat(faults).isEmpty();
        assertThat(accepted).isNotEmpty();
        try (BeltHarness last = belt().started()) {
            for (Map.Entry<BatchRef, Integer> each : accepted.entrySet()) {
                if (last.find(each.getKey()).state() == BatchState.PAUSED) {
                    last.belt.resume(each.getKey());
                }
                StoredBatch ended = last.awaitEnd(each.getKey());
                assertThat(ended.tally().succeeded() + ended.tally().cancelled())
                        .as("%s", ended)
                        .isEqualTo(each.getValue());
                assertThat(last.results(each.getKey())).hasSize(each.getValue());
            }
            assertThat(last.store.backlogJobs()).isZero();
        }
        threads.assertNone();
        System.out.println("BeltLifeTest: " + accepted.size() + " batches in " + LIVES + " lives");
    }

    /** @param unused whether it is stopped before it was started */
    private void live(Race race, SplittableRandom random, boolean unused) throws Exception {
        SplittableRandom first = random.split();
        SplittableRandom second = random.split();
        int spins = random.nextInt(300_000);
        Duration drain = random.nextBoolean() ? Duration.ofSeconds(10) : Duration.ZERO;
        BeltHarness harness = belt();
        try (harness) {
            if (unused) {
                race.run(() -> harness.stop(drain), () -> harness.stop(drain));
                return;
            }
            harness.started();
            race.run(
                    () -> bring(harness, first),
                    () -> bring(harness, second),
                    () -> {
                        Race.spin(spins);
                        harness.stop(drain);
                    },
                    () -> {
                        Race.spin(spins);
                        harness.stop(drain);
                    });
        }
    }

    /** Brings batches until the belt takes no more, and pauses or cancels some. */
    private void bring(BeltHarness harness, SplittableRandom random) {
        try {
            for (int batches = 0; batches < 50 && harness.belt.accepting(); batches++) {
                List<PackedSegment> segments = segments("work", 1 + random.nextInt(30), 0);
                int jobs = segments.stream().mapToInt(PackedSegment::jobs).sum();
                int atOnce = random.nextInt(3) == 0 ? 1 : 0;
                BatchRef ref =
                        harness.seal("b" + number.incrementAndGet(), segments, new BatchRules(0, 0, atOnce, 0, null));
                accepted.put(ref, jobs);
                harness.belt.feed(ref, segments, random.nextBoolean() ? Duration.ofMillis(5) : Duration.ZERO);
                switch (random.nextInt(8)) {
                    case 0 -> harness.belt.cancel(ref);
                    case 1 -> harness.belt.pause(ref);
                    default -> {}
                }
            }
        } catch (StoreException e) {
            assertThat(e.reason()).isEqualTo(StoreException.Reason.UNAVAILABLE); // it has closed
        } catch (RuntimeException e) {
            faults.add(e);
        }
    }
}
