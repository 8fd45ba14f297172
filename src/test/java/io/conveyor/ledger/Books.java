package io.conveyor.ledger;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * All books of a run at one moment, as facts to be compared. All times are {@link Moment}s. Immutable.
 *
 * @param plans by key
 * @param lines the first reading of each result, and each later one that differs from it
 * @param ends what streams of events said of ends
 * @param stored what there is after the last recovery; empty while the run goes on
 */
record Books(
        Map<String, Plan> plans,
        List<Answer> answers,
        List<Line> lines,
        List<View> views,
        List<End> ends,
        List<Deed> deeds,
        List<Start> starts,
        List<Life> lives,
        List<Probe> probes,
        List<Stored> stored) {

    /**
     * A submission and what came of it.
     *
     * @param status 0 without an answer
     * @param id of the batch if the status is 2xx
     */
    record Answer(String key, long sentAt, long answeredAt, int status, String id) {

        boolean accepted() {
            return status / 100 == 2;
        }

        boolean refused() {
            return status >= 400;
        }
    }

    /** A line of results, as it was read. */
    record Line(String id, int index, long readAt, String text) {}

    /**
     * A batch as a client saw it.
     *
     * @param text empty unless it has ended
     */
    record View(String id, long sentAt, long readAt, String state, Counts counts, String text) {

        boolean ended() {
            return state.equals("ended");
        }
    }

    /** @param total -1 while it is not known */
    record Counts(int total, int pending, int running, int succeeded, int failed, int cancelled, int expired) {

        int sum() {
            return pending + running + terminal();
        }

        int terminal() {
            return succeeded + failed + cancelled + expired;
        }

        boolean lessThan(Counts earlier) {
            return succeeded < earlier.succeeded
                    || failed < earlier.failed
                    || cancelled < earlier.cancelled
                    || expired < earlier.expired;
        }
    }

    /**
     * What one stream of events said of the end of a batch.
     *
     * @param times how often, in this stream
     */
    record End(String id, long readAt, int times, String text) {}

    /** What a client has done to a batch. */
    record Deed(What what, String id, long sentAt, long answeredAt, int status, String detail) {

        enum What {
            CANCEL,
            PAUSE,
            RESUME,
            DELETE,
            /** The detail is the id of the new batch. */
            RETRY
        }

        boolean done() {
            return status / 100 == 2;
        }
    }

    /**
     * A job at the target.
     *
     * @param endedAt when it had what it needs to end well; Long.MAX_VALUE if that was not seen
     */
    record Start(String key, int index, long startedAt, long endedAt) {}

    /**
     * A process, from its start to its end.
     *
     * @param readyAt when it was ready; Long.MAX_VALUE if it never was
     * @param stopAt when it was told to stop, or a fault began that it has to stop for; Long.MAX_VALUE if neither was
     * @param endedAt Long.MAX_VALUE while it lives
     * @param limitMicros how long its end may take from stopAt on
     * @param exits what it may exit with
     * @param halts when it stood still, or its store was broken
     * @param trouble lines of its log that nobody expected
     */
    record Life(
            int number,
            long spawnedAt,
            long readyAt,
            long stopAt,
            long endedAt,
            long limitMicros,
            int exit,
            Set<Integer> exits,
            List<Halt> halts,
            List<String> trouble) {

        boolean ended() {
            return endedAt != Long.MAX_VALUE;
        }
    }

    /** A time in which a promise is not asked for. */
    record Halt(Why why, long from, long to) {

        enum Why {
            /** SIGSTOP: nothing answers. */
            STOPPED,
            /** The store cannot write: not ready, and submissions are refused. */
            STORE
        }

        boolean meets(long begin, long end) {
            return from <= end && begin <= to;
        }
    }

    /**
     * A question to the service whether it lives, or is ready.
     *
     * @param status 0 if there was no connection, or it broke; -1 if there was no answer in time
     * @param late how late the prober itself was served by the machine meanwhile
     */
    record Probe(String path, long sentAt, long answeredAt, int status, long late) {}

    /**
     * A batch as it is there at the end.
     *
     * @param origin retry_of or continuation_of, or empty
     */
    record Stored(
            String id,
            String name,
            boolean ended,
            String origin,
            boolean retry,
            Counts counts,
            String outcome,
            String text,
            List<String> inputOrder,
            List<String> completionOrder) {}

    Books {
        plans = Map.copyOf(plans);
        answers = List.copyOf(answers);
        lines = List.copyOf(lines);
        views = List.copyOf(views);
        ends = List.copyOf(ends);
        deeds = List.copyOf(deeds);
        starts = List.copyOf(starts);
        lives = List.copyOf(lives);
        probes = List.copyOf(probes);
        stored = List.copyOf(stored);
    }

    boolean complete() {
        return !stored.isEmpty();
    }

    /** Keys by the ids of the batches that were answered for. */
    Map<String, String> keysById() {
        return answers.stream()
                .filter(Answer::accepted)
                .collect(Collectors.toMap(Answer::id, Answer::key, (a, b) -> a));
    }

    Set<String> idsOf(Deed.What what) {
        return deeds.stream().filter(deed -> deed.what() == what).map(Deed::id).collect(Collectors.toSet());
    }
}
