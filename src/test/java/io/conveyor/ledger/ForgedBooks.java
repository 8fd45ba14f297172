package io.conveyor.ledger;

import io.conveyor.ledger.Books.Answer;
import io.conveyor.ledger.Books.Counts;
import io.conveyor.ledger.Books.Deed;
import io.conveyor.ledger.Books.End;
import io.conveyor.ledger.Books.Life;
import io.conveyor.ledger.Books.Line;
import io.conveyor.ledger.Books.Probe;
import io.conveyor.ledger.Books.Start;
import io.conveyor.ledger.Books.Stored;
import io.conveyor.ledger.Books.View;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Books of a small run in which all was well: one batch {@code k} of two calls, in a life that ended by SIGTERM. A test
 * changes one fact. Not thread-safe.
 */
final class ForgedBooks {

    static final String ID = "k";
    static final String END =
            "{\"id\":\"k\",\"name\":\"k\",\"state\":\"ended\",\"outcome\":\"succeeded\",\"ended_at\":\"12:00\"}";
    static final Counts DONE = new Counts(2, 0, 0, 2, 0, 0, 0);

    final Map<String, Plan> plans = new LinkedHashMap<>();
    final List<Answer> answers = new ArrayList<>();
    final List<Line> lines = new ArrayList<>();
    final List<View> views = new ArrayList<>();
    final List<End> ends = new ArrayList<>();
    final List<Deed> deeds = new ArrayList<>();
    final List<Start> starts = new ArrayList<>();
    final List<Life> lives = new ArrayList<>();
    final List<Probe> probes = new ArrayList<>();
    final List<Stored> stored = new ArrayList<>();

    ForgedBooks() {
        plans.put(ID, plan(Plan.Options.NONE));
        answers.add(new Answer(ID, at(2), at(3), 202, ID));
        starts.add(new Start(ID, 0, at(4), at(5)));
        starts.add(new Start(ID, 1, at(4), at(5)));
        lines.add(new Line(ID, 0, at(6), line(0, 1)));
        lines.add(new Line(ID, 1, at(6), line(1, 2)));
        views.add(new View(ID, at(3), at(4), "running", new Counts(2, 1, 0, 1, 0, 0, 0), ""));
        views.add(new View(ID, at(7), at(8), "ended", DONE, END));
        ends.add(new End(ID, at(8), 1, END));
        probes.add(new Probe("/livez", at(5), at(5) + 1000, 200, 0));
        probes.add(new Probe("/readyz", at(5), at(5) + 1000, 200, 0));
        lives.add(life(1, 0, 1, 20, 21));
        stored.add(stored(ID, ID, "", false, END));
    }

    /** Seconds since the begin of the run. */
    static long at(int second) {
        return second * Moment.SECOND;
    }

    static Plan plan(Plan.Options options) {
        List<PlannedJob> jobs = List.of(job(0), job(1));
        return new Plan(ID, Plan.Form.JSON, true, jobs, options);
    }

    private static PlannedJob job(int index) {
        return new PlannedJob(PlannedJob.Sort.CALL, "{}", Planner.answer(ID, index));
    }

    static String line(int index, int seq) {
        return line(index, seq, "succeeded", 1);
    }

    static String line(int index, int seq, String state, int attempts) {
        return "{\"index\":" + index + ",\"seq\":" + seq + ",\"state\":\"" + state + "\",\"output\":{\"body\":"
                + Planner.answer(ID, index) + "},\"attempts\":" + attempts + "}";
    }

    static Life life(int number, int spawned, int ready, int stop, int ended) {
        return new Life(
                number,
                at(spawned),
                at(ready),
                at(stop),
                at(ended),
                12 * Moment.SECOND,
                143,
                Set.of(0, 143),
                List.of(),
                List.of());
    }

    static Stored stored(String id, String name, String origin, boolean retry, String text) {
        List<String> lines = List.of(line(0, 1), line(1, 2));
        return new Stored(id, name, true, origin, retry, DONE, "succeeded", text, lines, lines);
    }

    /** The only stored batch, with other results. */
    void results(Counts counts, List<String> inputOrder, List<String> completionOrder) {
        stored.set(0, new Stored(ID, ID, true, "", false, counts, "partial", END, inputOrder, completionOrder));
    }

    Books books() {
        return new Books(plans, answers, lines, views, ends, deeds, starts, lives, probes, stored);
    }
}
