package io.conveyor.belt;

import io.conveyor.store.StoreException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What one part of the belt says of a store that fails. A full disk is full for longer than the pause between two tries, and the
 * log is to say what happened, not how often: each reason is told once, and again only after a while without it. Damage
 * concerns one batch alone: it is told once for each thing that could not be done. A fault of ours is told each time. Thread-safe.
 */
final class StoreTrouble {

    private static final Logger log = LoggerFactory.getLogger(StoreTrouble.class);

    /** Without a failure for so long it is over; many times the pause between two tries. */
    static final Duration OVER = Duration.ofSeconds(10);

    /** Sorts of trouble that are remembered; what was not met for the longest time is forgotten first. */
    private static final int MOST = 1000;

    private final LongSupplier nanoTime;

    // Mutable state, guarded by this
    /** When each trouble was met last: a reason, or, of damage, what could not be done. */
    private final Map<String, Long> met = new LinkedHashMap<>();

    StoreTrouble() {
        this(System::nanoTime);
    }

    StoreTrouble(LongSupplier nanoTime) {
        this.nanoTime = nanoTime;
    }

    /** Something could not be done, and is tried again: "look for waiting batches". */
    synchronized void met(String what, RuntimeException failure) {
        if (!(failure instanceof StoreException known)) {
            log.error("Could not {}; trying again", what, failure);
            return;
        }
        boolean damaged = known.reason() == StoreException.Reason.DAMAGED;
        if (isNew(damaged ? what : known.reason().name())) {
            log.error("Could not {}, since the store failed; trying again, and silent while it lasts", what, failure);
        }
    }

    private boolean isNew(String trouble) {
        long now = nanoTime.getAsLong();
        Long last = met.remove(trouble);
        met.put(trouble, now);
        if (met.size() > MOST) {
            met.remove(met.keySet().iterator().next());
        }
        return last == null || now - last > OVER.toNanos();
    }

    /** The same could be done. */
    synchronized void over(String what) {
        if (!met.isEmpty()) {
            met.clear();
            log.info("Could {} again", what);
        }
    }
}
