package io.conveyor.soak;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * Tells what grows from what goes up and down: the last quarter of the samples against the first. What leaks is higher
 * in the middle and at its lowest as well; what saws is so in one of them at the most, whatever phase it is in. Beside
 * that no sample may pass a ceiling. Immutable.
 */
record Verdict(List<Row> rows) {

    /** Fewer samples tell nothing. */
    static final int FEWEST = 16;

    /**
     * A series.
     *
     * @param first the median of the first quarter
     * @param last that of the last quarter
     * @param growth of the median or of the lower quartile, whichever has grown less
     * @param allowed how much that may be
     */
    record Row(String series, double first, double last, double most, double growth, double allowed, double ceiling) {

        boolean grows() {
            return growth > allowed;
        }

        boolean tooMuch() {
            return most > ceiling;
        }

        boolean red() {
            return grows() || tooMuch();
        }
    }

    Verdict {
        rows = List.copyOf(rows);
    }

    static Verdict on(Map<String, double[]> series, List<Allowance> allowances) {
        List<Row> rows = new ArrayList<>();
        series.forEach((name, values) -> rows.add(row(name, values, Allowance.of(name, allowances))));
        return new Verdict(rows);
    }

    private static Row row(String name, double[] values, Allowance allowance) {
        if (values.length < FEWEST) {
            throw new IllegalArgumentException(values.length + " samples of " + name + " tell nothing");
        }
        double[] first = sorted(values, 0, values.length / 4);
        double[] last = sorted(values, values.length - values.length / 4, values.length);
        double growth = Math.min(middle(last) - middle(first), low(last) - low(first));
        double most = Arrays.stream(values).max().orElseThrow();
        double allowed = allowance.above(middle(first));
        return new Row(name, middle(first), middle(last), most, growth, allowed, allowance.ceiling());
    }

    private static double[] sorted(double[] values, int from, int to) {
        double[] part = Arrays.copyOfRange(values, from, to);
        Arrays.sort(part);
        return part;
    }

    private static double middle(double[] sorted) {
        return (sorted[(sorted.length - 1) / 2] + sorted[sorted.length / 2]) / 2;
    }

    private static double low(double[] sorted) {
        return sorted[sorted.length / 4];
    }

    List<Row> red() {
        return rows.stream().filter(Row::red).toList();
    }

    /** A table for people: what is red comes first. */
    String table() {
        StringBuilder text = new StringBuilder();
        text.append(
                "%-62s %13s %13s %13s %13s%n".formatted("", "first quarter", "last quarter", "most", "may grow by"));
        rows.stream().filter(Row::red).forEach(row -> line(text, row));
        rows.stream().filter(row -> !row.red()).forEach(row -> line(text, row));
        return text.toString();
    }

    private static void line(StringBuilder text, Row row) {
        String name = row.series().length() > 62 ? row.series().substring(0, 62) : row.series();
        text.append("%-62s %,13.0f %,13.0f %,13.0f ".formatted(name, row.first(), row.last(), row.most()))
                .append(row.allowed() < 1e15 ? "%,13.0f".formatted(row.allowed()) : "%13s".formatted("anything"))
                .append(row.grows() ? "  GROWS" : "")
                .append(row.tooMuch() ? "  TOO MUCH" : "")
                .append(System.lineSeparator());
    }
}
