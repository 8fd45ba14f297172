package io.conveyor.belt;

import static io.conveyor.belt.BeltHarness.PATIENCE_SECONDS;
import static io.conveyor.belt.BeltHarness.handler;
import static io.conveyor.belt.BeltHarness.segments;
import static org.assertj.core.api.Assertions.assertThat;

import io.conveyor.handler.JobHandler;
import io.conveyor.handler.JobOutput;
import io.conveyor.pool.PoolSnapshot;
import io.conveyor.store.BatchRef;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Law 5: a small batch never waits for big ones that came first. Counts jobs, not time: one worker, which goes on from job
 * to job only as the test allows it.
 */
class FairnessTest {

    private static final int BIG = 2000;
    private static final int SMALL = 10;
    private static final int QUEUE = 100;
    private static final Duration LONG = Duration.ofSeconds(PATIENCE_SECONDS);

    /** The one that runs when the small batch comes, and one for each three of the small batch's own jobs. */
    private static final int BIG_JOBS_BETWEEN = 1 + SMALL / 3;

    @TempDir
    private Path directory;

    private final ExecutorService clients = Executors.newCachedThreadPool();
    private final Semaphore runs = new Semaphore(0);
    private final Semaphore runsInCallers = new Semaphore(0);

    /** The batch of each job that the worker has been through, in this order. */
    private final LinkedBlockingQueue<String> ran = new LinkedBlockingQueue<>();

    @AfterEach
    void endClients() {
        clients.shutdownNow();
    }

    private JobHandler gated(String name) {
        return handler(name, job -> {
            boolean worker = Thread.currentThread().getName().contains("worker");
            (worker ? runs : runsInCallers).acquire();
            if (worker) {
                ran.add(name);
            }
            return new JobOutput(job.input());
        });
    }

    @ParameterizedTest(name = "{0} fed by callers, {1} in the background; the small one waits for its results: {2}")
    @CsvSource({"1,0,true", "1,0,false", "0,1,true", "0,1,false", "3,3,true", "20,0,true", "0,20,true", "10,10,false"})
    void aSmallBatchPassesBigOnesThatCameFirst(int byCallers, int inBackground, boolean attended) throws Exception {
        try (BeltHarness harness =
                new BeltHarness(directory.resolve("fair.db"), 1, QUEUE, 2, gated("big"), gated("small")).started()) {
            for (int n = 0; n < inBackground; n++) {
                harness.submit("behind-" + n, segments("big", BIG, 0), Duration.ZERO);
            }
            for (int n = 0; n < byCallers; n++) {
                BatchRef ref = harness.seal("called-" + n, segments("big", BIG, 0));
                clients.execute(() -> harness.belt.feed(ref, segments("big", BIG, 0), LONG));
            }
            await(harness, now -> now.saturation() >= 0.9 && now.activeWorkers() == 1);
            await(harness, now -> now.callersRunning() + now.producersWaiting() >= byCallers);

            Duration hold = attended ? LONG : Duration.ZERO;
            Future<BatchRef> small = clients.submit(() -> harness.submit("small", segments("small", SMALL, 0), hold));
            small.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
            List<String> order = let(SMALL + BIG_JOBS_BETWEEN);

            assertThat(order).filteredOn("small"::equals).hasSize(SMALL);
            // And the big ones are not starved: they have their turns.
            assertThat(order).filteredOn("big"::equals).hasSize(BIG_JOBS_BETWEEN);
        }
    }

    @Test
    void aSmallBatchForWhichThereIsNoRoomHasItsTurnsAmongTheBigOnes() throws Exception {
        // A turn or two for each batch, and not enough for any two of the big ones.
        int enough = 3000;
        try (BeltHarness harness =
                new BeltHarness(directory.resolve("ring.db"), 1, 1, 0, gated("big"), gated("small")).started()) {
            List<BatchRef> big = new ArrayList<>();
            for (int n = 0; n < 4; n++) {
                big.add(harness.submit("big-" + n, segments("big", BIG, 0), Duration.ZERO));
            }
            BatchRef small = harness.submit("small", segments("small", SMALL, 0), Duration.ZERO);
            // Not earlier: before this thread gets here again, the big ones may have used up all.
            runs.release(enough);

            assertThat(harness.awaitEnd(small).tally().succeeded()).isEqualTo(SMALL);
            assertThat(big).allMatch(each -> !harness.find(each).ended());
        }
    }

    private static void await(BeltHarness harness, Predicate<PoolSnapshot> state) {
        long deadline = System.nanoTime() + LONG.toNanos();
        while (!state.test(harness.pool.snapshot())) {
            assertThat(System.nanoTime() - deadline).as("patience").isNegative();
            Thread.onSpinWait();
        }
    }

    /** Lets the worker end so many jobs and says which they were. */
    private List<String> let(int jobs) throws InterruptedException {
        runs.release(jobs);
        List<String> order = new ArrayList<>();
        for (int n = 0; n < jobs; n++) {
            order.add(ran.poll(PATIENCE_SECONDS, TimeUnit.SECONDS));
        }
        return order;
    }
}
