package io.conveyor.ledger;

import io.conveyor.ledger.Books.Answer;
import io.conveyor.ledger.Books.Deed;
import io.conveyor.ledger.Books.Life;
import io.conveyor.ledger.Books.Line;
import io.conveyor.ledger.Books.Start;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * When jobs may start: never after their outcome was read, nor after a cancel or in a pause that was answered for, and once
 * in a life unless an attempt failed. A retry allows starts again, from when it was asked for until its outcome was read.
 * Has no state.
 */
final class StartRules implements Checker.Rule {

    /** Microseconds that a call may be on its way to the target after its job was interrupted: the machine is busy. */
    static final long ON_ITS_WAY = 3 * Moment.SECOND;

    /** From when to when a job may start. */
    private record Window(String id, long from, long to) {}

    @Override
    public void check(Books books, Complaints complaints) {
        Map<String, List<Start>> starts =
                books.starts().stream().collect(Collectors.groupingBy(start -> start.key() + " " + start.index()));
        Map<String, List<String>> batches = batches(books);
        Map<String, Long> outcomes = outcomes(books);
        Map<String, List<Window>> quiet = quiet(books);
        Map<String, Long> asked = asked(books);
        Set<String> unsure = books.deeds().stream()
                .filter(deed -> deed.what() == Deed.What.RETRY && deed.status() == 0)
                .map(Deed::id)
                .collect(Collectors.toSet());
        starts.forEach((job, seen) -> {
            Start any = seen.get(0);
            complaints.unless(books.plans().containsKey(any.key()), "stranger-started", job);
            List<String> ids = batches.getOrDefault(any.key(), List.of());
            if (ids.stream().anyMatch(unsure::contains)) {
                return; // there may be a retry that nobody knows
            }
            List<Window> windows = windows(ids, any.index(), asked, outcomes);
            for (Start start : seen) {
                inWindow(start, windows, complaints);
                notWhenQuiet(start, ids, quiet, complaints);
            }
            onceInALife(books, seen, ids.size(), complaints);
        });
    }

    /** Ids of the batch of a key and of its retries. */
    private static Map<String, List<String>> batches(Books books) {
        Map<String, String> keys = new HashMap<>(books.keysById());
        for (Deed deed : books.deeds()) {
            String key = keys.get(deed.id());
            if (deed.what() == Deed.What.RETRY && deed.done() && key != null) {
                keys.put(deed.detail(), key);
            }
        }
        Map<String, Set<String>> ids = new HashMap<>();
        keys.forEach((id, key) -> ids.computeIfAbsent(key, k -> new HashSet<>()).add(id));
        Map<String, List<String>> all = new HashMap<>();
        ids.forEach((key, set) -> all.put(key, List.copyOf(set)));
        return all;
    }

    /** When the outcome of a job was first read, as the end of its call allows for what was still on its way. */
    private static Map<String, Long> outcomes(Books books) {
        Map<String, Long> outcomes = new HashMap<>();
        for (Line line : books.lines()) {
            long slack = line.text().contains("\"state\":\"succeeded\"") ? 0 : ON_ITS_WAY;
            outcomes.merge(line.id() + " " + line.index(), line.readAt() + slack, Math::min);
        }
        return outcomes;
    }

    /** When each batch was first asked for. */
    private static Map<String, Long> asked(Books books) {
        Map<String, Long> first = new HashMap<>();
        for (Answer answer : books.answers()) {
            first.merge(answer.key(), answer.sentAt(), Math::min);
        }
        Map<String, Long> asked = new HashMap<>();
        books.keysById().forEach((id, key) -> asked.put(id, first.get(key)));
        for (Deed deed : books.deeds()) {
            if (deed.what() == Deed.What.RETRY && deed.done()) {
                asked.merge(deed.detail(), deed.sentAt(), Math::min);
            }
        }
        return asked;
    }

    private static List<Window> windows(
            List<String> ids, int index, Map<String, Long> asked, Map<String, Long> outcomes) {
        return ids.stream()
                .map(id -> new Window(id, asked.get(id), outcomes.getOrDefault(id + " " + index, Long.MAX_VALUE)))
                .toList();
    }

    private static void inWindow(Start start, List<Window> windows, Complaints complaints) {
        boolean allowed = windows.isEmpty()
                || windows.stream()
                        .anyMatch(window -> window.from() <= start.startedAt() && start.startedAt() <= window.to());
        complaints.unless(allowed, "started-after-its-outcome", start, "in", windows);
    }

    /** Times in which nothing of a batch may start. */
    private static Map<String, List<Window>> quiet(Books books) {
        Map<String, List<Window>> quiet = new HashMap<>();
        for (Deed deed : books.deeds()) {
            boolean cancel = deed.what() == Deed.What.CANCEL && deed.status() == 202;
            boolean pause = deed.what() == Deed.What.PAUSE && deed.done();
            if (cancel || pause) {
                long to = cancel ? Long.MAX_VALUE : resumedAfter(books, deed);
                quiet.computeIfAbsent(deed.id(), id -> new ArrayList<>())
                        .add(new Window(deed.id(), deed.answeredAt() + ON_ITS_WAY, to));
            }
        }
        return quiet;
    }

    private static long resumedAfter(Books books, Deed pause) {
        return books.deeds().stream()
                .filter(deed -> deed.what() == Deed.What.RESUME && deed.id().equals(pause.id()))
                .mapToLong(Deed::sentAt)
                .filter(sentAt -> sentAt >= pause.sentAt())
                .min()
                .orElse(Long.MAX_VALUE);
    }

    /** A key with retries has several batches, and the target cannot tell them apart: those are not asked. */
    private static void notWhenQuiet(
            Start start, List<String> ids, Map<String, List<Window>> quiet, Complaints complaints) {
        if (ids.size() != 1) {
            return;
        }
        for (Window window : quiet.getOrDefault(ids.get(0), List.of())) {
            complaints.unless(
                    start.startedAt() < window.from() || start.startedAt() >= window.to(),
                    "started-while-stopped",
                    start,
                    "in",
                    window);
        }
    }

    private static void onceInALife(Books books, List<Start> starts, int batches, Complaints complaints) {
        Start any = starts.get(0);
        Plan plan = books.plans().get(any.key());
        if (starts.size() == 1 || plan == null || any.index() >= plan.jobs().size()) {
            return;
        }
        int attempts = Math.max(1, plan.options().maxAttempts()) * Math.max(1, batches);
        List<Life> lives = books.lives().stream()
                .sorted(Comparator.comparingLong(Life::spawnedAt))
                .toList();
        for (Life life : lives) {
            long in = starts.stream()
                    .filter(start -> start.startedAt() >= life.spawnedAt() && start.startedAt() <= life.endedAt())
                    .count();
            complaints.unless(
                    in <= attempts, "started-too-often", any.key(), any.index(), in, "in life", life.number());
        }
    }
}
