package io.conveyor.ledger;

import static io.conveyor.ledger.ForgedBooks.DONE;
import static io.conveyor.ledger.ForgedBooks.END;
import static io.conveyor.ledger.ForgedBooks.ID;
import static io.conveyor.ledger.ForgedBooks.at;
import static io.conveyor.ledger.ForgedBooks.life;
import static io.conveyor.ledger.ForgedBooks.line;
import static io.conveyor.ledger.ForgedBooks.plan;
import static io.conveyor.ledger.ForgedBooks.stored;
import static org.assertj.core.api.Assertions.assertThat;

import io.conveyor.ledger.Books.Answer;
import io.conveyor.ledger.Books.Counts;
import io.conveyor.ledger.Books.Deed;
import io.conveyor.ledger.Books.End;
import io.conveyor.ledger.Books.Halt;
import io.conveyor.ledger.Books.Life;
import io.conveyor.ledger.Books.Line;
import io.conveyor.ledger.Books.Probe;
import io.conveyor.ledger.Books.Start;
import io.conveyor.ledger.Books.View;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The checker can fail: books in which one fact is forged, and the rule that finds it. */
final class CheckerTest {

    private static Arguments forged(String rule, Consumer<ForgedBooks> forgery) {
        return Arguments.of(rule, forgery);
    }

    private static Counts counts(int succeeded, int failed) {
        return new Counts(2, 2 - succeeded - failed, 0, succeeded, failed, 0, 0);
    }

    static Stream<Arguments> inTheStore() {
        return Stream.of(
                forged("acknowledged-is-lost", books -> books.answers.add(new Answer("l", at(2), at(3), 202, "l"))),
                forged(
                        "never-ends",
                        books -> books.stored.set(
                                0,
                                new Books.Stored(
                                        ID, ID, false, "", false, counts(1, 0), "", "", List.of(), List.of()))),
                forged("refused-is-stored", books -> books.answers.set(0, new Answer(ID, at(2), at(3), 503, ""))),
                forged("two-batches-of-a-key", books -> books.answers.add(new Answer(ID, at(2), at(3), 202, "other"))),
                forged("two-batches-of-a-key", books -> books.stored.add(stored("other", ID, "", false, END))),
                forged("not-whole", books -> books.results(new Counts(1, 0, 0, 1, 0, 0, 0), List.of(), List.of())),
                forged("nobody-sent-it", books -> books.stored.add(stored("x", "x", "", false, END))),
                forged(
                        "deleted-is-there",
                        books -> books.deeds.add(new Deed(Deed.What.DELETE, ID, at(9), at(10), 204, ""))),
                forged("deleted-is-there", books -> {
                    books.deeds.add(new Deed(Deed.What.DELETE, ID, at(5), at(6), 204, ""));
                    books.stored.set(0, stored("other", "k2", ID, true, END));
                }),
                forged("no-follower", books -> books.plans.put(ID, plan(new Plan.Options(0, 0, -1, 0, true)))),
                forged("two-followers", books -> {
                    books.stored.add(stored("f1", "", ID, false, END));
                    books.stored.add(stored("f2", "", ID, false, END));
                }),
                forged("follower-was-told-wrong", books -> {
                    books.plans.put(ID, plan(new Plan.Options(0, 0, -1, 0, true)));
                    books.stored.add(stored("f1", "", ID, false, END));
                }),
                forged("retry-that-nobody-asked-for", books -> books.stored.add(stored("r", ID, ID, true, END))),
                forged(
                        "acknowledged-is-lost",
                        books -> books.deeds.add(new Deed(Deed.What.RETRY, ID, at(9), at(10), 202, "r"))));
    }

