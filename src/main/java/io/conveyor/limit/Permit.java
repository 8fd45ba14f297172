package io.conveyor.limit;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** One job's places in all limits that hold for it. Thread-safe. */
public final class Permit {

    /** Of a job that no limit holds for. */
    public static final Permit FREE = new Permit(List.of());

    private final List<Limit> limits;

    // Mutable state, guarded by this
    private boolean started;
    private boolean released;

    private Permit(List<Limit> limits) {
        this.limits = limits;
    }

    /** Places in all of them; null if one has none, and then it calls the waiter when it is worth asking again. */
    public static @Nullable Permit take(List<Limit> limits, Limit.Waiter waiter) {
        for (int i = 0; i < limits.size(); i++) {
            if (!limits.get(i).take(waiter)) {
                limits.subList(0, i).forEach(limit -> limit.giveBack(true));
                return null;
            }
        }
        return limits.isEmpty() ? FREE : new Permit(List.copyOf(limits));
    }

    /** The job starts. */
    public void start() {
        if (limits.isEmpty()) {
            return;
        }
        synchronized (this) {
            started = true;
        }
        limits.forEach(Limit::started);
    }

    /** The job has run, or will not under this permit. A second call does nothing. */
    public void release() {
        if (limits.isEmpty()) {
            return;
        }
        boolean unused;
        synchronized (this) {
            if (released) {
                return;
            }
            released = true;
            unused = !started;
        }
        limits.forEach(limit -> limit.giveBack(unused));
    }
}
