package io.conveyor.pool;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The places and the bytes of the queue that are taken, counted beside it: its own size costs its lock. Never less than
 * what is in the queue, so whoever has reserved a place finds it there. Thread-safe, without a lock.
 */
final class Room {

    private final int capacity;
    private final long byteBound;
    private final AtomicInteger places = new AtomicInteger();
    private final AtomicLong bytes = new AtomicLong();

    Room(int capacity, long byteBound) {
        this.capacity = capacity;
        this.byteBound = byteBound;
    }

    /**
     * Reserves a place and the bytes of the ticket: both or nothing. What fails may have held a place for a moment for
     * which somebody else has failed.
     *
     * @param length how many places may be taken, at most the capacity
     */
    boolean reserve(Ticket ticket, int length) {
        if (!reservePlace(length)) {
            return false;
        }
        if (!reserveBytes(ticket.bytes())) {
            places.decrementAndGet();
            return false;
        }
        return true;
    }

    private boolean reservePlace(int length) {
        int taken = places.get();
        while (taken < length) {
            int seen = places.compareAndExchange(taken, taken + 1);
            if (seen == taken) {
                return true;
            }
            taken = seen;
        }
        return false;
    }

    private boolean reserveBytes(long wanted) {
        if (wanted == 0) {
            return true;
        }
        long held = bytes.get();
        while (held <= byteBound - wanted) {
            long seen = bytes.compareAndExchange(held, held + wanted);
            if (seen == held) {
                return true;
            }
            held = seen;
        }
        return false;
    }

    void giveBack(Ticket ticket) {
        if (ticket.bytes() != 0) {
            bytes.addAndGet(-ticket.bytes());
        }
        places.decrementAndGet();
    }

    int capacity() {
        return capacity;
    }

    int places() {
        return places.get();
    }

    long bytes() {
        return bytes.get();
    }
}
