package io.conveyor.monitor;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.yaml.snakeyaml.Yaml;

/** What the alert rules and the board ask Prometheus for. */
final class Expressions {

    private static final Pattern METRIC =
            Pattern.compile("(?<![\\w:.])([a-z][a-z0-9]*_[a-z0-9_]+)(?![\\w:]|\\s*\\()(\\{[^}]*})?");
    private static final Pattern EQUALITY = Pattern.compile("(?<!\\w)(?!job=)\\w+=\"[^\"]*\"");
    private static final Pattern LABEL_LIST = Pattern.compile("\\b(by|without|on|ignoring) *\\([^)]*\\)");

    private Expressions() {}

    /** Metrics by name, each with the label values that some expression wants of it. */
    static Map<String, Set<Set<String>>> metrics() throws IOException {
        List<String> expressions = new ArrayList<>();
        // JSON is YAML.
        for (String file : List.of("docker/grafana/conveyor.json", "docker/prometheus/rules.yml")) {
            collect(new Yaml().load(Files.readString(Path.of(file))), expressions);
        }
        Map<String, Set<Set<String>>> metrics = new TreeMap<>();
        for (String expression : expressions) {
            Matcher metric = METRIC.matcher(LABEL_LIST.matcher(expression).replaceAll(""));
            while (metric.find()) {
                String selector = metric.group(2);
                metrics.computeIfAbsent(metric.group(1), name -> new HashSet<>())
                        .add(selector == null ? Set.of() : equalities(selector));
            }
        }
        return metrics;
    }

    private static Set<String> equalities(String selector) {
        return EQUALITY.matcher(selector)
                .results()
                .map(found -> found.group())
                .collect(Collectors.toCollection(TreeSet::new));
    }

    private static void collect(Object node, List<String> found) {
        if (node instanceof Map<?, ?> map) {
            map.forEach((name, value) -> {
                if ("expr".equals(name)) {
                    found.add(String.valueOf(value));
                } else if (value != null) {
                    collect(value, found);
                }
            });
        } else if (node instanceof Iterable<?> list) {
            list.forEach(value -> collect(value, found));
        }
    }
}
