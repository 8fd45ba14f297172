package io.conveyor.bench;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** What was measured, run by run, in the order in which it was first measured. Not thread-safe. */
final class Figures {

    private final Map<String, List<Double>> values = new LinkedHashMap<>();

    /** Adds one run's value. */
    void add(String name, double value) {
        values.computeIfAbsent(name, key -> new ArrayList<>()).add(value);
    }

    /** The table in Markdown: median, smallest and largest of the runs. */
    String table() {
        StringBuilder table = new StringBuilder("| figure | median | min – max | runs |\n|---|---:|---:|---:|\n");
        values.forEach((name, runs) -> {
            double[] sorted =
                    runs.stream().mapToDouble(Double::doubleValue).sorted().toArray();
            table.append(String.format(
                    Locale.ROOT,
                    "| %s | %s | %s – %s | %d |%n",
                    name,
                    text(median(sorted)),
                    text(sorted[0]),
                    text(sorted[sorted.length - 1]),
                    sorted.length));
        });
        return table.toString();
    }

    private static double median(double[] sorted) {
        int half = sorted.length / 2;
        return sorted.length % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
    }

    private static String text(double value) {
        return String.format(Locale.ROOT, value >= 1000 ? "%,.0f" : value >= 10 ? "%.1f" : "%.3f", value);
    }

    /** The value that a share of the sorted values does not exceed. */
    static double percentile(long[] sorted, double share) {
        return sorted.length == 0 ? Double.NaN : sorted[(int) Math.min(sorted.length - 1, share * sorted.length)];
    }

    static long[] sorted(List<long[]> parts) {
        return parts.stream().flatMapToLong(Arrays::stream).sorted().toArray();
    }
}
