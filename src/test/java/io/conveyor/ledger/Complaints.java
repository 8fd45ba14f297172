package io.conveyor.ledger;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** What is wrong in the books, by the rule that is broken. Not thread-safe. */
final class Complaints {

    /** Of each rule in the report. */
    private static final int SHOWN = 5;

    /** Characters of a complaint in the report. */
    private static final int LONGEST = 700;

    private final Map<String, List<String>> found = new LinkedHashMap<>();

    void add(String rule, Object... facts) {
        String detail = Arrays.stream(facts).map(String::valueOf).collect(Collectors.joining(" "));
        found.computeIfAbsent(rule, name -> new ArrayList<>()).add(detail);
    }

    void unless(boolean held, String rule, Object... facts) {
        if (!held) {
            add(rule, facts);
        }
    }

    /** Takes these as well; one that is here already stays one. */
    void addAll(Complaints others) {
        others.found.forEach((rule, details) -> {
            List<String> here = found.computeIfAbsent(rule, name -> new ArrayList<>());
            details.stream().filter(detail -> !here.contains(detail)).forEach(here::add);
        });
    }

    Map<String, List<String>> found() {
        return found;
    }

    boolean none() {
        return found.isEmpty();
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder();
        found.forEach((rule, details) -> {
            text.append(rule).append(": ").append(details.size()).append('\n');
            details.stream()
                    .limit(SHOWN)
                    .forEach(detail -> text.append("    ")
                            .append(detail, 0, Math.min(LONGEST, detail.length()))
                            .append('\n'));
        });
        return text.toString();
    }
}
