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
import java.util.Collections;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Law 5: a small batch never waits for big ones that came first. Counts jobs, not time: the workers go on from job to job
 * only as the test allows it, one at a time, and by the pool's clock each job takes longer than its wait should.
 */
class FairnessTest {

    private static final int BIG = 3000;
    private static final int SMALL = 10;
    private static final int BACKGROUND_FEEDERS = 2;

    /** Room for the first jobs of all the big batches. */
    private static final int QUEUE = 500;

    private static final Duration LONG = Duration.ofSeconds(PATIENCE_SECONDS);

    /** What a job takes by the pool's clock. */
    private static final long JOB_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

    @TempDir
    private Path directory;

    private final ExecutorService clients = Executors.newCachedThreadPool();
    private final AtomicLong clock = new AtomicLong();

    /** Fair: the job that began first ends first. */
    private final Semaphore runs = new Semaphore(0, true);

    private final Semaphore runsInCallers = new Semaphore(0);

    /** The batch of each job that a worker has been through, in this order. */
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
                clock.addAndGet(JOB_NANOS);
                ran.add(name);
            }
            return new JobOutput(job.input());
        });
    }

    private BeltHarness harness(int workers, int permits) {
        Path file = directory.resolve("fair.db");
        BeltHarness.Parts parts =
                new BeltHarness.Parts(file, workers, QUEUE, permits, WaitingBatches.CAPACITY).withPoolClock(clock::get);
        return new BeltHarness(parts, gated("big"), gated("small")).started();
    }

    @ParameterizedTest(name = "{1} fed by callers, {2} in the background, {0} workers; the small one is attended: {3}")
    @CsvSource({
        "1,1,0,true",
        "1,1,0,false",
        "1,0,1,true",
        "1,0,1,false",
        "1,3,3,true",
        "1,20,0,true",
        "1,0,20,true",
        "1,10,10,false",
        "3,1,0,false",
        "3,0,20,true",
        "3,10,10,true"
    })
    void aSmallBatchPassesBigOnesThatCameFirst(int workers, int byCallers, int inBackground, boolean attended)
            throws Exception {
        // Those that run, one in the queue for each worker, and the turns of those who wait for room.
        int bigJobsBetween = 2 * workers + 2;
        try (BeltHarness harness = harness(workers, byCallers > 2 ? 2 : 0)) {
            beginBigOnes(harness, byCallers, inBackground);
            await(harness, now -> now.callersRunning() + now.producersWaiting() >= byCallers);

            Duration hold = attended ? LONG : Duration.ZERO;
            Future<BatchRef> small = clients.submit(() -> harness.submit("small", segments("small", SMALL, 0), hold));
            small.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
            List<String> order = let(harness, SMALL + bigJobsBetween);

            assertThat(order).filteredOn("small"::equals).hasSize(SMALL);
            // And the big ones are not starved: they have their turns.
            assertThat(order).filteredOn("big"::equals).hasSize(bigJobsBetween);
        }
    }

    /** Once it has had its first sixteen, each of its jobs stands in line with one of each who feeds a big batch. */
    @ParameterizedTest(name = "amid {0} fed by callers and {1} in the background")
    @CsvSource({"1,0,1", "0,1,1", "3,0,3", "0,20,2"})
    void aBatchOfAHundredSharesWithTheBigOnesEvenly(int byCallers, int inBackground, int feeders) throws Exception {
        int hundred = 100;
        int early = 16;
        int bigJobsBetween = 4 + feeders * (hundred - early);
        try (BeltHarness harness = harness(1, 0)) {
            beginBigOnes(harness, byCallers, inBackground);
            Future<?> fed = clients.submit(() -> harness.submit("small", segments("small", hundred, 0), LONG));
            await(harness, now -> now.queued() >= early && now.producersWaiting() == feeders + 1);

            List<String> order = new ArrayList<>();
            int small = 0;
            while (small < hundred) {
                // The small one's feeder is quick to come back, as the big one's is; once it has fed all, it does not.
                await(harness, now -> fed.isDone() || now.producersWaiting() >= feeders + 1);
                order.addAll(let(harness, 1));
                small = Collections.frequency(order, "small");
            }
            assertThat(order).hasSizeLessThanOrEqualTo(hundred + bigJobsBetween);
        }
    }

    /** Big batches whose first jobs have run. */
    private void beginBigOnes(BeltHarness harness, int byCallers, int inBackground) throws InterruptedException {
        for (int n = 0; n < inBackground; n++) {
            harness.submit("behind-" + n, segments("big", BIG, 0), Duration.ZERO);
        }
        for (int n = 0; n < byCallers; n++) {
            BatchRef ref = harness.seal("called-" + n, segments("big", BIG, 0));
            clients.execute(() -> harness.belt.feed(ref, segments("big", BIG, 0), LONG));
        }
        int workers = harness.pool.snapshot().workers();
        int firsts = 16 * (byCallers + inBackground);
        await(harness, now -> now.queued() + now.activeWorkers() >= firsts);
        let(harness, firsts);
        // Before all who feed wait for room, the queue may still grow.
        int feeders = byCallers + Math.min(inBackground, BACKGROUND_FEEDERS);
        await(harness, now -> now.callersRunning() + now.producersWaiting() >= feeders);
        while (harness.pool.snapshot().queued() > workers) {
            let(harness, 1);
            await(harness, now -> now.callersRunning() + now.producersWaiting() >= feeders);
        }
        await(harness, now -> now.queued() == workers && runs.getQueueLength() == workers);
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
            if (System.nanoTime() - deadline >= 0) {
                throw new AssertionError("This did not come about within " + LONG + ": " + harness.pool.snapshot());
            }
            Thread.onSpinWait();
        }
    }

    /** Lets so many jobs end, one after the other, and says which they were. */
    private List<String> let(BeltHarness harness, int jobs) throws InterruptedException {
        List<String> order = new ArrayList<>();
        for (int n = 0; n < jobs; n++) {
            await(harness, now -> runs.getQueueLength() == now.workers());
            runs.release();
            order.add(ran.poll(PATIENCE_SECONDS, TimeUnit.SECONDS));
        }
        return order;
    }
}
