package io.conveyor.monitor;

import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * One answer of {@code /actuator/prometheus}, taken apart. Immutable.
 *
 * @param samples value by series, the series as it is written there
 * @param helps help text by family
 * @param types type by family
 */
record Scrape(Map<String, Double> samples, Map<String, String> helps, Map<String, String> types) {

    private static final Pattern LABEL = Pattern.compile("(\\w+)=\"((?:[^\"\\\\]|\\\\.)*)\"");

    static Scrape parse(String text) {
        Map<String, Double> samples = new TreeMap<>();
        Map<String, String> helps = new TreeMap<>();
        Map<String, String> types = new TreeMap<>();
        for (String line : text.lines().toList()) {
            String[] words = line.split(" ", 4);
            if (line.startsWith("# HELP ")) {
                helps.put(words[2], words.length < 4 ? "" : words[3]);
            } else if (line.startsWith("# TYPE ")) {
                types.put(words[2], words[3]);
            } else if (!line.startsWith("#")) {
                int end = line.lastIndexOf(' ');
                samples.put(line.substring(0, end), Double.valueOf(line.substring(end + 1)));
            }
        }
        return new Scrape(samples, helps, types);
    }

    double value(String series) {
        Double value = samples.get(series);
        if (value == null) {
            throw new AssertionError("There is no series " + series + " in " + samples.keySet());
        }
        return value;
    }

    /** Names of metrics, without their labels. */
    Set<String> names() {
        Set<String> names = new TreeSet<>();
        samples.keySet().forEach(series -> names.add(series.split("\\{", 2)[0]));
        return names;
    }

    /** Whether a series of that name has all of these {@code key="value"} labels. */
    boolean has(String name, Set<String> labels) {
        return samples.keySet().stream()
                .filter(series -> series.split("\\{", 2)[0].equals(name))
                .anyMatch(series -> labels.stream().allMatch(series::contains));
    }

    /** Values by label, of all metrics whose name begins so. */
    Map<String, Set<String>> labels(String prefix) {
        Map<String, Set<String>> labels = new TreeMap<>();
        for (String series : samples.keySet()) {
            Matcher label = LABEL.matcher(series);
            while (series.startsWith(prefix) && label.find()) {
                labels.computeIfAbsent(label.group(1), key -> new TreeSet<>()).add(label.group(2));
            }
        }
        return labels;
    }
}
