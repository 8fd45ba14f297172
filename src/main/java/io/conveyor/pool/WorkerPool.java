package io.conveyor.pool;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A crew of fixed size over one bounded queue; what does not fit is run by the thread that brings it, as long as there are
 * permits for that, and else waits. Never more than {@code workers + callerRuns} tasks run at once, never more than the
 * queue's bounds wait in it, and no task is dropped: each ends up in exactly one of run, refused (the offer says so) and
 * handed back by {@link #drain}. Thread-safe.
 *
 * <h2>Threads and state</h2>
 *
 * <ul>
 *   <li>Worker threads {@code <name>-worker-1} … take from the queue ({@link Crew}); the offering threads, called callers
 *       here, run tasks under a permit; one {@link Watchdog} keeps the time limits. All but the callers are daemons.
 *   <li>Workers and permits are {@link Slot}s, and there is one way to run a task, {@link TaskRunner}, for both.
 *   <li>Life: open → closed (intake refuses, queued tasks are taken back) → interrupting (running sections are
 *       interrupted, and each that opens from now on is at once) → report. Each step is taken by the first drain, once.
 *   <li>A job is interrupted only inside a {@link #guard}, so its outcome can be recorded outside in peace.
 *   <li>A task that offers to its own pool never runs the new task inside itself and never waits: jobs that wait for room
 *       which only jobs can make would lock up the pool. The same holds for {@link #map}, which works on the spot there.
 * </ul>
 *
 * No lock is held while a task or the listener is called.
 */
public final class WorkerPool implements AutoCloseable {

    /** How long a drain waits for what it has interrupted. */
    private static final Duration GRACE = Duration.ofSeconds(2);

    /** As good as no limit (73 years), and far enough from overflow in differences of {@link System#nanoTime}. */
    static final long FOREVER_NANOS = Long.MAX_VALUE >> 2;

    private static final double NANOS_PER_SECOND = 1e9;

    private final WorkerPoolConfig config;
    private final LongSupplier clock;
    private final List<Slot> workers;
    private final List<Slot> permits;
    private final Crew crew;
    private final Intake intake;
    private final TaskRunner runner;
    private final UtilisationMeter meter;
    private final Watchdog watchdog;
    private final LongAdder refused = new LongAdder();

    // Mutable state

    /** Whether open sections are to be interrupted; set once, by the drain, which looks at the slots afterwards. */
    private volatile boolean interrupting;

    public WorkerPool(WorkerPoolConfig config) {
        this(config, PoolListener.NONE);
    }

    public WorkerPool(WorkerPoolConfig config, PoolListener listener) {
        this(config, listener, System::nanoTime);
    }

    /**
     * @param clock what the meter, waiting and running times are measured with, as {@link System#nanoTime}. Time limits
     *     and waits go by the real one.
     */
    public WorkerPool(WorkerPoolConfig config, PoolListener listener, LongSupplier clock) {
        this.config = config;
        this.clock = clock;
        long start = clock.getAsLong();
        workers = slots(config.name() + "-worker-", 0, config.workers(), start);
        permits = slots(config.name() + "-caller-", config.workers(), config.callerRuns(), start);
        meter = new UtilisationMeter(workers, start);
        crew = new Crew(config.queueCapacity(), workers);
        intake = new Intake(crew, config, permits, clock);
        runner = new TaskRunner(listener, clock, intake::isClosed);
        watchdog = new Watchdog(
                config.name() + "-watchdog",
                Stream.concat(workers.stream(), permits.stream()).toList(),
                () -> meter.sample(clock.getAsLong()),
                listener);
        watchdog.start();
    }

    private List<Slot> slots(String prefix, int first, int count, long start) {
        return IntStream.rangeClosed(1, count)
                .mapToObj(number -> new Slot(this, first + number - 1, prefix + number, start))
                .toList();
    }

    /**
     * Hands a task over: to the queue, or, if that is full, to the calling thread itself, which then returns when the task
     * has ended. With neither room nor a permit it waits for whichever comes first. The interrupt status that a thread
     * brings along matters only if it has to wait; else it is kept. A call from within a task of this pool gets room at
     * once or none, and is never run in place.
     *
     * @param wait how long to wait at most, zero for not at all
     * @throws InterruptedException if interrupted while waiting; the pool has not kept the task
     * @throws RejectedExecutionException if the pool is shut down; it has not kept the task
     */
    public Handover offer(PoolTask task, Duration wait) throws InterruptedException {
        return offerUntil(task, deadline(saturatedNanos(wait)));
    }

    /**
     * As {@link #offer}.
     *
     * @param deadline when to stop waiting, by {@link System#nanoTime}
     */
    public Handover offerUntil(PoolTask task, long deadline) throws InterruptedException {
        Ticket ticket = ticket(task);
        boolean nested = isInsideTask();
        Intake.Verdict verdict = intake.hand(ticket, !nested, nested ? System.nanoTime() : deadline);
        return switch (verdict) {
            case QUEUED -> Handover.QUEUED;
            case NO_ROOM -> Handover.NO_ROOM;
            case CLOSED -> throw refusal();
            case RUN -> {
                runInCaller(ticket);
                yield Handover.RAN_IN_CALLER;
            }
        };
    }

    /**
     * Hands a task over to the queue, as {@link #offer} does, but never runs it in the calling thread.
     *
     * @return whether it is queued; if not, there was no room in time and the pool has not kept it
     */
    public boolean enqueue(PoolTask task, Duration wait) throws InterruptedException {
        return enqueueUntil(task, deadline(saturatedNanos(wait)));
    }

    /**
     * As {@link #enqueue}.
     *
     * @param deadline when to stop waiting, by {@link System#nanoTime}
     */
    public boolean enqueueUntil(PoolTask task, long deadline) throws InterruptedException {
        return enqueueUntil(ticket(task), deadline);
    }

    boolean enqueueUntil(Ticket ticket, long deadline) throws InterruptedException {
        Intake.Verdict verdict = intake.hand(ticket, false, isInsideTask() ? System.nanoTime() : deadline);
        if (verdict == Intake.Verdict.CLOSED) {
            throw refusal();
        }
        return verdict == Intake.Verdict.QUEUED;
    }

    Ticket ticket(PoolTask task) {
        long bytes = task.bytes();
        if (bytes < 0) {
            throw new IllegalArgumentException("A task says that it holds " + bytes + " bytes: return 0 or more");
        }
        return new Ticket(this, task, task.early(), Math.min(bytes, config.queueBytes()), clock.getAsLong());
    }

    /**
     * Takes tasks back that have not started; whoever waits for room with one gets none.
     *
     * @param meant tells which; called under a lock, so quick, and calls nothing here
     * @return those that were in the queue, in the order of coming
     */
    public List<PoolTask> withdraw(Predicate<PoolTask> meant) {
        return intake.withdraw(meant);
    }

    /** Ends the wait for room of whoever waits with that ticket. */
    void withdraw(Ticket ticket) {
        intake.withdraw(ticket);
    }

    RejectedExecutionException refusal() {
        refused.increment();
        return new RejectedExecutionException("The worker pool '" + config.name()
                + "' is shut down and has not taken the task: keep it, and offer it to the next pool");
    }

    /** Whether the calling thread is running a task of this pool. */
    boolean isInsideTask() {
        Slot slot = TaskRunner.currentSlot();
        return slot != null && slot.isInside(this);
    }

    void runQueued(Ticket ticket) {
        long now = clock.getAsLong();
        intake.taken(ticket, now);
        runner.run(Crew.slotOfThisWorker(), ticket, false, now);
    }

    private void runInCaller(Ticket ticket) {
        Slot permit = ticket.permit();
        if (permit == null) {
            throw new IllegalStateException("A task may run in its caller only under a permit");
        }
        try {
            runner.run(permit, ticket, true, clock.getAsLong());
        } finally {
            permit.forgetThread();
            intake.givePermitBack(permit);
        }
    }

    /**
     * Opens the section of a task that may be interrupted: when {@code limit} has passed (at once if it is zero), when
     * somebody calls {@link Guard#interrupt}, or when the pool is drained. Called by a task, on the thread that runs it,
     * around the job's own code; one at a time.
     *
     * @param limit the time limit, late by up to about 10 ms
     */
    public Guard guard(Duration limit) {
        return guard(limit, System.nanoTime());
    }

    /**
     * As above, for who knows what the time is.
     *
     * @param now a moment ago, by {@link System#nanoTime}: the limit counts from then on
     */
    public Guard guard(Duration limit, long now) {
        long limitNanos = saturatedNanos(limit);
        Slot slot = TaskRunner.currentSlot();
        if (slot == null || !slot.belongsTo(this)) {
            throw new IllegalStateException(
                    "guard() is for tasks of this pool: call it within run(), on the same thread");
        }
        long deadline = now + Math.min(limitNanos, FOREVER_NANOS);
        Guard guard = slot.open(deadline);
        if (limitNanos <= 0) {
            guard.interrupt(Guard.Cause.LIMIT);
        } else {
            watchdog.lookAt(deadline);
        }
        if (interrupting) {
            guard.interrupt(Guard.Cause.DRAIN);
        }
        return guard;
    }

    /**
     * Maps the inputs on the crew and returns the results in input order. At most {@code concurrency} inputs are pulled
     * and not yet finished at any time; the iterable is pulled by the calling thread. The first failure stops the rest:
     * what has not started never does, what runs is interrupted. Neither a result nor an exception is returned before
     * every mapper that has started has ended. Within a task of this pool everything runs on the spot, one after the
     * other.
     *
     * @throws ExecutionException the first failure of the mapper, as its cause
     * @throws InterruptedException if the calling thread is interrupted; all is cancelled
     * @throws RejectedExecutionException if the pool is or gets shut down; all is cancelled
     */
    public <T extends @Nullable Object, R extends @Nullable Object> List<R> map(
            Iterable<? extends T> inputs, int concurrency, Mapper<? super T, ? extends R> mapper)
            throws ExecutionException, InterruptedException {
        if (concurrency < 1) {
            throw new IllegalArgumentException("concurrency is " + concurrency + ": set it to 1 or more");
        }
        return isInsideTask()
                ? OrderedMap.<T, R>onTheSpot(inputs, mapper)
                : new OrderedMap<T, R>(this, concurrency, mapper).run(inputs);
    }

    /**
     * Ends the pool: refuses new tasks, takes back those that are queued, lets the running ones go on for {@code limit},
     * then interrupts them (inside their guards) and waits two seconds more. Whoever waits in an offer is refused. May be
     * called at any time and by any thread; the first call does it, a later one returns at once with what there is and no
     * tasks. If the calling thread is interrupted, the waiting is cut short and the interrupt kept. A task that drains its
     * own pool waits for itself and is reported as stuck.
     */
    public DrainReport drain(Duration limit) {
        boolean first = intake.close();
        List<PoolTask> returned = List.of();
        if (first) {
            crew.shutdown();
            returned = takeBack();
            if (!awaitQuiet(saturatedNanos(limit))) {
                interruptAll();
                awaitQuiet(GRACE.toNanos());
            }
            watchdog.stopWhenQuiet();
        }
        List<String> stuck =
                allSlots().filter(Slot::isBusy).map(Slot::runnerName).toList();
        return new DrainReport(returned, runner.finishedInDrain(), runner.interruptedInDrain(), stuck);
    }

    /** Ends the pool without waiting for running tasks: {@link #drain} with no limit to wait. What it hands back is lost. */
    @Override
    public void close() {
        drain(Duration.ZERO);
    }

    private List<PoolTask> takeBack() {
        List<PoolTask> returned = new ArrayList<>();
        for (Ticket ticket : intake.takeBack()) {
            if (ticket.task() instanceof OrderedMap.Item item) {
                item.takenBack();
            } else {
                returned.add(ticket.task());
            }
        }
        return returned;
    }

    private void interruptAll() {
        interrupting = true;
        allSlots().map(Slot::guard).forEach(guard -> {
            if (guard != null) {
                guard.interrupt(Guard.Cause.DRAIN);
            }
        });
    }

    private boolean awaitQuiet(long nanos) {
        long deadline = System.nanoTime() + Math.min(nanos, FOREVER_NANOS);
        try {
            return crew.awaitTermination(deadline - System.nanoTime(), TimeUnit.NANOSECONDS)
                    && intake.awaitPermitsHome(deadline - System.nanoTime());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /** What the pool is doing now. */
    public PoolSnapshot snapshot() {
        long now = clock.getAsLong();
        double[] lately = meter.shares(TimeUnit.SECONDS.toNanos(10), now);
        int queued = crew.getQueue().size();
        return new PoolSnapshot(
                config.workers(),
                busy(workers),
                queued,
                config.queueCapacity(),
                intake.bytes(),
                config.queueBytes(),
                config.callerRuns(),
                busy(permits),
                intake.waiting(),
                permits.stream().mapToLong(Slot::completed).sum() + busy(permits),
                allSlots().mapToLong(Slot::completed).sum(),
                runner.uncaught(),
                refused.sum(),
                busySeconds(workers, now),
                busySeconds(permits, now),
                UtilisationMeter.mean(lately),
                UtilisationMeter.mean(meter.shares(TimeUnit.SECONDS.toNanos(60), now)),
                Math.min(1, (double) queued / intake.length()),
                allSlots().mapToLong(slot -> slot.runningNanos(now)).max().orElse(0) / NANOS_PER_SECOND,
                (int) allSlots().filter(WorkerPool::isStuck).count(),
                crewNow(now, lately));
    }

    private static int busy(List<Slot> slots) {
        return (int) slots.stream().filter(Slot::isBusy).count();
    }

    private static double busySeconds(List<Slot> slots, long now) {
        return slots.stream().mapToLong(slot -> slot.busyNanos(now)).sum() / NANOS_PER_SECOND;
    }

    private static boolean isStuck(Slot slot) {
        Guard guard = slot.guard();
        return guard != null && guard.isStuck(System.nanoTime());
    }

    private List<PoolSnapshot.Worker> crewNow(long now, double[] shares) {
        return IntStream.range(0, workers.size())
                .mapToObj(i -> {
                    Slot slot = workers.get(i);
                    double running = slot.runningNanos(now) / NANOS_PER_SECOND;
                    return new PoolSnapshot.Worker(slot.name(), slot.isBusy(), running, shares[i], isStuck(slot));
                })
                .toList();
    }

    private Stream<Slot> allSlots() {
        return Stream.concat(workers.stream(), permits.stream());
    }

    /**
     * The executor underneath, for metric binders only, which read it. It refuses tasks, and changing its settings breaks
     * the bounds of the pool. Tasks that callers run do not show in it.
     */
    public ThreadPoolExecutor executor() {
        return crew;
    }

    static long deadline(long nanos) {
        return System.nanoTime() + Math.min(nanos, FOREVER_NANOS);
    }

    private static long saturatedNanos(Duration duration) {
        return TimeUnit.NANOSECONDS.convert(duration);
    }
}
