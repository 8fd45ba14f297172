package io.conveyor.soak;

import java.util.Map;
import java.util.TreeMap;

/** What was there at one moment, by name; what is not named was not there. Not thread-safe. */
final class Sample {

    private final Map<String, Double> values = new TreeMap<>();

    void put(String name, double value) {
        values.put(name, value);
    }

    /** One more of that sort. */
    void count(String name) {
        values.merge(name, 1.0, Double::sum);
    }

    double get(String name) {
        return values.getOrDefault(name, 0.0);
    }

    Map<String, Double> values() {
        return values;
    }

    /** A name without what tells one of a sort from the other. */
    static String sort(String name) {
        return name.replaceAll("[0-9a-f]{8,}", "#").replaceAll("[0-9]+", "#");
    }
}
