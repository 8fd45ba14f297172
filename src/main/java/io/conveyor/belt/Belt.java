package io.conveyor.belt;

import io.conveyor.handler.HandlerRegistry;
import io.conveyor.job.BatchOutcome;
import io.conveyor.job.CallbackFault;
import io.conveyor.job.JobKind;
import io.conveyor.job.StopReason;
import io.conveyor.limit.Limits;
import io.conveyor.pool.DrainReport;
import io.conveyor.pool.WorkerPool;
import io.conveyor.store.AttemptEntry;
import io.conveyor.store.BatchRef;
import io.conveyor.store.BatchStore;
import io.conveyor.store.NewBatch;
import io.conveyor.store.OutcomeEntry;
import io.conveyor.store.PackedSegment;
import io.conveyor.store.RunningLog;
import io.conveyor.store.StoreListener;
import io.conveyor.store.Suspect;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The engine's face: takes sealed batches, has their jobs run, and tells who waits for what. The store is the queue; what
 * this class holds in memory is bounded, whatever the backlog. Thread-safe.
 *
 * <p><b>Threads and state.</b> {@link ActiveBatches} says what is in memory, and where it stands; one thread feeds a batch at a
 * time (see {@link ActiveBatch}).
 *
 * <p><b>Stop</b> ({@link #stop}): 1. refuse new work; 2. close the ring and the pool: feeders and callers that wait for
 * room return, queued jobs stay in the store; 3. running jobs get the drain time, then are interrupted and leave no
 * outcome; 4. outcomes in hand are the store's to commit when it closes; 5. everybody who waits is released.
 */
public final class Belt implements StoreListener {

    /** How long an upload that waits for a limit goes without a look whether the service stops. */
    private static final Duration LOOK = Duration.ofMillis(100);

    /** As good as for ever: a job may run for a day, and another thousand before it. */
    private static final Duration NO_LIMIT = Duration.ofDays(1000);

    /** Somebody's place among those who wait; closing it gives it up. */
    public interface Registration extends AutoCloseable {
        @Override
        void close();
    }

    private final BatchStore store;
    private final WorkerPool pool;
    private final HandlerRegistry handlers;
    private final RunningJobs running;
    private final Control control;
    private final Feeder feeder;
    private final ActiveBatches batches;
    private final BackgroundFeeders feeders;
    private final RetryPolicy policy;
    private final Retries retries;
    private final Quarantine quarantine;
    private final Waiters waiters = new Waiters();

    // Mutable state
    /** Written by start and stop, read by all. */
    private volatile boolean accepting;

    /**
     * What a belt works with.
     *
     * @param alone how long everything else waits at first for jobs that ran in two crashes
     */
    record Parts(
            BatchStore store,
            WorkerPool pool,
            HandlerRegistry handlers,
            RunningJobs running,
            JobRunner runner,
            RetryPolicy retries,
            Limits limits,
            Duration alone) {}

    /** @param ring batches that wait in memory at the most, for a feeder, and for another attempt */
    Belt(Parts parts, int ring) {
        this.store = parts.store();
        this.pool = parts.pool();
        this.handlers = parts.handlers();
        this.running = parts.running();
        this.policy = parts.retries();
        JobRunner runner = parts.runner();
        this.control = new Control(store, running, runner, new InMemory());
        Admission admission = new Admission(parts.limits(), handlers);
        this.batches = new ActiveBatches(store, ring, this::takenUp);
        this.retries = new Retries(parts, admission, batches, ring);
        this.feeder = new Feeder(pool, store, runner, admission);
        this.feeders = new BackgroundFeeders(
                batches.waiting(),
                feeder,
                new BackgroundFeeders.Ends(batches::fed, batches::hold, batches::waitForPlace, batches::waitForTurn));
        this.quarantine = new Quarantine(parts, batches, this::startFeeding);
    }

    /** Begins to work off what the store holds. */
    void start() {
        store.listen(this);
        control.start();
        RunningLog log = running.log();
        List<Suspect> suspects = store.crashed(log.formerRun(), log.found());
        log.start();
        quarantine.start(suspects);
        accepting = true;
    }

    /** The first write that is waited for: what was recorded before is in the store then. */
    private void startFeeding() {
        store.bringAttemptsForward(policy.latest()); // a clock that went wrong may have set later ones
        feeders.start();
        retries.start();
    }

    /** Ends the work; see the class. A second call does nothing more. */
    DrainReport stop(Duration drain) {
        accepting = false;
        batches.waiting().close();
        retries.close();
        DrainReport report = pool.drain(drain);
        running.log().clear();
        quarantine.stop();
        feeders.stop();
        retries.join();
        control.stop();
        waiters.releaseAll();
        return report;
    }

    /** Whether new batches are taken; false while the service stops. */
    public boolean accepting() {
        return accepting;
    }

    /** The kinds of job that can be run, sorted by name. */
    public List<JobKind> kinds() {
        return handlers.kinds();
    }

    /**
     * What keeps a callback to that URL from being accepted, if anything does.
     *
     * @param secretName name of the secret that it is to be signed with, or null for that without a name
     */
    public Optional<CallbackFault> callbackFault(String url, @Nullable String secretName) {
        return handlers.callbacks()
                .map(callbacks -> callbacks.fault(url, secretName))
                .orElseGet(() -> Optional.of(new CallbackFault("", "This service sends no callbacks.")));
    }

    /**
     * Makes a batch visible in the store, known here before it is so that nobody else takes it up; the caller goes on with
     * {@link #feed} at once.
     *
     * @param rest its segments that are not in the store yet
     * @return whether it is accepted; false when the tenant has a batch of that id already, and nothing was changed
     */
    public boolean seal(NewBatch batch, List<PackedSegment> rest) {
        batches.add(batch);
        boolean live = false;
        try {
            boolean sealed = store.seal(batch, rest);
            live = sealed && batch.total() > 0;
            if (live) {
                control.watch(batch.rules());
            }
            return sealed;
        } finally {
            if (!live) {
                batches.remove(batch.ref());
            }
        }
    }

    /**
     * Makes a batch visible whose upload still arrives, with its first segments. The caller, its only feeder until the
     * upload ends, goes on with {@link #feedOpen}, {@link #append} and {@link #complete}, or gives it up with {@link
     * #abandon}: then it ends as incomplete when what has come is done.
     *
     * @return as {@link #seal}
     */
    public boolean open(NewBatch batch, List<PackedSegment> first) {
        batches.addArriving(batch);
        boolean opened = false;
        try {
            opened = store.open(batch, first);
            if (opened) {
                control.watch(batch.rules());
            }
            return opened;
        } finally {
            if (!opened) {
                batches.remove(batch.ref());
            }
        }
    }

    /**
     * Adds jobs to an open batch; they are accepted when this returns.
     *
     * @return false when the batch was cancelled: nothing more of it is taken
     */
    public boolean append(BatchRef ref, List<PackedSegment> segments) {
        boolean appended = store.append(ref, segments);
        ActiveBatch batch = batches.find(ref);
        if (batch != null && appended) {
            segments.forEach(segment -> batch.grow(segment.jobs()));
        }
        return appended;
    }

    /**
     * Feeds what an open batch has so far, however long it takes: the calling thread runs jobs itself or waits for room,
     * and so reads its upload no faster than the crew works.
     *
     * @return false when the service stops: what is left stays in the store
     */
    public boolean feedOpen(BatchRef ref, List<PackedSegment> inMemory) {
        ActiveBatch batch = batches.find(ref);
        if (batch == null) {
            return true;
        }
        Feeder.Result result = feedAll(batch, inMemory);
        while (result == Feeder.Result.LIMITED) {
            if (!accepting) {
                return false; // jobs that go back to the store keep their places, so nobody calls any more
            }
            try {
                batch.awaitCall(LOOK);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return false;
            }
            result = feedAll(batch, inMemory);
        }
        return result == Feeder.Result.FED;
    }

    private Feeder.Result feedAll(ActiveBatch batch, List<PackedSegment> inMemory) {
        return quarantine.awaitEnd(NO_LIMIT)
                ? feeder.feed(batch, inMemory, Feeder.Turn.ofAll(Feeder.Manner.CALLER, NO_LIMIT))
                : Feeder.Result.CLOSED;
    }

    /** The upload of an open batch is complete, and everything of it has been fed. */
    public void complete(BatchRef ref, byte[] fingerprint, byte @Nullable [] keyFingerprint) {
        ActiveBatch batch = batches.find(ref);
        if (batch != null) {
            batch.arrives(false);
            batches.fed(batch);
        }
        store.complete(ref, fingerprint, keyFingerprint);
    }

    /** Gives up the upload of an open batch; what it has runs, in the background where it is not fed yet. */
    public void abandon(BatchRef ref) {
        store.abandon(ref);
        ActiveBatch batch = batches.find(ref);
        if (batch == null) {
            return;
        }
        batch.arrives(false);
        if (batch.isFed()) {
            batches.fed(batch);
        } else {
            batches.waitForTurn(batch);
        }
    }

    /**
     * Feeds a batch that {@link #seal} has just accepted, from the calling thread, which runs jobs itself while the queue
     * is full and a caller-runs permit is free, until all are handed over or the time is up; what is left goes to the
     * background feeders. Never fails for a stop of the service: the rest then stays in the store.
     *
     * @param inMemory segments of the batch that need not be read from the store
     * @param hold how long to feed; zero hands over what the queue takes at once and runs nothing in the caller
     */
    public void feed(BatchRef ref, List<PackedSegment> inMemory, Duration hold) {
        ActiveBatch batch = batches.find(ref);
        if (batch == null) {
            return; // it had no jobs
        }
        Feeder.Manner manner = hold.isZero() ? Feeder.Manner.BACKGROUND : Feeder.Manner.CALLER;
        Feeder.Result result = Feeder.Result.TIME_UP;
        try {
            if (quarantine.awaitEnd(hold)) {
                result = feeder.feed(batch, inMemory, Feeder.Turn.ofAll(manner, hold));
            }
        } finally {
            switch (result) {
                case FED -> batches.fed(batch);
                case PAUSED -> batches.hold(batch);
                case LIMITED -> batches.waitForPlace(batch);
                case TIME_UP -> batches.waitForTurn(batch);
                case CLOSED -> batch.moveTo(ActiveBatch.Stage.PARKED);
            }
        }
    }

    /**
     * Cancels a batch, durably: what waits gets its outcome without being run, what runs is interrupted. Returns when the
     * store has it; the outcomes follow. Does nothing to a batch that has ended or is cancelled already.
     *
     * @return false if the service stops and did not look at it
     */
    public boolean cancel(BatchRef ref) {
        return control.cancel(ref);
    }

    /**
     * Pauses a running batch, durably: from the return on no job of it starts; what runs goes on. Does nothing to a batch in
     * another state.
     *
     * @return as {@link #cancel}
     */
    public boolean pause(BatchRef ref) {
        return control.pause(ref);
    }

    /**
     * Has a paused batch go on. Does nothing to a batch in another state.
     *
     * @return as {@link #cancel}
     */
    public boolean resume(BatchRef ref) {
        return control.resume(ref);
    }

    /** Jobs of the batch that have started and whose outcome is not on the disk yet. */
    public int running(long batchNo) {
        ActiveBatch batch = batches.find(batchNo);
        return batch == null ? 0 : batch.running();
    }

    /** Whether that job is in its handler now. */
    public boolean isRunning(long batchNo, int index) {
        return running.contains(batchNo, index);
    }

    /** When the first job of the batch started, milliseconds since the epoch, as far as this process knows. */
    public OptionalLong startedAt(long batchNo) {
        ActiveBatch batch = batches.find(batchNo);
        return batch == null ? OptionalLong.empty() : batch.startedAt();
    }

    /**
     * Calls back once, when the batch has ended or the service stops; on a thread that must not be held up. If it has
     * ended before, nobody calls: register first, then look at the store.
     */
    public Registration onEnd(long batchNo, Runnable callback) {
        return waiters.onEnd(batchNo, callback);
    }

    /** The same for the outcome of one job. */
    public Registration onOutcome(long batchNo, int index, Runnable callback) {
        return waiters.onOutcome(batchNo, index, callback);
    }

    /**
     * The same for whatever comes first: outcomes of the batch, which are all in the store that its commit brought, or its
     * end.
     */
    public Registration onProgress(long batchNo, Runnable callback) {
        return waiters.onProgress(batchNo, callback);
    }

    /** Whether the service has stopped, so that who waits is called at once and nothing more will come. */
    public boolean stopped() {
        return waiters.released();
    }

    /** Batches that are held in memory since jobs of them wait for another attempt. */
    int dueBatches() {
        return retries.batchesInMemory();
    }

    /** Batches in memory, for whatever reason. */
    int batchesInMemory() {
        return batches.size();
    }

    /** Looks at the clock for jobs that are to be tried again, which it does by itself at the time that it expects. */
    void lookForDue() {
        retries.look();
    }

    /** Batches in memory that wait for a background feeder. */
    public int waitingBatches() {
        return batches.waiting().size();
    }

    @Override
    public void recorded(BatchRef ref, List<OutcomeEntry> outcomes, boolean kept) {
        ActiveBatch batch = batches.find(ref);
        if (batch != null) {
            int started = (int) outcomes.stream()
                    .filter(outcome -> outcome.run().endsAttempt())
                    .count();
            batch.jobsRecorded(outcomes.size(), started);
            batches.forgetIfIdle(batch);
        }
        waiters.recorded(ref.batchNo(), outcomes);
    }

    @Override
    public void retrying(BatchRef ref, List<AttemptEntry> attempts, boolean kept) {
        ActiveBatch batch = batches.find(ref);
        if (batch != null) {
            batch.jobsRecorded(attempts.size(), attempts.size());
            batches.forgetIfIdle(batch);
        }
        if (kept && batch != null && batch.isCancelled()) {
            retries.end(batch); // it was cancelled after the attempt had failed and before it was noted
        } else if (kept) {
            attempts.stream()
                    .mapToLong(AttemptEntry::dueAt)
                    .min()
                    .ifPresent(dueAt -> retries.add(ref.batchNo(), dueAt));
        }
    }

    @Override
    public void ended(BatchRef batch, BatchOutcome outcome) {
        batches.remove(batch);
        waiters.ended(batch.batchNo());
    }

    /** Goes to the ring at once, so that nobody has to look through the store for it. */
    @Override
    public void continued(NewBatch batch) {
        batches.addWaiting(batch);
    }

    /** If it is not in memory, nothing of it can start before it is taken up from the store, which has it as stopped. */
    @Override
    public void stopped(BatchRef ref, StopReason reason) {
        ActiveBatch batch = batches.find(ref);
        if (batch != null) {
            control.stopped(batch, reason);
        }
    }

    private void takenUp(ActiveBatch batch, long nextAttemptAt) {
        if (batch.isCancelled()) {
            retries.end(batch);
        } else {
            retries.add(batch.ref().batchNo(), nextAttemptAt);
        }
    }

    /** Looks for batches whose deadline has passed, as it does by itself when the time has come. */
    void lookForDeadlines() {
        control.lookForDeadlines();
    }

    private final class InMemory implements Control.Active {

        @Override
        public void with(BatchRef ref, Consumer<ActiveBatch> work) {
            batches.with(ref, work);
        }

        @Override
        public void fetch(BatchRef ref) {
            ActiveBatch batch = batches.find(ref);
            if (batch == null || batch.stage() == ActiveBatch.Stage.FORGOTTEN) {
                retries.endInStore(ref);
            }
        }

        @Override
        public void hurry(ActiveBatch batch) {
            batches.waiting().hurry(batch);
            retries.end(batch);
        }

        @Override
        public void settle(ActiveBatch batch) {
            batches.settle(batch);
            if (!batch.isPaused() && !batch.isCancelled()) {
                retries.look(batch); // what came due while it was paused
            }
        }
    }
}
