package io.conveyor.ledger;

import io.conveyor.ledger.Books.Life;
import io.conveyor.ledger.Books.Start;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Never more jobs at once than slots, by the target's book. Counted is what ran for sure: calls from their arrival until
 * the target begins to answer, of batches that nothing stops. Has no state.
 */
final class CrewRules implements Checker.Rule {

    /** The size of the crew in all runs; small, so that the bound is met. */
    static final int WORKERS = 4;

    static final int CALLERS = 2;

    private record Mark(long at, int step) {}

    @Override
    public void check(Books books, Complaints complaints) {
        for (Life life : books.lives()) {
            int most = most(books, life);
            complaints.unless(most <= WORKERS + CALLERS, "too-many-at-once", most, "in life", life.number());
        }
    }

    /** The most jobs that ran at once in a life. */
    static int most(Books books, Life life) {
        Set<String> stopped = new HashSet<>(books.idsOf(Books.Deed.What.CANCEL));
        stopped.addAll(books.idsOf(Books.Deed.What.DELETE));
        Set<String> keys = new HashSet<>();
        books.keysById().forEach((id, key) -> {
            if (stopped.contains(id)) {
                keys.add(key);
            }
        });
        List<Mark> marks = new ArrayList<>();
        for (Start start : books.starts()) {
            boolean here = start.startedAt() >= life.spawnedAt() && start.startedAt() <= life.endedAt();
            if (here && start.endedAt() != Long.MAX_VALUE && !keys.contains(start.key()) && counted(books, start)) {
                marks.add(new Mark(start.startedAt(), 1));
                marks.add(new Mark(Math.min(start.endedAt(), life.endedAt()), -1));
            }
        }
        marks.sort(Comparator.comparingLong(Mark::at).thenComparingInt(Mark::step));
        int open = 0;
        int most = 0;
        for (Mark mark : marks) {
            open += mark.step();
            most = Math.max(most, open);
        }
        return most;
    }

    private static boolean counted(Books books, Start start) {
        Plan plan = books.plans().get(start.key());
        return plan != null
                && start.index() < plan.jobs().size()
                && !plan.options().mayStop()
                && plan.jobs().get(start.index()).sort().counted();
    }
}
