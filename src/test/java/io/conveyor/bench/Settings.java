package io.conveyor.bench;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;

/**
 * How to run, from system properties {@code bench.*}.
 *
 * @param java the program that runs the servers
 * @param jar the packaged service
 * @param heap maximum heap of each server, as in {@code -Xmx}
 * @param flags more flags for the service's virtual machine
 * @param directory where the data of the servers lie; on the disk that is to be measured
 * @param only the parts to measure; empty for all
 * @param quick one run of each instead of three, and shorter
 */
record Settings(Path java, Path jar, String heap, List<String> flags, Path directory, Set<String> only, boolean quick) {

    static Settings ofSystem() {
        return new Settings(
                Path.of(property(
                        "java",
                        Path.of(System.getProperty("java.home"), "bin", "java").toString())),
                Path.of(property("jar", "target/conveyor.jar")).toAbsolutePath(),
                property("heap", "256m"),
                words(property("flags", "")),
                Path.of(property("directory", "target/bench")).toAbsolutePath(),
                Set.copyOf(words(property("only", "").replace(',', ' '))),
                Boolean.parseBoolean(property("quick", "false")));
    }

    int runs() {
        return quick ? 1 : 3;
    }

    /** Length of one closed-loop measurement. */
    long millis() {
        return quick ? 1000 : 3000;
    }

    /** Length of each part of the warm-up. */
    long warmUpMillis() {
        return 2 * millis();
    }

    /** Requests of the warm-up that it takes until the path of a request is compiled. */
    int warmUpRequests() {
        return quick ? 5_000 : 40_000;
    }

    boolean measures(String part) {
        return only.isEmpty() || only.contains(part);
    }

    private static String property(String name, String otherwise) {
        String value = System.getProperty("bench." + name, "");
        return value.isBlank() ? otherwise : value;
    }

    private static List<String> words(String text) {
        return Arrays.stream(text.split(" ")).filter(word -> !word.isEmpty()).toList();
    }
}
