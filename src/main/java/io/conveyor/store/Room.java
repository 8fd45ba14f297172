package io.conveyor.store;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;

/**
 * Whether there is room for new work: what is free on the disk and inside the database together, less a reserve. What is
 * accepted needs room later, for outcomes, for the log to be folded in and for deletions, so new work is refused while
 * those still go through; otherwise a full disk could not even be cleared. Thread-safe.
 *
 * <p>Looks at the disk at most every {@link #VALID_MILLIS}: the reserve has to hold for what is accepted meanwhile.
 */
final class Room {

    /** How long a look at the disk holds. */
    private static final long VALID_MILLIS = 50;

    private final LongSupplier onDisk;
    private final LongSupplier inDatabase;
    private final long reserve;
    private final LongSupplier nanos;

    // Mutable state
    /** When it was looked at last, by the nano clock. Written by whoever looks. */
    private final AtomicLong lookedAt;
    /** What was seen then. Written by whoever looks, read by all. */
    private volatile boolean left = true;

    /**
     * @param onDisk bytes that are free on the disk, less those that the log takes once more when it is folded in
     * @param inDatabase bytes of the database that new rows may take; asked only when the disk alone has too few
     * @param reserve bytes that new work leaves free
     */
    Room(LongSupplier onDisk, LongSupplier inDatabase, long reserve, LongSupplier nanos) {
        this.onDisk = onDisk;
        this.inDatabase = inDatabase;
        this.reserve = reserve;
        this.nanos = nanos;
        lookedAt = new AtomicLong(nanos.getAsLong() - TimeUnit.MILLISECONDS.toNanos(VALID_MILLIS));
    }

    /** Whether new work may come. */
    boolean left() {
        long now = nanos.getAsLong();
        long before = lookedAt.get();
        if (now - before >= TimeUnit.MILLISECONDS.toNanos(VALID_MILLIS) && lookedAt.compareAndSet(before, now)) {
            left = look();
        }
        return left;
    }

    private boolean look() {
        long free = onDisk.getAsLong();
        return free >= reserve || free + inDatabase.getAsLong() >= reserve;
    }

    /** @throws StoreException if no new work may come */
    void require() {
        if (!left()) {
            throw new StoreException(
                    StoreException.Reason.FULL,
                    "The disk of the store has no room for new work: less than " + (reserve >> 10) + " KiB are free");
        }
    }
}
