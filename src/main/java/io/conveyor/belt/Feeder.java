package io.conveyor.belt;

import io.conveyor.job.Job;
import io.conveyor.limit.Permit;
import io.conveyor.pool.Handover;
import io.conveyor.pool.PoolTask;
import io.conveyor.pool.WorkerPool;
import io.conveyor.store.BatchStore;
import io.conveyor.store.OpenSegment;
import io.conveyor.store.PackedSegment;
import io.conveyor.store.SegmentCursor;
import io.conveyor.store.SegmentRef;
import java.time.Duration;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * Hands the jobs of a batch to the pool, one after the other, from where the batch stands. Stateless and thread-safe;
 * called by the one thread that owns the batch at the time.
 */
final class Feeder {

    /** Why a feeder stopped. */
    enum Result {
        /** Every job has been handed over. */
        FED,
        /** The time for this turn is up. */
        TIME_UP,
        /** The batch is paused. */
        PAUSED,
        /** The next job has no place in a limit; the batch is called when it may have one. */
        LIMITED,
        /** The pool takes no more: the service stops, and the rest stays in the store. */
        CLOSED
    }

    /** How a job goes to the pool. */
    enum Manner {
        /** In the request's thread: when the queue is full the caller runs the job itself. */
        CALLER,
        /** Through the queue only. */
        BACKGROUND
    }

    /**
     * How much is fed at once.
     *
     * @param time how long to go on; with zero it hands over what the pool takes at once
     * @param segments how many to feed at the most
     * @param segmentsPassedOver how many of a cancelled batch to have recorded as cancelled at the most
     */
    record Turn(Manner manner, Duration time, int segments, int segmentsPassedOver) {

        /** A segment; or 64 of a cancelled batch: some 16,000 jobs, for which the store takes about 10 ms. */
        static Turn inBackground(Duration time) {
            return new Turn(Manner.BACKGROUND, time, 1, 64);
        }

        /** Whatever there is. */
        static Turn ofAll(Manner manner, Duration time) {
            return new Turn(manner, time, Integer.MAX_VALUE, Integer.MAX_VALUE);
        }
    }

    private final WorkerPool pool;
    private final BatchStore store;
    private final JobRunner runner;
    private final Admission admission;

    Feeder(WorkerPool pool, BatchStore store, JobRunner runner, Admission admission) {
        this.pool = pool;
        this.store = store;
        this.runner = runner;
        this.admission = admission;
    }

    /**
     * Feeds a batch for a turn.
     *
     * @param inMemory segments that need not be read from the store
     */
    Result feed(ActiveBatch batch, List<PackedSegment> inMemory, Turn turn) {
        Time time = new Time(System.nanoTime() + turn.time().toNanos());
        Result again = feedTakenBack(batch, turn.manner(), time);
        if (again != Result.FED) {
            return again;
        }
        for (int fed = 0; fed < turn.segments() && !batch.isFed() && !batch.isCancelled(); fed++) {
            OpenSegment segment = segmentToFeed(batch, inMemory);
            if (segment == null) {
                batch.advanceTo(batch.indexEnd());
            } else {
                Result result = feed(batch, segment, turn.manner(), time);
                if (result != Result.FED && !batch.isCancelled()) {
                    return result;
                }
            }
        }
        if (batch.isCancelled()) {
            // The last one may have come into the queue after the stop had looked there.
            runner.takeBack(batch).forEach(runner::passOver);
            passOver(batch, turn.segmentsPassedOver());
        }
        return batch.isFed() ? Result.FED : Result.TIME_UP;
    }

    /** What came back from the pool goes first. */
    private Result feedTakenBack(ActiveBatch batch, Manner manner, Time time) {
        for (JobTask task = batch.pollTakenBack(); task != null; task = batch.pollTakenBack()) {
            if (batch.isCancelled()) {
                batch.handOver();
                runner.passOver(task);
            } else {
                Result result = batch.isPaused() ? Result.PAUSED : hand(batch, task, manner, time);
                if (result != Result.FED) {
                    batch.keepFirst(task);
                    return result;
                }
            }
        }
        return Result.FED;
    }

