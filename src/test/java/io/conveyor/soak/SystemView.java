package io.conveyor.soak;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;

/** What Linux says of a process: descriptors, memory, and the processes that it started. Has no state of its own. */
final class SystemView {

    static final Path PROC = Path.of("/proc");

    /** Of the counter of the time that a process has computed; the same on all machines that Java runs on. */
    private static final double TICKS_A_SECOND = 100;

    private final long pid;
    private final Path process;
    private final Path directory;

    /** @param directory in which the process works, and all that it starts */
    SystemView(long pid, Path directory) throws IOException {
        this.pid = pid;
        process = PROC.resolve(String.valueOf(pid));
        this.directory = directory.toRealPath();
    }

    void look(Sample sample) throws IOException {
        descriptors(sample);
        for (String line : Files.readAllLines(process.resolve("status"))) {
            if (line.startsWith("VmRSS:")) {
                sample.put("resident memory", 1024 * Double.parseDouble(line.replaceAll("[^0-9]", "")));
            }
        }
        processes(sample);
    }

    private void descriptors(Sample sample) throws IOException {
        try (DirectoryStream<Path> all = Files.newDirectoryStream(process.resolve("fd"))) {
            for (Path each : all) {
                String target = link(each);
                if (target.startsWith("/")) {
                    Path file = Path.of(target.replace(" (deleted)", ""));
                    String name = file.startsWith(directory)
                            ? directory.relativize(file).toString()
                            : target;
                    sample.count("descriptors file " + Sample.sort(name));
                } else if (!target.isEmpty()) {
                    sample.count("descriptors " + target.replaceAll(":.*", ""));
                }
            }
        }
    }

    /** Where it points to, or nothing when it is gone meanwhile, or not ours. */
    private static String link(Path link) {
        try {
            return Files.readSymbolicLink(link).toString();
        } catch (IOException e) {
            return "";
        }
    }

    /** All that work in the directory, be it that their parent is gone, and the children that nobody has waited for. */
    private void processes(Sample sample) throws IOException {
        sample.put("processes", 0);
        sample.put("processes zombie", 0);
        try (DirectoryStream<Path> all = Files.newDirectoryStream(PROC, "[0-9]*")) {
            for (Path each : all) {
                if (link(each.resolve("cwd")).equals(directory.toString()) && !each.equals(process)) {
                    sample.count("processes");
                }
                List<String> stat = stat(each);
                if (stat.size() > 1 && stat.get(0).equals("Z") && stat.get(1).equals(String.valueOf(pid))) {
                    sample.count("processes zombie");
                }
            }
        }
    }

    /** The fields from the state on: behind the name of the program, which may have anything in it. */
    private static List<String> stat(Path process) throws IOException {
        try {
            String text = Files.readString(process.resolve("stat"));
            return List.of(text.substring(text.lastIndexOf(')') + 2).split(" ", -1));
        } catch (NoSuchFileException e) {
            return List.of();
        } catch (IOException e) {
            return List.of(); // ended while it was read: no such process
        }
    }

    double cpuSeconds() throws IOException {
        List<String> stat = stat(process);
        return (Double.parseDouble(stat.get(11)) + Double.parseDouble(stat.get(12))) / TICKS_A_SECOND;
    }
}
