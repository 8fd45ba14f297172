package io.conveyor.soak;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** What the JVM says of itself: threads by name, what is left in the heap after a full collection, and what
 * it has taken beside the heap. One thread. */
final class JvmView {

    private static final Pattern THREAD = Pattern.compile("^\"(.*?)\" .*");
    private static final Pattern TOTAL = Pattern.compile("^Total +(\\d+) +(\\d+)$");
    private static final Pattern CLASS = Pattern.compile("^ *\\d+: +(\\d+) +(\\d+) +(\\S+).*");

    /** As in "-                    Thread (reserved=82104KB, committed=6268KB)". */
    private static final Pattern NATIVE = Pattern.compile("^- +(\\w[^(]*) \\(reserved=\\d+KB, committed=(\\d+)KB\\)$");

    /** Of a list for people. */
    private static final int LINES = 25;

    private final List<String> command;

    // Mutable state
    private Map<String, Long> first = Map.of();
    private Map<String, Long> last = Map.of();

    JvmView(long pid, Path directory) throws IOException {
        // The histogram counts what is alive: it collects first, and so is exact.
        Path questions = Files.writeString(
                directory.resolve("questions"),
                "Thread.print\nGC.class_histogram\nVM.native_memory summary scale=KB\n");
        String jcmd = Path.of(System.getProperty("java.home"), "bin", "jcmd").toString();
        command = List.of(jcmd, String.valueOf(pid), "-f", questions.toString());
    }

    void look(Sample sample) throws IOException, InterruptedException {
        Map<String, Long> bytes = new HashMap<>();
        for (String line : answer()) {
            Matcher thread = THREAD.matcher(line);
            Matcher total = TOTAL.matcher(line);
            Matcher type = CLASS.matcher(line);
            Matcher part = NATIVE.matcher(line);
            if (thread.matches()) {
                sample.count("threads " + Sample.sort(thread.group(1)));
            } else if (total.matches()) {
                sample.put("heap after collection", Double.parseDouble(total.group(2)));
            } else if (type.matches()) {
                bytes.merge(Sample.sort(type.group(3)), Long.valueOf(type.group(2)), Long::sum);
            } else if (part.matches()) {
                sample.put("native " + part.group(1), 1024 * Double.parseDouble(part.group(2)));
            }
        }
        if (sample.get("heap after collection") == 0 || sample.get("native Java Heap") == 0) {
            throw new IOException("The JVM has not told what is in its heap, and beside it");
        }
        first = first.isEmpty() ? bytes : first;
        last = bytes;
    }

    private List<String> answer() throws IOException, InterruptedException {
        Process asking = new ProcessBuilder(command).redirectErrorStream(true).start();
        try (var lines = asking.inputReader()) {
            List<String> answer = lines.lines().toList();
            if (!asking.waitFor(1, TimeUnit.MINUTES) || asking.exitValue() != 0) {
                throw new IOException("The JVM cannot be asked: " + answer);
            }
            return answer;
        } finally {
            asking.destroyForcibly();
        }
    }

    /** From now on the growth is counted. */
    void warm() {
        first = Map.of();
    }

    String growth() {
        return last.entrySet().stream()
                .map(entry -> Map.entry(entry.getKey(), entry.getValue() - first.getOrDefault(entry.getKey(), 0L)))
                .filter(entry -> entry.getValue() > 0)
                .sorted(Map.Entry.comparingByValue(Comparator.reverseOrder()))
                .limit(LINES)
                .map(entry -> "%,13d %s".formatted(entry.getValue(), entry.getKey()))
                .collect(Collectors.joining(System.lineSeparator()));
    }
}
