package io.conveyor.soak;

import io.conveyor.ledger.Calls;
import io.conveyor.ledger.Calls.Reply;
import java.util.List;

/** What the meters of the service say, and how many there are: one that has a name a batch would be a leak. */
final class MeterView {

    private final Calls calls;

    MeterView(Calls calls) {
        this.calls = calls;
    }

    void look(Sample sample) throws InterruptedException {
        Reply reply = calls.get("/actuator/prometheus");
        if (reply.status() != 200) {
            throw new AssertionError("No meters: " + reply);
        }
        List<String> lines =
                reply.body().lines().filter(line -> !line.startsWith("#")).toList();
        sample.put("meters", lines.size());
        sample.put("metaspace", sum(lines, "jvm_memory_used_bytes", "id=\"Metaspace\""));
        sample.put("code cache", sum(lines, "jvm_memory_used_bytes", "id=\"Code"));
        sample.put("direct buffers", sum(lines, "jvm_buffer_memory_used_bytes", "id=\"direct\""));
        sample.put("classes", sum(lines, "jvm_classes_loaded_classes", ""));
    }

    private static double sum(List<String> lines, String name, String label) {
        double[] found = lines.stream()
                .filter(line -> line.startsWith(name) && line.contains(label))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
                .toArray();
        if (found.length == 0 && !label.startsWith("id=\"Code")) {
            throw new AssertionError("No meter " + name + " " + label);
        }
        double sum = 0;
        for (double each : found) {
            sum += each;
        }
        return sum;
    }
}
