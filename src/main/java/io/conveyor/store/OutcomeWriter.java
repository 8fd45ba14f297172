package io.conveyor.store;

import io.conveyor.job.BatchOutcome;
import io.conveyor.job.JobState;
import io.conveyor.job.Tally;
import java.sql.SQLException;
import java.time.Clock;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Writes outcomes in the transaction of the caller: takes them off their segments (the fence), numbers them, packs them
 * into one block a segment, moves the counters of their batches, and ends each batch whose last outcome this is.
 * Writer thread only.
 */
final class OutcomeWriter {

    private final Clock clock;
    private final long retentionMillis;

    OutcomeWriter(Clock clock, long retentionMillis) {
        this.clock = clock;
        this.retentionMillis = retentionMillis;
    }

    Written write(WriteSession session, List<OutcomeEntry> outcomes) throws SQLException {
        Written written = new Written();
        try {
            for (List<OutcomeEntry> ofBatch : byBatch(outcomes)) {
                writeBatch(session, ofBatch, written);
            }
        } catch (SQLException | RuntimeException e) {
            written.undo();
            throw e;
        }
        return written;
    }

    private static Iterable<List<OutcomeEntry>> byBatch(List<OutcomeEntry> outcomes) {
        Map<Long, List<OutcomeEntry>> batches = new LinkedHashMap<>();
        for (OutcomeEntry outcome : outcomes) {
            batches.computeIfAbsent(outcome.segment().batch().batchNo(), no -> new ArrayList<>())
                    .add(outcome);
        }
        return batches.values();
    }

    private void writeBatch(WriteSession session, List<OutcomeEntry> outcomes, Written written) throws SQLException {
        Map<SegmentRef, List<OutcomeEntry>> taken = new LinkedHashMap<>();
        for (Map.Entry<SegmentRef, List<OutcomeEntry>> segment :
                bySegment(outcomes, written).entrySet()) {
            if (session.take(segment.getKey(), segment.getValue().size())) {
                taken.put(segment.getKey(), segment.getValue());
            } else {
                written.late.addAll(segment.getValue());
            }
        }
        if (!taken.isEmpty()) {
            number(session, outcomes.get(0).segment().batch(), taken, written);
        }
    }

    /** Outcomes by segment; a second outcome of the same job goes no further. */
    private static Map<SegmentRef, List<OutcomeEntry>> bySegment(List<OutcomeEntry> outcomes, Written written) {
        Map<SegmentRef, List<OutcomeEntry>> segments = new LinkedHashMap<>();
        for (OutcomeEntry outcome : outcomes) {
            if (outcome.segment().claim(outcome.index())) {
                written.claimed.add(outcome);
                segments.computeIfAbsent(outcome.segment(), s -> new ArrayList<>())
                        .add(outcome);
            } else {
                written.late.add(outcome);
            }
        }
        return segments;
    }

    private void number(
            WriteSession session, BatchRef batch, Map<SegmentRef, List<OutcomeEntry>> taken, Written written)
            throws SQLException {
        Map<JobState, Integer> byState = new EnumMap<>(JobState.class);
        long startedAt = Long.MAX_VALUE;
        int count = 0;
        for (List<OutcomeEntry> outcomes : taken.values()) {
            for (OutcomeEntry outcome : outcomes) {
                byState.merge(outcome.state(), 1, Integer::sum);
                startedAt = Math.min(startedAt, outcome.startedAtMillis());
                count++;
            }
        }
        Tally tally = session.count(batch, byState, startedAt);
        if (tally == null) {
            taken.values().forEach(written.late::addAll);
            return;
        }
        int seq = tally.recorded() - count + 1;
        for (Map.Entry<SegmentRef, List<OutcomeEntry>> segment : taken.entrySet()) {
            session.insertBlock(segment.getKey(), seq, OutcomeLines.of(segment.getValue(), seq));
            seq += segment.getValue().size();
            written.kept.addAll(segment.getValue());
        }
        if (tally.open() == 0 && session.end(batch, tally.outcome(), clock.millis(), retentionMillis)) {
            written.ended.put(batch, tally.outcome());
        }
    }

    /** What a transaction did with the outcomes: told to the listener after its commit, undone after its rollback. */
    static final class Written {

        static final Written NOTHING = new Written();

        private final List<OutcomeEntry> claimed = new ArrayList<>();
        private final List<OutcomeEntry> kept = new ArrayList<>();
        private final List<OutcomeEntry> late = new ArrayList<>();
        private final Map<BatchRef, BatchOutcome> ended = new LinkedHashMap<>();

        /** Gives the claimed places back; a second call does nothing. */
        void undo() {
            claimed.forEach(outcome -> outcome.segment().release(outcome.index()));
            claimed.clear();
        }

        void tell(StoreListener listener) {
            kept.forEach(outcome -> listener.recorded(outcome, true));
            late.forEach(outcome -> listener.recorded(outcome, false));
            ended.forEach(listener::ended);
        }
    }
}