    static Stream<Arguments> inTheResults() {
        String first = line(0, 1);
        String second = line(1, 2);
        return Stream.of(
                forged("not-n-results", books -> books.results(DONE, List.of(first), List.of(first))),
                forged("not-n-results", books -> books.results(DONE, List.of(first, first), List.of(first, first))),
                forged(
                        "seq-has-gaps",
                        books -> books.results(DONE, List.of(first, line(1, 3)), List.of(first, line(1, 3)))),
                forged(
                        "orders-differ",
                        books -> books.results(DONE, List.of(first, second), List.of(first, line(1, 2, "failed", 1)))),
                forged(
                        "counts-are-wrong",
                        books -> books.results(counts(1, 1), List.of(first, second), List.of(first, second))),
                forged("wrong-result", books -> {
                    String other = second.replace("\"index\":1}", "\"index\":7}");
                    books.results(DONE, List.of(first, other), List.of(first, other));
                }),
                forged("wrong-result", books -> {
                    String failed = line(1, 2, "failed", 1);
                    books.results(counts(1, 1), List.of(first, failed), List.of(first, failed));
                }),
                forged("wrong-result", books -> {
                    String cancelled = line(1, 2, "cancelled", 1);
                    books.results(
                            new Counts(2, 0, 0, 1, 0, 1, 0), List.of(first, cancelled), List.of(first, cancelled));
                }),
                forged("abandoned-without-three-kills", books -> abandoned(books, 2)),
                forged("too-many-attempts", books -> {
                    String often = line(1, 2, "succeeded", 2);
                    books.results(DONE, List.of(first, often), List.of(first, often));
                }),
                forged("succeeded-without-a-start", books -> books.starts.remove(1)),
                forged(
                        "outcome-changed",
                        books -> books.lines.set(1, new Line(ID, 1, at(6), second.replace("seq\":2", "seq\":1")))),
                forged("outcome-changed", books -> books.lines.add(new Line(ID, 1, at(7), first))),
                forged("end-changed", books -> books.ends.set(0, new End(ID, at(8), 1, END.replace("12", "13")))));
    }

    /** The second job is given up after so many kills that each met it at the target. */
    private static void abandoned(ForgedBooks books, int kills) {
        books.lines.remove(1);
        books.views.clear();
        books.ends.clear();
        books.starts.remove(1);
        books.lives.clear();
        for (int n = 0; n <= kills; n++) {
            int begin = 30 * n;
            boolean last = n == kills;
            books.lives.add(last ? life(n + 1, begin, begin + 1, begin + 20, begin + 21) : killed(n + 1, begin));
            if (!last) {
                books.starts.add(new Start(ID, 1, at(begin + 2), Long.MAX_VALUE));
            }
        }
        String second = "{\"index\":1,\"seq\":2,\"state\":\"failed\",\"error\":{\"type\":"
                + "\"/problems/job-abandoned\"},\"attempts\":1}";
        List<String> lines = List.of(line(0, 1), second);
        books.results(counts(1, 1), lines, lines);
    }

    private static Life killed(int number, int begin) {
        return new Life(
                number,
                at(begin),
                at(begin + 1),
                at(begin + 6),
                at(begin + 6),
                at(12),
                137,
                Set.of(137),
                List.of(),
                List.of());
    }

    @Test
    void aJobThatThreeKillsHaveMetMayBeGivenUp() {
        ForgedBooks books = new ForgedBooks();
        abandoned(books, 3);

        assertThat(Checker.check(books.books()).found()).isEmpty();
    }

    static Stream<Arguments> inWhatWasRead() {
        return Stream.of(
                forged(
                        "counts-do-not-sum",
                        books -> books.views.add(
                                new View(ID, at(4), at(5), "running", new Counts(2, 0, 0, 1, 0, 0, 0), ""))),
                forged(
                        "counts-ran-back",
                        books -> books.views.add(
                                new View(ID, at(5), at(6), "running", new Counts(2, 2, 0, 0, 0, 0, 0), ""))),
                forged(
                        "ended-too-early",
                        books -> books.views.set(1, new View(ID, at(7), at(8), "ended", counts(1, 0), END))),
                forged(
                        "end-changed",
                        books -> books.views.add(new View(ID, at(9), at(10), "ended", DONE, END.replace("12", "13")))),
                forged("end-undone", books -> books.views.add(new View(ID, at(9), at(10), "running", DONE, ""))),
                forged("two-ends", books -> books.ends.add(new End(ID, at(9), 2, END))));
    }

    static Stream<Arguments> atTheTarget() {
        return Stream.of(
                forged("started-after-its-outcome", books -> books.starts.add(new Start(ID, 0, at(12), at(13)))),
                forged("started-too-often", books -> books.starts.add(new Start(ID, 0, at(5), at(6)))),
                forged("stranger-started", books -> books.starts.add(new Start("x", 0, at(5), at(6)))),
                forged("started-while-stopped", books -> {
                    books.lines.clear();
                    books.deeds.add(new Deed(Deed.What.CANCEL, ID, at(3), at(4), 202, ""));
                    books.starts.set(1, new Start(ID, 1, at(9), at(10)));
                }),
                forged("started-while-stopped", books -> {
                    books.lines.clear();
                    books.deeds.add(new Deed(Deed.What.PAUSE, ID, at(3), at(4), 200, ""));
                    books.deeds.add(new Deed(Deed.What.RESUME, ID, at(11), at(12), 200, ""));
                    books.starts.set(1, new Start(ID, 1, at(9), at(10)));
                }),
                forged("too-many-at-once", books -> {
                    for (int n = 0; n < 5; n++) {
                        String key = "p" + n;
                        books.plans.put(key, plan(Plan.Options.NONE));
                        books.starts.add(new Start(key, 0, at(4), at(5)));
                    }
                }));
    }

