package io.conveyor.store;

import io.conveyor.job.Job;
import io.conveyor.job.JobState;
import io.conveyor.job.Run;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** Makes batches, jobs and outcomes, and waits for what the store tells. */
final class Batches {

    static final String TENANT = "acme";

    private Batches() {}

    static NewBatch batch(BatchStore store, String id, int total) {
        return batch(new BatchRef(TENANT, store.newBatchNo(), id), total);
    }

    static NewBatch batch(BatchRef ref, int total) {
        return new NewBatch(
                ref, "nightly", bytes("{\"a\":1.10}"), bytes("print-" + ref.id()), 30_000, total, 1_000_000);
    }

    /** Packs jobs {@code from} to {@code to} - 1 into segments of that many jobs. */
    static List<PackedSegment> segments(int from, int to, int jobs) {
        List<PackedSegment> segments = new ArrayList<>();
        SegmentPacker packer = new SegmentPacker();
        for (int index = from; index < to; index++) {
            packer.add(job(index));
            if ((index - from + 1) % jobs == 0 || index == to - 1) {
                segments.add(packer.take());
            }
        }
        return segments;
    }

    @SuppressWarnings("NullAway") // JDK 17 does not show it that the array may be null
    static Job job(int index) {
        return new Job(index, "echo", null, 0, null, bytes("{\"n\":" + index + "}"));
    }

    static NewBatch seal(BatchStore store, String id, int total, int jobsASegment) {
        NewBatch batch = batch(store, id, total);
        if (!store.seal(batch, segments(0, total, jobsASegment))) {
            throw new IllegalStateException(id + " was there");
        }
        return batch;
    }

    static OutcomeEntry outcome(SegmentRef segment, int index) {
        return outcome(segment, index, JobState.SUCCEEDED, 0);
    }

    /** An outcome whose value has that many more bytes in it. */
    static OutcomeEntry outcome(SegmentRef segment, int index, JobState state, int bytes) {
        return new OutcomeEntry(
                segment,
                index,
                "echo",
                null,
                state,
                bytes("\"" + "x".repeat(bytes) + index + "\""),
                new Run(1, index, index % 7 * 1_000_000L, 2_000_000 + index, 2_000_010 + index, "worker-" + index % 3));
    }

    /** What stands in the line of such an outcome after index and seq. */
    static String tail(OutcomeEntry outcome) {
        Run run = outcome.run();
        String head = ",\"kind\":\"echo\",\"state\":\"" + outcome.state().wireName()
                + (outcome.state() == JobState.SUCCEEDED ? "\",\"output\":" : "\",\"error\":")
                + new String(outcome.value(), StandardCharsets.UTF_8) + ",\"attempts\":" + run.attempts();
        String end = "\"ended_at\":\"" + time(run.endedAt()) + "\"";
        return run.attempts() == 0
                ? head + "," + end + "}"
                : head + ",\"wait_ms\":" + run.waitMillis() + ",\"duration_ms\":" + run.durationNanos() / 1_000_000
                        + ",\"started_at\":\"" + time(run.startedAt()) + "\"," + end + ",\"worker\":\"" + run.worker()
                        + "\"}";
    }

    private static String time(long millis) {
        return DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSSX")
                .format(Instant.ofEpochMilli(millis).atOffset(ZoneOffset.UTC));
    }

    static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /** Looks until it is so. */
    static void until(BooleanSupplier condition) {
        long begin = System.nanoTime();
        while (!condition.getAsBoolean()) {
            LockSupport.parkNanos(200_000);
            if (System.nanoTime() - begin > TimeUnit.SECONDS.toNanos(60)) {
                throw new AssertionError("It did not come about");
            }
        }
    }

    /** Prints its seed, with which a run can be repeated. */
    static SplittableRandom seeded() {
        long seed = Long.getLong("seed", System.nanoTime());
        System.out.println("Repeat with -Dseed=" + seed);
        return new SplittableRandom(seed);
    }

    static <T> void shuffle(List<T> list, SplittableRandom random) {
        for (int i = list.size() - 1; i > 0; i--) {
            java.util.Collections.swap(list, i, random.nextInt(i + 1));
        }
    }

    /** Keeps what the store tells, and hands it out as it comes. */
    static final class Told implements StoreListener {

        final BlockingQueue<OutcomeEntry> kept = new LinkedBlockingQueue<>();
        final BlockingQueue<OutcomeEntry> late = new LinkedBlockingQueue<>();
        final BlockingQueue<BatchRef> ended = new LinkedBlockingQueue<>();
        final BlockingQueue<BatchRef> stopped = new LinkedBlockingQueue<>();
        final BlockingQueue<BatchRef> sealed = new LinkedBlockingQueue<>();
        final BlockingQueue<NewBatch> continued = new LinkedBlockingQueue<>();
        final BlockingQueue<StoreException> failures = new LinkedBlockingQueue<>();
        final BlockingQueue<StoreException> broken = new LinkedBlockingQueue<>();

        @Override
        public void sealed(BatchRef batch, int jobs) {
            sealed.add(batch);
        }

        @Override
        public void recorded(BatchRef batch, List<OutcomeEntry> outcomes, boolean wasKept) {
            (wasKept ? kept : late).addAll(outcomes);
        }

        @Override
        public void ended(BatchRef batch, io.conveyor.job.BatchOutcome outcome) {
            ended.add(batch);
        }

        @Override
        public void continued(NewBatch batch) {
            continued.add(batch);
        }

        @Override
        public void stopped(BatchRef batch, io.conveyor.job.StopReason reason) {
            stopped.add(batch);
        }

        @Override
        public void commitFailed(StoreException failure) {
            failures.add(failure);
        }

        @Override
        public void broken(StoreException failure) {
            broken.add(failure);
        }

        static <T> List<T> take(BlockingQueue<T> queue, int n) {
            List<T> taken = new ArrayList<>();
            try {
                while (taken.size() < n) {
                    T next = queue.poll(30, TimeUnit.SECONDS);
                    if (next == null) {
                        throw new AssertionError("Only " + taken.size() + " of " + n + " came");
                    }
                    taken.add(next);
                }
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
            return taken;
        }
    }
}
