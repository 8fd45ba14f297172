package io.conveyor.ledger;

import io.conveyor.ledger.Books.Counts;
import io.conveyor.ledger.Books.End;
import io.conveyor.ledger.Books.Line;
import io.conveyor.ledger.Books.View;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.stream.Collectors;

/** What clients have read never reads otherwise later, and is true in itself. Has no state. */
final class ReadingRules implements Checker.Rule {

    @Override
    public void check(Books books, Complaints complaints) {
        linesStay(books, complaints);
        Map<String, List<View>> views = books.views().stream().collect(Collectors.groupingBy(View::id));
        views.forEach((id, seen) -> {
            seen.forEach(view -> sums(view, complaints));
            endStays(id, seen, complaints);
            neverBack(id, seen, complaints);
        });
        oneEnd(books, views, complaints);
    }

    private static void linesStay(Books books, Complaints complaints) {
        Map<String, String> first = new HashMap<>();
        for (Line line : books.lines()) {
            String before = first.putIfAbsent(line.id() + " " + line.index(), line.text());
            complaints.unless(
                    before == null || before.equals(line.text()),
                    "outcome-changed",
                    line.id(),
                    ": first",
                    before,
                    ", then",
                    line.text());
        }
    }

    private static void sums(View view, Complaints complaints) {
        Counts counts = view.counts();
        complaints.unless(counts.total() < 0 || counts.sum() == counts.total(), "counts-do-not-sum", view.id(), counts);
        complaints.unless(!view.ended() || counts.terminal() == counts.total(), "ended-too-early", view.id(), counts);
    }

    private static void endStays(String id, List<View> views, Complaints complaints) {
        List<View> ended = views.stream()
                .filter(View::ended)
                .sorted(Comparator.comparingLong(View::readAt))
                .toList();
        if (ended.isEmpty()) {
            return;
        }
        View first = ended.get(0);
        for (View view : ended) {
            complaints.unless(
                    view.text().equals(first.text()), "end-changed", "first", first.text(), ", then", view.text());
        }
        for (View view : views) {
            complaints.unless(view.ended() || view.sentAt() <= first.readAt(), "end-undone", id, "is", view.state());
        }
    }

    /** Only what was read before another reading began can be compared with it. */
    private static void neverBack(String id, List<View> views, Complaints complaints) {
        PriorityQueue<View> read = new PriorityQueue<>(Comparator.comparingLong(View::readAt));
        read.addAll(views);
        Counts most = new Counts(0, 0, 0, 0, 0, 0, 0);
        for (View view :
                views.stream().sorted(Comparator.comparingLong(View::sentAt)).toList()) {
            for (View next = read.peek(); next != null && next.readAt() < view.sentAt(); next = read.peek()) {
                most = most(most, read.remove().counts());
            }
            complaints.unless(!view.counts().lessThan(most), "counts-ran-back", id, view.counts(), "after", most);
        }
    }

    private static Counts most(Counts a, Counts b) {
        return new Counts(
                0,
                0,
                0,
                Math.max(a.succeeded(), b.succeeded()),
                Math.max(a.failed(), b.failed()),
                Math.max(a.cancelled(), b.cancelled()),
                Math.max(a.expired(), b.expired()));
    }

    private static void oneEnd(Books books, Map<String, List<View>> views, Complaints complaints) {
        Map<String, String> first = new HashMap<>();
        views.forEach((id, seen) ->
                seen.stream().filter(View::ended).findFirst().ifPresent(view -> first.put(id, view.text())));
        for (End end : books.ends()) {
            complaints.unless(end.times() == 1, "two-ends", end.id(), end.times(), "in one stream");
            String before = first.putIfAbsent(end.id(), end.text());
            complaints.unless(
                    before == null || before.equals(end.text()),
                    "end-changed",
                    "an event of",
                    end.text(),
                    ", where before was",
                    before);
        }
    }
}
