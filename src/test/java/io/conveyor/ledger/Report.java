package io.conveyor.ledger;

import io.conveyor.ledger.Books.Answer;
import io.conveyor.ledger.Books.Life;
import io.conveyor.ledger.Books.Probe;
import io.conveyor.ledger.Books.Start;
import io.conveyor.ledger.Books.Stored;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.stream.Collectors;

/** The figures of a run, for people. Has no state. */
final class Report {

    private Report() {}

    static String of(Books books, Nemesis nemesis, Map<String, Long> answers) {
        StringBuilder text = new StringBuilder();
        nemesis.done().forEach((name, count) -> row(text, name, count));
        nemesis.skipped().forEach((name, why) -> text.append("SKIPPED %s: %s%n".formatted(name, why)));
        row(text, "requests by answer", answers);
        row(text, "batches asked for", books.plans().size());
        row(text, "  acknowledged", books.keysById().size());
        row(text, "  without any answer", unknown(books));
        row(text, "  there at the end", books.stored().size());
        row(
                text,
                "  jobs with an outcome",
                books.stored().stream()
                        .mapToInt(batch -> batch.inputOrder().size())
                        .sum());
        row(text, "result lines read before the end", books.lines().size());
        row(text, "views of batches", books.views().size());
        starts(text, books);
        lives(text, books);
        probes(text, books);
        return text.toString();
    }

    private static void row(StringBuilder text, String name, Object value) {
        text.append("%-40s %s%n".formatted(name, value));
    }

    private static String unknown(Books books) {
        Map<String, List<Answer>> byKey = books.answers().stream().collect(Collectors.groupingBy(Answer::key));
        List<String> unknown = byKey.entrySet().stream()
                .filter(entry -> entry.getValue().stream().noneMatch(Answer::accepted)
                        && entry.getValue().stream().anyMatch(answer -> answer.status() == 0))
                .map(Map.Entry::getKey)
                .toList();
        List<String> names = books.stored().stream().map(Stored::name).toList();
        return "%d, of which there %d"
                .formatted(
                        unknown.size(), unknown.stream().filter(names::contains).count());
    }

    private static void starts(StringBuilder text, Books books) {
        Map<String, Long> perJob = books.starts().stream()
                .collect(Collectors.groupingBy(start -> start.key() + " " + start.index(), Collectors.counting()));
        row(text, "starts at the target", books.starts().size());
        row(
                text,
                "  jobs started more than once",
                perJob.values().stream().filter(count -> count > 1).count());
        row(
                text,
                "  at once at the most",
                books.lives().stream()
                        .mapToInt(life -> CrewRules.most(books, life))
                        .max()
                        .orElse(0));
        row(
                text,
                "  without an end",
                books.starts().stream().filter(Report::noEnd).count());
    }

    private static boolean noEnd(Start start) {
        return start.endedAt() == Long.MAX_VALUE;
    }

    private static void lives(StringBuilder text, Books books) {
        row(text, "lives", books.lives().size());
        List<Long> resumed = LifeRules.allResumed(books).stream()
                .filter(OptionalLong::isPresent)
                .map(OptionalLong::getAsLong)
                .toList();
        row(
                text,
                "  with work left by the one before",
                "%d, gone on with after %d ms at the most"
                        .formatted(
                                resumed.size(),
                                Moment.millis(resumed.stream()
                                        .mapToLong(took -> took)
                                        .max()
                                        .orElse(0))));
        row(
                text,
                "  slowest end after SIGTERM",
                Moment.millis(books.lives().stream()
                                .filter(life -> life.exit() == 143 || life.exit() == 0)
                                .mapToLong(life -> life.endedAt() - life.stopAt())
                                .max()
                                .orElse(0))
                        + " ms");
    }

    private static void probes(StringBuilder text, Books books) {
        for (String path : List.of("/livez", "/readyz")) {
            List<Long> took = books.lives().stream()
                    .flatMap(life -> books.probes().stream().filter(probe -> asked(probe, path, life)))
                    .map(probe -> probe.answeredAt() - probe.sentAt() - probe.late())
                    .toList();
            long slowest = took.stream().mapToLong(each -> each).max().orElse(0);
            row(text, "probes of " + path, "%d, slowest %d ms".formatted(took.size(), Moment.millis(slowest)));
        }
    }

    private static boolean asked(Probe probe, String path, Life life) {
        return probe.path().equals(path) && ProbeRules.asked(probe, life);
    }
}
