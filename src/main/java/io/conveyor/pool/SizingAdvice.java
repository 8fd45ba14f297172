package io.conveyor.pool;

import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.Stream;

/**
 * Advice on how many workers a kind of job deserves, from the time that its jobs have really spent waiting and computing.
 * Keeps three counters a kind, for at most {@value #MAX_KINDS} kinds; what comes beyond is counted together. Thread-safe.
 */
public final class SizingAdvice {

    /** How many kinds are told apart. */
    public static final int MAX_KINDS = 1000;

    /** The name under which the kinds beyond {@link #MAX_KINDS} are counted. */
    public static final String OTHER_KINDS = "(other)";

    private static final int MAX_WORKERS = 10_000;

    private final ConcurrentHashMap<String, Totals> kinds = new ConcurrentHashMap<>();
    private final Totals others = new Totals();

    /**
     * Advice for one kind.
     *
     * @param kind the kind of job
     * @param jobs how many have been measured
     * @param meanWallMillis time that a job takes on average, milliseconds
     * @param meanCpuMillis how much of it is computing, milliseconds
     * @param waitShare how much of it is waiting, 0 to 1
     * @param suggestedWorkers workers that keep the processors busy with this kind alone, 1 to 10,000
     * @param because the calculation, in words
     */
    public record Advice(
            String kind,
            long jobs,
            double meanWallMillis,
            double meanCpuMillis,
            double waitShare,
            int suggestedWorkers,
            String because) {}

    /**
     * Notes one job.
     *
     * @param wallNanos how long it took, 0 or more
     * @param cpuNanos how much processor time its thread used meanwhile; more than {@code wallNanos} counts as that
     */
    public void record(String kind, long wallNanos, long cpuNanos) {
        if (wallNanos < 0 || cpuNanos < 0) {
            throw new IllegalArgumentException(
                    "Times of a job are 0 or more nanoseconds, not " + wallNanos + " and " + cpuNanos);
        }
        totals(kind).add(wallNanos, Math.min(cpuNanos, wallNanos));
    }

    private Totals totals(String kind) {
        Totals known = kinds.get(kind);
        return known != null ? known : newTotals(kind);
    }

    /** Rare, so a lock may keep the bound exact. */
    private synchronized Totals newTotals(String kind) {
        if (kinds.size() >= MAX_KINDS && !kinds.containsKey(kind)) {
            return others;
        }
        return kinds.computeIfAbsent(kind, name -> new Totals());
    }

    /**
     * What to do for each kind on so many processors: {@code processors x (1 + wait / compute)}, after B. Goetz, "Java
     * Concurrency in Practice", section 8.2, for full use of the processors. Kinds in alphabetical order.
     */
    public List<Advice> advice(int processors) {
        if (processors < 1) {
            throw new IllegalArgumentException("processors is " + processors + ": give 1 or more");
        }
        List<Advice> known = kinds.entrySet().stream()
                .map(kind -> kind.getValue().advice(kind.getKey(), processors))
                .sorted(Comparator.comparing(Advice::kind))
                .toList();
        if (others.jobs.sum() == 0) {
            return known;
        }
        return Stream.concat(known.stream(), Stream.of(others.advice(OTHER_KINDS, processors)))
                .toList();
    }

    /** The counters of one kind; read one after the other, so a reader may miss a job that is being added. */
    private static final class Totals {

        private final LongAdder jobs = new LongAdder();
        private final LongAdder wall = new LongAdder();
        private final LongAdder cpu = new LongAdder();

        void add(long wallNanos, long cpuNanos) {
            wall.add(wallNanos);
            cpu.add(cpuNanos);
            jobs.increment();
        }

        Advice advice(String kind, int processors) {
            long count = jobs.sum();
            long mean = Math.max(1, count);
            double wallMillis = millis(wall.sum()) / mean;
            double cpuMillis = Math.min(millis(cpu.sum()) / mean, wallMillis);
            double waitMillis = wallMillis - cpuMillis;
            double waitShare = wallMillis == 0 ? 0 : waitMillis / wallMillis;
            double wanted = waitMillis == 0 ? processors : processors * (1 + waitMillis / cpuMillis);
            int workers = (int) Math.max(1, Math.min(MAX_WORKERS, Math.round(wanted)));
            String because = String.format(
                    Locale.ROOT,
                    "%d processors x (1 + %.3f ms waiting / %.3f ms computing), the means of %d jobs%s",
                    processors,
                    waitMillis,
                    cpuMillis,
                    count,
                    wanted > MAX_WORKERS ? ", bounded to " + MAX_WORKERS : "");
            return new Advice(kind, count, wallMillis, cpuMillis, waitShare, workers, because);
        }

        private static double millis(long nanos) {
            return (double) nanos / TimeUnit.MILLISECONDS.toNanos(1);
        }
    }
}
