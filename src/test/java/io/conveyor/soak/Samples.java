package io.conveyor.soak;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * All samples of a run, each written to a file as it comes, a line a value, so that a run that ends early has left
 * something to look into. One thread.
 */
final class Samples implements AutoCloseable {

    private final PrintWriter file;
    private final List<Sample> samples = new ArrayList<>();

    Samples(Path csv) throws IOException {
        file = new PrintWriter(Files.newBufferedWriter(csv), true);
        file.println("seconds,warm,series,value");
    }

    /** @param warm whether the verdict shall look at it */
    void add(long seconds, boolean warm, Sample sample) {
        sample.values()
                .forEach((name, value) -> file.printf(
                        Locale.ROOT, "%d,%d,%s,%.0f%n", seconds, warm ? 1 : 0, name.replace(',', ';'), value));
        if (warm) {
            samples.add(sample);
        }
    }

    int size() {
        return samples.size();
    }

    /** The warm ones by name. */
    Map<String, double[]> series() {
        Set<String> names = new TreeSet<>();
        samples.forEach(sample -> names.addAll(sample.values().keySet()));
        Map<String, double[]> series = new TreeMap<>();
        for (String name : names) {
            series.put(
                    name,
                    samples.stream().mapToDouble(sample -> sample.get(name)).toArray());
        }
        return series;
    }

    @Override
    public void close() {
        file.close();
    }
}
