package io.conveyor.limit;

import io.github.bucket4j.Bucket;
import io.github.bucket4j.ConsumptionProbe;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.WeakHashMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * How many of some jobs run at once, and how many start in a time. A job that may go on takes a place before it is handed
 * over and gives it back when it has run; who finds none is called when one may be free, in the order of asking. Thread-safe.
 *
 * <p><b>Threads and state.</b> One lock for everything, held for moments; callers are called without it. To ask and to be
 * noted as waiting is one step, so no free place is missed. A call is not a promise: who was called may find the place
 * taken, and is the first to be called again; who was called and does not ask leaves the place to others, who are called
 * by a look every {@value #LOOK_MILLIS} ms while somebody waits.
 *
 * <p>A rate counts starts. Between the hand-over and the start a job may wait in the pool's queue for as long as other jobs
 * take, so while one that holds a token has not started no other gets one: what waited in the queue never starts in a burst.
 */
public final class Limit {

    /** Who waits for a place. */
    public interface Waiter {

        /** A place may be free: ask again, soon and on another thread. Returns at once. */
        void placeMayBeFree();
    }

    /** Runs something later, if it can. */
    interface Timer {
        void in(long nanos, Runnable look);
    }

    /** Time after which a free place is offered to others when whoever was called for it did not ask. A round figure. */
    private static final long LOOK_MILLIS = 100;

    private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(LOOK_MILLIS);

    private final int concurrency;
    private final @Nullable Bucket rate;
    private final Timer timer;

    // Mutable state, all guarded by this
    private int taken;
    /** Whether a job has a token of the rate and has not started. */
    private boolean starting;

    private final Deque<Waiter> waiting = new ArrayDeque<>();
    /** The same ones. */
    private final Set<Waiter> noted = new HashSet<>();
    /** Who was called and has not asked since. */
    private final Set<Waiter> called = Collections.newSetFromMap(new WeakHashMap<>());

    /** When the next look comes, by the clock of the virtual machine, if one does. */
    private long lookAt;

    private boolean lookComes;
    /** How long no token will be there, as the rate said last. */
    private long noTokenNanos;

    /** @param concurrency places, 1 or more */
    Limit(int concurrency, @Nullable Bucket rate, Timer timer) {
        this.concurrency = concurrency;
        this.rate = rate;
        this.timer = timer;
    }

    /** The limit of one batch, which alone waits for it. */
    public static Limit ofOne(int concurrency) {
        return new Limit(concurrency, null, (nanos, look) -> {});
    }

    /** Takes a place; or notes who wants one, if there is none. */
    synchronized boolean take(Waiter waiter) {
        boolean wasCalled = called.remove(waiter);
        if (hasPlace()) {
            taken++;
            starting = rate != null;
            return true;
        }
        if (noted.add(waiter)) {
            if (wasCalled) {
                waiting.addFirst(waiter);
            } else {
                waiting.addLast(waiter);
            }
        }
        lookLater();
        return false;
    }

    /** Takes a token as well, if there is one: call only to take a place. */
    private boolean hasPlace() {
        noTokenNanos = 0;
        if (taken >= concurrency || starting) {
            return false;
        }
        if (rate == null) {
            return true;
        }
        ConsumptionProbe probe = rate.tryConsumeAndReturnRemaining(1);
        noTokenNanos = probe.getNanosToWaitForRefill();
        return probe.isConsumed();
    }

    /** The job has started. */
    void started() {
        synchronized (this) {
            starting = false;
        }
        look();
    }

    /**
     * Gives the place back.
     *
     * @param unused whether the job has not started
     */
    void giveBack(boolean unused) {
        synchronized (this) {
            taken--;
            if (unused && rate != null) {
                starting = false;
                rate.addTokens(1);
            }
        }
        look();
    }

    /** Calls as many of those who wait as there may be places. */
    private void look() {
        List<Waiter> next = new ArrayList<>(1);
        synchronized (this) {
            int places = Math.min(concurrency - taken, waiting.size());
            if (rate != null) {
                places = starting || noTokenNanos > 0 ? 0 : Math.min(1, places);
            }
            for (int place = 0; place < places; place++) {
                Waiter first = waiting.removeFirst();
                noted.remove(first);
                called.add(first);
                next.add(first);
            }
            lookLater();
        }
        next.forEach(Waiter::placeMayBeFree);
    }

    /** Call only with the lock held. */
    private void lookLater() {
        if (waiting.isEmpty()) {
            return;
        }
        long pause = noTokenNanos > 0 ? Math.min(noTokenNanos, LOOK_NANOS) : LOOK_NANOS;
        long at = System.nanoTime() + pause;
        if (!lookComes || at - lookAt < 0) {
            lookComes = true;
            lookAt = at;
            timer.in(pause, this::lookAgain);
        }
    }

    private void lookAgain() {
        synchronized (this) {
            lookComes = false;
            noTokenNanos = 0;
        }
        look();
    }

    /** Jobs that hold a place now. */
    public synchronized int taken() {
        return taken;
    }

    /** How many wait for a place. */
    public synchronized int waiting() {
        return waiting.size();
    }
}
