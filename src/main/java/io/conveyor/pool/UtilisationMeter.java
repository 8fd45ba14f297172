package io.conveyor.pool;

import java.util.Arrays;
import java.util.List;

/**
 * How busy the workers were lately: a ring of their busy times, taken about once a second, against which the busy times of
 * now are held. Exact for the window that it uses, which reaches back to the youngest sample that is at least as old as
 * asked for, or to the start. Thread-safe; its lock is held for a few hundred additions.
 */
final class UtilisationMeter {

    /** One minute of samples a second apart, and some to spare. */
    private static final int SAMPLES = 64;

    private final List<Slot> workers;

    // Mutable state, all of it only under the lock of this object

    private final long[] times = new long[SAMPLES];

    private final long[][] busy;

    /** Samples ever taken; the next goes to {@code taken % SAMPLES}. */
    private long taken;

    UtilisationMeter(List<Slot> workers, long start) {
        this.workers = workers;
        busy = new long[SAMPLES][workers.size()];
        sample(start);
    }

    synchronized void sample(long now) {
        int place = (int) (taken % SAMPLES);
        times[place] = now;
        for (int i = 0; i < workers.size(); i++) {
            busy[place][i] = workers.get(i).busyNanos(now);
        }
        taken++;
    }

    /** The share of {@code windowNanos} before {@code now} that each worker was busy, 0 to 1. */
    synchronized double[] shares(long windowNanos, long now) {
        int since = youngestAtLeast(windowNanos, now);
        double elapsed = Math.max(1, now - times[since]);
        double[] shares = new double[workers.size()];
        for (int i = 0; i < shares.length; i++) {
            double share = (workers.get(i).busyNanos(now) - busy[since][i]) / elapsed;
            shares[i] = Math.min(1, Math.max(0, share));
        }
        return shares;
    }

    static double mean(double[] shares) {
        return Arrays.stream(shares).average().orElse(0);
    }

    /** Call only with the lock held. */
    private int youngestAtLeast(long age, long now) {
        long oldest = Math.max(0, taken - SAMPLES);
        for (long sample = taken - 1; sample > oldest; sample--) {
            int place = (int) (sample % SAMPLES);
            if (now - times[place] >= age) {
                return place;
            }
        }
        return (int) (oldest % SAMPLES);
    }
}
