package io.conveyor.ledger;

import io.conveyor.ledger.Books.Life;
import io.conveyor.ledger.Books.Start;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Which jobs may be given up: those that three processes may have met in their handlers when they were killed. Nobody can
 * tell a job that ends its process from somebody else who does. Immutable.
 */
final class Crashes {

    private static final int MOST = 3;

    /** Exits in good order, after which no job is suspected. */
    private static final Set<Integer> ORDERLY = Set.of(0, 1, 74, 143);

    /** From the target's last byte to the moment when the service has taken it as the end of the job, at the most. */
    private static final long ON_ITS_WAY = Moment.SECOND;

    private final List<Life> killed;
    private final Map<String, Integer> cutOff = new HashMap<>();
    private final Map<String, Long> sent = new HashMap<>();

    Crashes(Books books) {
        killed = books.lives().stream()
                .filter(life -> life.ended() && !ORDERLY.contains(life.exit()))
                .toList();
        books.answers().forEach(answer -> sent.merge(answer.key(), answer.sentAt(), Math::min));
        for (Life life : killed) {
            books.starts().stream()
                    .filter(start -> mayHaveRun(start, life))
                    .map(start -> start.key() + " " + start.index())
                    .distinct()
                    .forEach(job -> cutOff.merge(job, 1, Integer::sum));
        }
    }

    private static boolean mayHaveRun(Start start, Life life) {
        return start.startedAt() >= life.spawnedAt()
                && start.startedAt() <= life.endedAt()
                && (start.endedAt() == Long.MAX_VALUE || start.endedAt() + ON_ITS_WAY >= life.endedAt());
    }

    /** Of a job that the target does not see, only how many processes were killed since it was sent is known. */
    boolean mayAbandon(Plan plan, int index) {
        if (plan.jobs().get(index).sort().targeted) {
            return mayAbandon(plan.key() + " " + index);
        }
        long since = sent.getOrDefault(plan.key(), 0L);
        return killed.stream().filter(life -> life.endedAt() > since).count() >= MOST;
    }

    /** @param job of which the target sees the starts: its key and its index */
    boolean mayAbandon(String job) {
        return cutOff.getOrDefault(job, 0) >= MOST;
    }
}
