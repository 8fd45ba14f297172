package io.conveyor.soak;

import java.util.List;

/**
 * What a series may do without being called a leak. Immutable.
 *
 * @param prefix of the names of the series that it is for; the first that fits counts
 * @param growth by which the end may lie above the begin in any case, in the unit of the series
 * @param share of the begin by which the end may lie above it in any case
 * @param ceiling that no sample may pass
 */
record Allowance(String prefix, double growth, double share, double ceiling) {

    private static final double MB = 1024 * 1024;

    /** What no bound is known for. */
    private static final double ANY = Double.MAX_VALUE;

    /** For a service with a heap of 256 MB, a crew of four, and a retention of a minute. */
    static final List<Allowance> OF_A_SERVICE = List.of(
            // Crews and pools of threads breathe by one or two. Two hundred threads are the most that Tomcat has.
            new Allowance("threads ", 3, 0.15, 250),
            // Clients that went away are noticed when somebody writes to them: a few dozen sockets wait for that.
            new Allowance("descriptors socket", 12, 0.15, 1000),
            // Each program that runs has three. They come and go by the dozen: a quarter may have two of them more than
            // another.
            new Allowance("descriptors pipe", 9, 0.15, 200),
            new Allowance("descriptors ", 3, 0.15, 200),
            new Allowance("heap after collection", 1.5 * MB, 0, 200 * MB),
            // Classes and code come late: what is seldom done is loaded and compiled when it is done first.
            new Allowance("metaspace", 2 * MB, 0, 200 * MB),
            new Allowance("code cache", 8 * MB, 0, 256 * MB),
            new Allowance("classes", 300, 0, 40_000),
            // What the collector, the compiler and the symbols take comes with the code that is compiled.
            new Allowance("native ", 8 * MB, 0.10, 512 * MB),
            new Allowance("direct buffers", MB, 0.10, 64 * MB),
            new Allowance("resident memory", 24 * MB, 0.05, 768 * MB),
            new Allowance("processes zombie", 0, 0, 5),
            new Allowance("processes", 3, 0, 60),
            // An answer that is seldom given, such as a path with a status of its own, brings a histogram of twenty
            // lines.
            new Allowance("meters", 45, 0, 3000),
            // Keys are kept for a day whatever the retention: their rows come on top, and are known.
            new Allowance("rows idempotency_key", ANY, 0, ANY),
            new Allowance("rows ", 150, 0.20, 200_000),
            new Allowance("unfinished batches", 15, 0.20, 2000),
            // Sweeps come at least once a minute, and take as long as they take.
            new Allowance("seconds behind retention", 30, 0, 180),
            new Allowance("bytes in use without keys", 2 * MB, 0.15, 256 * MB),
            new Allowance("bytes database", 4 * MB, 0.15, 256 * MB),
            // The log is cut to 64 MB when it is begun anew, and folded in at 16 MB.
            new Allowance("bytes log", 16 * MB, 0, 80 * MB),
            new Allowance("bytes ", 64 * 1024, 0.10, 16 * MB),
            new Allowance("files", 3, 0, 50));

    static Allowance of(String series, List<Allowance> allowances) {
        return allowances.stream()
                .filter(each -> series.startsWith(each.prefix()))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("Nobody knows what " + series + " may do"));
    }

    /** How far the end may lie above that begin. */
    double above(double begin) {
        return Math.max(growth, share * begin);
    }
}