    static Stream<Arguments> inALife() {
        Life good = life(1, 0, 1, 20, 21);
        return Stream.of(
                forged("probe-too-slow", books -> books.probes.add(new Probe("/livez", at(5), at(7), 200, 0))),
                forged("liveness-denied", books -> books.probes.add(new Probe("/livez", at(5), at(6), 503, 0))),
                forged("liveness-denied", books -> books.probes.add(new Probe("/livez", at(5), at(6), 0, 0))),
                forged("liveness-denied", books -> {
                    books.lives.set(0, life(1, 0, 1, 20, 24));
                    books.probes.add(new Probe("/livez", at(20) + 1000, at(21), 503, 0));
                }),
                forged(
                        "not-ready-without-a-cause",
                        books -> books.probes.add(new Probe("/readyz", at(5), at(6), 503, 0))),
                forged(
                        "ready-with-a-broken-store",
                        books -> books.lives.set(
                                0, with(good, List.of(new Halt(Halt.Why.STORE, at(1), at(9))), List.of()))),
                forged(
                        "wrong-exit",
                        books -> books.lives.set(
                                0, new Life(1, 0, at(1), at(20), at(21), at(12), 1, Set.of(0), List.of(), List.of()))),
                forged("end-too-late", books -> books.lives.set(0, life(1, 0, 1, 20, 40))),
                forged("trouble-in-the-log", books -> books.lives.set(0, with(good, List.of(), List.of("ERROR")))),
                forged("work-not-resumed", books -> {
                    books.lines.clear();
                    books.starts.set(1, new Start(ID, 1, at(4), Long.MAX_VALUE));
                    books.starts.add(new Start(ID, 1, at(30), at(31)));
                    books.lives.set(0, life(1, 0, 1, 6, 6));
                    books.lives.add(life(2, 8, 9, 40, 41));
                }));
    }

    private static Life with(Life life, List<Halt> halts, List<String> trouble) {
        return new Life(
                life.number(),
                life.spawnedAt(),
                life.readyAt(),
                life.stopAt(),
                life.endedAt(),
                life.limitMicros(),
                life.exit(),
                life.exits(),
                halts,
                trouble);
    }

    @Test
    void booksInWhichAllIsWellFindNoComplaint() {
        assertThat(Checker.check(new ForgedBooks().books()).found()).isEmpty();
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource({"inTheStore", "inTheResults", "inWhatWasRead", "atTheTarget", "inALife"})
    void aForgedFactIsFoundByItsRule(String rule, Consumer<ForgedBooks> forgery) {
        ForgedBooks books = new ForgedBooks();
        forgery.accept(books);

        assertThat(Checker.check(books.books()).found()).containsKey(rule);
    }

    @Test
    void whatAHaltExplainsIsNoComplaint() {
        ForgedBooks books = new ForgedBooks();
        books.probes.add(new Probe("/livez", at(10), at(14), -1, 0));
        books.probes.add(new Probe("/readyz", at(10), at(14), -1, 0));
        books.lives.set(0, with(books.lives.get(0), List.of(new Halt(Halt.Why.STOPPED, at(11), at(13))), List.of()));

        assertThat(Checker.check(books.books()).found()).isEmpty();
    }

    @Test
    void aStoreThatCannotWriteMayBeNotReadyFromTheFirstMomentOn() {
        ForgedBooks books = new ForgedBooks();
        books.probes.add(new Probe("/readyz", at(11), at(11) + 1000, 503, 0));
        books.lives.set(0, with(books.lives.get(0), List.of(new Halt(Halt.Why.STORE, at(10), at(14))), List.of()));

        assertThat(Checker.check(books.books()).found()).isEmpty();
    }

    @Test
    void whoHasAConnectionMayBeToldThatItIsOverJustBeforeTheEnd() {
        ForgedBooks books = new ForgedBooks();
        books.lives.set(0, life(1, 0, 1, 20, 24));
        books.probes.add(new Probe("/livez", at(23), at(23) + 1000, 503, 0));

        assertThat(Checker.check(books.books()).found()).isEmpty();
    }

    @Test
    void aJobThatACrashCutOffMayStartAgain() {
        ForgedBooks books = new ForgedBooks();
        books.lines.clear();
        books.views.remove(1);
        books.starts.add(new Start(ID, 1, at(10), at(11)));
        books.lives.set(0, life(1, 0, 1, 6, 6));
        books.lives.add(life(2, 8, 9, 40, 41));

        assertThat(Checker.check(books.books()).found()).isEmpty();
    }
}
