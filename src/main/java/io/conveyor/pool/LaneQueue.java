package io.conveyor.pool;

import java.util.AbstractQueue;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The queue in front of the crew, in lanes: a task stands behind tasks of groups of about its own size only. Each lane is
 * first in, first out, and bounded for itself. A worker takes from the lane of the smallest groups that has a task; a lane
 * that was passed over {@value #PATIENCE} times has its turn first, so no lane starves another: the smallest gets three tasks
 * in four beside one other lane, and every second one beside two. Never waits for room. Holds tickets only. Thread-safe.
 *
 * <p>Threads and state: everything mutable is guarded by {@code lock}.
 */
final class LaneQueue extends AbstractQueue<Runnable> implements BlockingQueue<Runnable> {

    /** How large a group may be for each lane but the last: a handful, a segment's worth. Round figures. */
    private static final long[] GROUP_SIZES = {16, 256};

    static final int LANES = GROUP_SIZES.length + 1;

    /** How often a lane that has tasks is passed over before it has its turn. A round figure. */
    static final int PATIENCE = 3;

    private final int capacity;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition notEmpty = lock.newCondition();

    // Mutable state, all guarded by lock

    private final List<ArrayDeque<Ticket>> lanes = new ArrayList<>(LANES);

    /** How often each lane was passed over since its last turn, or since it was empty. */
    private final int[] passedOver = new int[LANES];

    private int size;

    /** @param capacity tasks that may wait in each lane */
    LaneQueue(int capacity) {
        this.capacity = capacity;
        for (int lane = 0; lane < LANES; lane++) {
            lanes.add(new ArrayDeque<>());
        }
    }

    /** The lane for the tasks of a group of so many. */
    static int laneOf(long groupSize) {
        int lane = 0;
        while (lane < GROUP_SIZES.length && groupSize > GROUP_SIZES[lane]) {
            lane++;
        }
        return lane;
    }

    /** Puts a ticket at the end of its lane, unless that is full. */
    @Override
    public boolean offer(Runnable task) {
        Ticket ticket = (Ticket) task;
        lock.lock();
        try {
            ArrayDeque<Ticket> lane = lanes.get(ticket.lane());
            if (lane.size() >= capacity) {
                return false;
            }
            lane.addLast(ticket);
            size++;
            notEmpty.signal();
            return true;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public Runnable take() throws InterruptedException {
        lock.lockInterruptibly();
        try {
            while (size == 0) {
                notEmpty.await();
            }
            return next();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public @Nullable Runnable poll(long timeout, TimeUnit unit) throws InterruptedException {
        long left = unit.toNanos(timeout);
        lock.lockInterruptibly();
        try {
            while (size == 0) {
                if (left <= 0) {
                    return null;
                }
                left = notEmpty.awaitNanos(left);
            }
            return next();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public @Nullable Runnable poll() {
        lock.lock();
        try {
            return size == 0 ? null : next();
        } finally {
            lock.unlock();
        }
    }

    /** Call only with the lock held, and not when empty. */
    private Ticket next() {
        int turn = turn();
        for (int lane = 0; lane < LANES; lane++) {
            passedOver[lane] = lane == turn || lanes.get(lane).isEmpty() ? 0 : passedOver[lane] + 1;
        }
        size--;
        return lanes.get(turn).removeFirst();
    }

    private int turn() {
        int smallest = -1;
        for (int lane = 0; lane < LANES; lane++) {
            if (!lanes.get(lane).isEmpty()) {
                if (passedOver[lane] >= PATIENCE) {
                    return lane;
                }
                smallest = smallest < 0 ? lane : smallest;
            }
        }
        return smallest;
    }

    @Override
    public @Nullable Runnable peek() {
        lock.lock();
        try {
            return size == 0 ? null : lanes.get(turn()).peekFirst();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public boolean remove(Object task) {
        lock.lock();
        try {
            boolean removed =
                    task instanceof Ticket ticket && lanes.get(ticket.lane()).remove(ticket);
            size -= removed ? 1 : 0;
            return removed;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public int drainTo(Collection<? super Runnable> to) {
        return drainTo(to, Integer.MAX_VALUE);
    }

    @Override
    public int drainTo(Collection<? super Runnable> to, int most) {
        lock.lock();
        try {
            int drained = 0;
            while (drained < most && size > 0) {
                to.add(next());
                drained++;
            }
            return drained;
        } finally {
            lock.unlock();
        }
    }

    /** Tasks in all lanes. */
    @Override
    public int size() {
        lock.lock();
        try {
            return size;
        } finally {
            lock.unlock();
        }
    }

    /** Tasks in the lane that has most. */
    int longestLane() {
        lock.lock();
        try {
            return lanes.stream().mapToInt(ArrayDeque::size).max().orElse(0);
        } finally {
            lock.unlock();
        }
    }

    /** The room that is left in the lane that has most: who fills one lane sees it full. */
    @Override
    public int remainingCapacity() {
        return capacity - longestLane();
    }

    /** The tickets of this moment; the iterator does not remove. */
    @Override
    public Iterator<Runnable> iterator() {
        lock.lock();
        try {
            List<Runnable> now = new ArrayList<>(size);
            lanes.forEach(now::addAll);
            return List.copyOf(now).iterator();
        } finally {
            lock.unlock();
        }
    }

    /** Not offered: the pool never waits at its queue, the line of {@link Intake} is where waiting is done. */
    @Override
    public void put(Runnable task) {
        throw new UnsupportedOperationException("Waiting for room is not done here");
    }

    /** Not offered, as {@link #put}. */
    @Override
    public boolean offer(Runnable task, long timeout, TimeUnit unit) {
        throw new UnsupportedOperationException("Waiting for room is not done here");
    }
}