    /** Has what is left of a cancelled batch recorded as cancelled: nothing of it goes to the pool. */
    private void passOver(ActiveBatch batch, int segments) {
        for (int passed = 0; passed < segments && !batch.isFed(); passed++) {
            OpenSegment open = store.openSegment(batch.ref(), batch.nextIndex());
            if (open == null) {
                batch.advanceTo(batch.indexEnd());
                return;
            }
            SegmentCursor cursor = new SegmentCursor(open.segment());
            while (cursor.hasNext()) {
                int index = cursor.nextIndex();
                if (isDone(batch, open, index)) {
                    cursor.skip();
                } else {
                    batch.handOver();
                    runner.passOver(new JobTask(runner, batch, open.ref(), job(cursor)));
                }
                batch.advanceTo(Math.max(batch.nextIndex(), index + 1));
            }
        }
    }

    /** Whether it is not this feeder's: handed over, recorded, waiting for another attempt, or looked at by itself. */
    private static boolean isDone(ActiveBatch batch, OpenSegment open, int index) {
        return index < batch.nextIndex()
                || batch.isApart(index)
                || open.recorded().get(index - open.segment().firstIndex())
                || open.tried().get(index - open.segment().firstIndex());
    }

    private @Nullable OpenSegment segmentToFeed(ActiveBatch batch, List<PackedSegment> inMemory) {
        int next = batch.nextIndex();
        boolean reached = !inMemory.isEmpty() && inMemory.get(0).firstIndex() <= next;
        for (PackedSegment segment : inMemory) {
            if (reached && next < segment.endIndex()) {
                return new OpenSegment(
                        SegmentRef.fresh(batch.ref(), segment.firstIndex()), segment, new BitSet(), new BitSet());
            }
        }
        return store.openSegment(batch.ref(), next);
    }

    private Result feed(ActiveBatch batch, OpenSegment open, Manner manner, Time time) {
        SegmentCursor cursor = new SegmentCursor(open.segment());
        while (cursor.hasNext()) {
            int index = cursor.nextIndex();
            if (batch.isCancelled()) {
                return Result.TIME_UP;
            }
            if (batch.isPaused()) {
                return Result.PAUSED;
            }
            if (isDone(batch, open, index)) {
                cursor.skip();
            } else {
                Result result = hand(batch, new JobTask(runner, batch, open.ref(), job(cursor)), manner, time);
                if (result != Result.FED) {
                    return result;
                }
            }
            batch.advanceTo(Math.max(batch.nextIndex(), index + 1));
        }
        return Result.FED;
    }

    private static Job job(SegmentCursor cursor) {
        return cursor.next();
    }

    private Result hand(ActiveBatch batch, JobTask job, Manner manner, Time time) {
        if (time.isUp()) {
            return Result.TIME_UP;
        }
        batch.asks();
        Permit permit = admission.admit(batch, job.job());
        if (permit == null) {
            return Result.LIMITED;
        }
        PoolTask task = job.with(permit);
        batch.handOver();
        boolean taken = false;
        try {
            taken = switch (manner) {
                case CALLER -> time.note(pool.offerUntil(task, time.deadline)) != Handover.NO_ROOM;
                case BACKGROUND -> pool.enqueueUntil(task, time.deadline);
            };
            return taken ? Result.FED : Result.TIME_UP;
        } catch (RejectedExecutionException e) {
            return Result.CLOSED;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Result.TIME_UP;
        } finally {
            if (!taken) {
                permit.release();
                batch.takeBack();
            }
        }
    }

    /**
     * The time of one turn. Who waits for room goes by the deadline there; who runs a job looks at the clock afterwards, or would
     * go on for as long as a permit is free.
     */
    private static final class Time {

        private final long deadline;

        // Mutable state
        private boolean ran;

        Time(long deadline) {
            this.deadline = deadline;
        }

        Handover note(Handover handover) {
            ran |= handover == Handover.RAN_IN_CALLER;
            return handover;
        }

        boolean isUp() {
            return ran && System.nanoTime() - deadline >= 0;
        }
    }
}
