package io.conveyor.ledger;

import io.conveyor.ledger.Books.Answer;
import io.conveyor.ledger.Books.Deed;
import io.conveyor.ledger.Books.Life;
import io.conveyor.ledger.Books.Line;
import io.conveyor.ledger.Books.Start;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.Collectors;

/** How processes end, and how the next one goes on. Has no state. */
final class LifeRules implements Checker.Rule {

    /** Whether it is right is asked of its result. */
    private static final String GIVEN_UP = " is given up: the service ended abruptly 3 times while it ran";

    /** From the start line to the first job of a batch that the process before had left. */
    private static final long RESUMED = 5 * Moment.SECOND;

    @Override
    public void check(Books books, Complaints complaints) {
        for (Life life : books.lives()) {
            life.trouble().stream()
                    .filter(line -> !line.contains(GIVEN_UP))
                    .forEach(line -> complaints.add("trouble-in-the-log", "life", life.number(), line));
            if (life.ended()) {
                ended(life, complaints);
            }
            long took = Moment.millis(resumed(books, life).orElse(0));
            complaints.unless(
                    took <= Moment.millis(RESUMED), "work-not-resumed", "life", life.number(), took, "ms at the least");
        }
    }

    private static void ended(Life life, Complaints complaints) {
        complaints.unless(
                life.exits().contains(life.exit()),
                "wrong-exit",
                "life",
                life.number(),
                life.exit(),
                ", not one of",
                life.exits());
        complaints.unless(
                life.stopAt() == Long.MAX_VALUE || life.endedAt() - life.stopAt() <= life.limitMicros(),
                "end-too-late",
                "life",
                life.number(),
                Moment.millis(life.endedAt() - life.stopAt()),
                "ms");
    }

    /**
     * How long it took from the start line to the first job of a batch from before; nothing if no job was cut off, or
     * the process was stopped too early to tell.
     */
    static OptionalLong resumed(Books books, Life life) {
        long until = Math.min(life.stopAt(), life.endedAt());
        boolean longEnough =
                life.readyAt() < Long.MAX_VALUE && until != Long.MAX_VALUE && until - life.readyAt() > RESUMED;
        Set<String> left = longEnough && life.halts().isEmpty() ? left(books, life) : Set.of();
        if (left.isEmpty()) {
            return OptionalLong.empty();
        }
        Set<String> before = books.answers().stream()
                .filter(answer -> answer.accepted() && answer.answeredAt() < life.spawnedAt())
                .map(Answer::key)
                .collect(Collectors.toSet());
        long first = books.starts().stream()
                .filter(start -> start.startedAt() >= life.spawnedAt() && before.contains(start.key()))
                .mapToLong(Start::startedAt)
                .min()
                .orElse(until);
        return OptionalLong.of(Math.max(0, first - life.readyAt()));
    }

    /**
     * Calls that a process before took up last, and that the target had not answered when it ended, of batches that nothing
     * stops or holds.
     */
    private static Set<String> left(Books books, Life life) {
        Map<String, String> ids = new HashMap<>();
        for (Answer answer : books.answers()) {
            if (answer.accepted() && answer.answeredAt() < life.spawnedAt()) {
                ids.put(answer.key(), answer.id());
            }
        }
        books.deeds().stream().map(Deed::id).forEach(ids.values()::remove);
        Map<String, Start> last = new HashMap<>();
        for (Start start : books.starts()) {
            boolean eligible =
                    ids.containsKey(start.key()) && plain(books.plans().get(start.key()), start.index());
            if (eligible && start.startedAt() < life.spawnedAt()) {
                last.merge(job(start), start, (a, b) -> a.startedAt() > b.startedAt() ? a : b);
            }
        }
        last.values()
                .removeIf(start -> books.lives().stream()
                        .noneMatch(other -> other.endedAt() <= life.spawnedAt()
                                && other.spawnedAt() <= start.startedAt()
                                && start.startedAt() < other.endedAt()
                                && start.endedAt() > other.endedAt()));
        Set<String> left = new HashSet<>(last.keySet());
        left.removeAll(read(books, life.spawnedAt(), ids));
        Crashes crashes = new Crashes(books);
        left.removeIf(crashes::mayAbandon);
        return left;
    }

    private static boolean plain(Plan plan, int index) {
        return plan != null
                && index < plan.jobs().size()
                && !plan.options().mayStop()
                && plan.options().maxConcurrency() == 0
                && plan.options().maxAttempts() <= 1
                && plan.jobs().get(index).sort() == PlannedJob.Sort.CALL;
    }

    private static Set<String> read(Books books, long before, Map<String, String> ids) {
        Map<String, String> keys = new HashMap<>();
        ids.forEach((key, id) -> keys.put(id, key));
        Set<String> read = new HashSet<>();
        for (Line line : books.lines()) {
            if (line.readAt() < before && keys.containsKey(line.id())) {
                read.add(keys.get(line.id()) + " " + line.index());
            }
        }
        return read;
    }

    private static String job(Start start) {
        return start.key() + " " + start.index();
    }

    /** Lives that began with work left. */
    static List<OptionalLong> allResumed(Books books) {
        return books.lives().stream().map(life -> resumed(books, life)).toList();
    }
}
