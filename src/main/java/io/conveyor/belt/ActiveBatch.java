package io.conveyor.belt;

import io.conveyor.job.BatchRules;
import io.conveyor.job.StopReason;
import io.conveyor.limit.Limit;
import io.conveyor.store.BatchRef;
import java.time.Duration;
import java.util.Deque;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.CopyOnWriteArraySet;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A batch as far as this process holds it in memory: how far it is fed, and how many of its jobs are on their way. Holds
 * no inputs: those stay in the store until they are handed to the pool.
 *
 * <p><b>Threads and state.</b> At any time at most one thread feeds a batch; it owns {@link #nextIndex} and
 * {@link #handed}. Ownership passes through the lock of {@link WaitingBatches}, which publishes both. {@link #started}
 * belongs to the threads that run jobs, {@link #recorded} to the store's writer thread alone.
 *
 * <p>While the upload of an open batch arrives, the thread that reads it is the owner: it grows the batch and feeds it.
 *
 * <pre>
 *   COMING ───► WAITING               taken up from the store, with an epoch of its own
 *
 *   FEEDING ──► FED                   every job has been handed over
 *      │ ▲
 *      ▼ │
 *   WAITING ──► PARKED                no room to wait in memory: the store keeps it, and it is forgotten here
 *                                     once no job of it is on its way
 *   FEEDING, FED ──► HELD ──► WAITING    paused, until it is resumed; forgotten as a parked one is
 *   FEEDING ──► LIMITED ──► WAITING   its next job found no place in a limit, until it is called to ask again
 * </pre>
 *
 * <p>Of a paused batch no job starts: what waited in the pool comes back into {@link #takenBack} and is handed over first
 * when it goes on. Whoever changes one of stage, {@link #paused} and {@link #takenBack} looks at the others afterwards
 * ({@link Belt#settle}), so a batch is never held that is not paused.
 */
final class ActiveBatch implements Limit.Waiter {

    enum Stage {
        /** Being taken up from the store: nobody may bring jobs of it yet. */
        COMING,
        FEEDING,
        WAITING,
        PARKED,
        HELD,
        LIMITED,
        FED,
        /** Not in memory any more: whoever still has this object must let it be. */
        FORGOTTEN
    }

    /**
     * Jobs of a batch that go first in the pool. A round figure: a small batch is early as a whole, and a large one passes
     * others by no more than this.
     */
    private static final int EARLY_JOBS = 16;

    private static final long NOT_STARTED = Long.MIN_VALUE;

    private final BatchRef ref;
    private final BatchRules rules;
    private final long acceptedAt;
    private final Consumer<ActiveBatch> settle;
    /** How many of its jobs run at once, or null for any number. */
    private final @Nullable Limit limit;

    // Mutable state
    /** The index after that of its last job; grows while its upload arrives. Written by the owner, read by all. */
    private volatile int indexEnd;
    /** The next job to hand over. Written and read by the owner. */
    private int nextIndex;
    /** Jobs given to the pool. Written by the owner and by those who bring jobs again, read by the writer thread. */
    private final AtomicInteger handed = new AtomicInteger();
    /** Set by whoever stops it, which is one thread at a time; read by all. Once it is there no job of it starts. */
    private volatile @Nullable StopReason stopReason;

    /** Jobs that began to run. Written by the threads that run them. */
    private final AtomicInteger started = new AtomicInteger();
    /** Outcomes on the disk, and failed attempts, of jobs handed over here. Written by the store's writer thread, read by all. */
    private volatile int recorded;
    /** Those among them that had started: what is refused or passed over never does. Written and read as the one above. */
    private volatile int startedRecorded;
    /** When the first job began, milliseconds since the epoch. Set once, by the thread that runs it. */
    private final AtomicLong startedAt = new AtomicLong(NOT_STARTED);
    /** Written under the lock of the waiting batches or by the owner; read by the writer thread. */
    private final AtomicReference<Stage> stage = new AtomicReference<>(Stage.FEEDING);

    /** Written by the thread that pauses and resumes, read by all. */
    private volatile boolean paused;

    /** One permit when a limit has called since the owner asked last. Given by the threads that give places back. */
    private final Semaphore calls = new Semaphore(0);

    /** Indexes of jobs that go by another way than its feeder's. Written by the quarantine before there are feeders. */
    private final Set<Integer> apart = new CopyOnWriteArraySet<>();

    /** Whether its upload arrives, whose reader feeds it now and then. Written by the owner, read by who brings jobs again. */
    private volatile boolean arriving;

    /** Jobs that were given to the pool and came back unrun. */
    private final Deque<JobTask> takenBack = new ConcurrentLinkedDeque<>();

    /** @param settle puts it where it belongs after a job came back */
    ActiveBatch(BatchRef ref, BatchRules rules, int indexEnd, long acceptedAt, Consumer<ActiveBatch> settle) {
        this.ref = ref;
        this.rules = rules;
        this.indexEnd = indexEnd;
        this.acceptedAt = acceptedAt;
        this.settle = settle;
        this.limit = rules.maxConcurrency() > 0 ? Limit.ofOne(rules.maxConcurrency()) : null;
    }

    BatchRef ref() {
        return ref;
    }

    /** What holds for its jobs. */
    BatchRules rules() {
        return rules;
    }

    /** The index after that of its last job: where its feeding ends. */
    int indexEnd() {
        return indexEnd;
    }

    /** More jobs have come with the upload. Owner only. */
    @SuppressWarnings("NonAtomicVolatileUpdate") // one writer
    void grow(int jobs) {
        indexEnd += jobs;
    }

    /** When it was accepted, milliseconds since the epoch. */
    long acceptedAt() {
        return acceptedAt;
    }

    int nextIndex() {
        return nextIndex;
    }

    /** Moves on to the job of that index. Owner only. */
    void advanceTo(int index) {
        nextIndex = index;
    }

    boolean isFed() {
        return nextIndex >= indexEnd && takenBack.isEmpty();
    }

    /** A job is about to be handed over. The owner, or somebody who has entered. */
    void handOver() {
        handed.incrementAndGet();
    }

    /** Whether the job that is about to be handed over is one of the first of the batch in this process. Owner only. */
    boolean isEarly() {
        return handed.get() <= EARLY_JOBS;
    }

    /**
     * Somebody is about to bring jobs who does not own the batch, and counts as one of them until {@link #takeBack}. Safe for
     * all threads, as {@link #forget}: of the two, one sees the other.
     *
     * @return false if it is forgotten already, or not taken up yet
     */
    synchronized boolean enter() {
        if (stage() == Stage.FORGOTTEN || stage() == Stage.COMING) {
            return false;
        }
        handed.incrementAndGet();
        return true;
    }

    /** Forgets the batch if it still stands there and nothing of it is on the way. */
    synchronized boolean forget(Stage from) {
        return !hasJobsOnTheWay() && move(from, Stage.FORGOTTEN);
    }

    /** Jobs handed over in this process. */
    int handed() {
        return handed.get();
    }

    /** The job was not taken after all, or came back. */
    void takeBack() {
        handed.decrementAndGet();
    }

    /** From here on no job starts, until {@link #resume}. */
    void pause() {
        paused = true;
    }

    void resume() {
        paused = false;
    }

    boolean isPaused() {
        return paused;
    }

    /** Its upload goes on, or has come to its end. Owner only. */
    void arrives(boolean goesOn) {
        arriving = goesOn;
    }

    boolean isArriving() {
        return arriving;
    }

    /** The bound of its own jobs that run at once, or null. */
    @Nullable
    Limit limit() {
        return limit;
    }

    /** A limit is about to be asked for a place. Owner only. */
    void asks() {
        calls.drainPermits();
    }

    @Override
    public void placeMayBeFree() {
        calls.release();
        settle.accept(this);
    }

    /** Whether a limit has called since it was asked. */
    boolean isCalled() {
        return calls.availablePermits() > 0;
    }

    /** Waits until a limit calls, or for so long. Owner only. */
    void awaitCall(Duration longest) throws InterruptedException {
        if (calls.tryAcquire(longest.toMillis(), TimeUnit.MILLISECONDS)) {
            calls.release();
        }
    }

    /** The job of that index is somebody else's from now on: no feeder hands it over. */
    void setApart(int index) {
        apart.add(index);
    }

    boolean isApart(int index) {
        return !apart.isEmpty() && apart.contains(index);
    }

    /** Keeps a job that came back from the pool unrun. */
    void keep(JobTask task) {
        takenBack.addLast(task);
        takeBack();
        settle.accept(this);
    }

    /** Keeps a job that was to go on and found no room. Owner only, as the next. */
    void keepFirst(JobTask task) {
        takenBack.addFirst(task);
    }

    /** The job that came back first, if there is one. */
    @Nullable
    JobTask pollTakenBack() {
        return takenBack.pollFirst();
    }

    boolean hasTakenBack() {
        return !takenBack.isEmpty();
    }

    /** From here on, what has not started gets its outcome without being run. The store says for what reason, always the same. */
    void stop(StopReason reason) {
        stopReason = reason;
    }

    /** Whether it has been stopped: cancelled, for whatever reason. */
    boolean isCancelled() {
        return stopReason != null;
    }

    /** Why it has been stopped, or null if it has not. */
    @Nullable
    StopReason stopReason() {
        return stopReason;
    }

    void jobStarted(long now) {
        started.incrementAndGet();
        if (startedAt.get() == NOT_STARTED) {
            startedAt.compareAndSet(NOT_STARTED, now);
        }
    }

    /** Outcomes of jobs handed over here are final, or they wait for another attempt. Writer thread only. */
    @SuppressWarnings("NonAtomicVolatileUpdate") // one writer
    void jobsRecorded(int outcomes, int ofStarted) {
        recorded += outcomes;
        startedRecorded += ofStarted;
    }

    /** Jobs that have started and whose outcome is not on the disk yet. */
    int running() {
        int done = startedRecorded;
        return Math.max(0, started.get() - done);
    }

    /** Whether jobs are in the queue, running, or on their way to the disk. */
    boolean hasJobsOnTheWay() {
        return handed.get() > recorded;
    }

    OptionalLong startedAt() {
        long at = startedAt.get();
        return at == NOT_STARTED ? OptionalLong.empty() : OptionalLong.of(at);
    }

    Stage stage() {
        return Objects.requireNonNull(stage.get());
    }

    void moveTo(Stage next) {
        stage.set(next);
    }

    /** Moves on if it still stands there. */
    boolean move(Stage from, Stage to) {
        return stage.compareAndSet(from, to);
    }
}
