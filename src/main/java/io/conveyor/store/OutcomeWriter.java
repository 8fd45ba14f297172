package io.conveyor.store;

import io.conveyor.job.JobState;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Writes outcomes in the transaction of the caller: takes them off their segments (the fence), numbers them, packs them
 * into blocks, one a segment if they are small, moves the counters of their batches, and has each batch end whose last
 * outcome this is, or be stopped if too many of its jobs have failed. Notes attempts that
 * are not the last as well. Writer thread only.
 *
 * <p>The fence: a segment gives up open jobs only to its present epoch and only to one who knows how many outcomes it
 * has. A reference that does not (another one recorded into the same segment) learns from the blocks what is there, and
 * only what is not there yet is taken. So an outcome is kept once, whoever brings it, and however often.
 */
final class OutcomeWriter {

    private final BatchCourse course;
    private final Suspects suspects;

    OutcomeWriter(BatchCourse course, Suspects suspects) {
        this.course = course;
        this.suspects = suspects;
    }

    void write(WriteSession session, List<? extends JobEntry> entries, Written written) throws SQLException {
        List<OutcomeEntry> outcomes = new ArrayList<>(entries.size());
        for (JobEntry entry : entries) {
            if (entry instanceof OutcomeEntry outcome) {
                outcomes.add(outcome);
            } else if (entry instanceof AttemptEntry attempt) {
                note(session, attempt, written);
            }
        }
        for (List<Share> ofBatch : byBatch(outcomes)) {
            writeBatch(session, ofBatch, written);
        }
    }

    private void note(WriteSession session, AttemptEntry attempt, Written written) throws SQLException {
        boolean noted = Attempts.note(session, attempt);
        written.note(attempt, noted);
        suspects.clear(session, attempt.segment().batch(), attempt.index());
        if (noted && attempt.run().attempts() == 1) {
            Attempts.started(session, attempt.segment().batch(), attempt.run().startedAt());
        }
    }

    /** Outcomes by segment, segments by batch, all in the order of arrival. */
    private static Iterable<List<Share>> byBatch(List<OutcomeEntry> outcomes) {
        Map<SegmentRef, Share> shares = new HashMap<>();
        Map<Long, List<Share>> batches = new LinkedHashMap<>();
        Share share = null;
        for (OutcomeEntry outcome : outcomes) {
            SegmentRef segment = outcome.segment();
            if (share == null || share.segment != segment) { // neighbours mostly stand in one segment
                share = shares.get(segment);
            }
            if (share == null) {
                share = new Share(segment);
                shares.put(segment, share);
                batches.computeIfAbsent(segment.batch().batchNo(), no -> new ArrayList<>())
                        .add(share);
            }
            share.outcomes.add(outcome);
        }
        return batches.values();
    }

    /** A second reference to a segment has its turn after the blocks of the first, from which it learns, are written. */
    private void writeBatch(WriteSession session, List<Share> shares, Written written) throws SQLException {
        Set<Integer> segments = new HashSet<>();
        List<Share> taken = new ArrayList<>();
        List<Share> afterwards = new ArrayList<>();
        for (Share share : shares) {
            if (!segments.add(share.segment.firstIndex())) {
                afterwards.add(share);
            } else if (take(session, share, written)) {
                taken.add(share);
            }
        }
        if (!taken.isEmpty()) {
            number(session, taken, written);
        }
        if (!afterwards.isEmpty()) {
            writeBatch(session, afterwards, written);
        }
    }

    /**
     * 1. Claim the places that are free as far as the reference knows. 2. Take them off the segment. 3. If it has more
     * or fewer outcomes than the reference knows, learn which and go through 1 and 2 once more. What is left over is
     * late.
     */
    private static boolean take(WriteSession session, Share share, Written written) throws SQLException {
        SegmentRef segment = share.segment;
        written.remember(segment);
        List<OutcomeEntry> offered = share.outcomes;
        share.claim(offered, written);
        if (share.outcomes.isEmpty()) {
            return false;
        }
        if (session.take(segment, segment.recordedPlaces() - share.outcomes.size(), share.outcomes.size())) {
            return true;
        }
        BitSet onDisk = session.recordedPlaces(segment);
        if (onDisk == null) {
            written.late.addAll(share.outcomes);
            return false;
        }
        segment.learn(onDisk);
        share.claim(share.outcomes, written);
        if (share.outcomes.isEmpty()) {
            return false;
        }
        if (session.take(segment, onDisk.cardinality(), share.outcomes.size())) {
            return true;
        }
        written.late.addAll(share.outcomes); // more outcomes than the segment has jobs
        return false;
    }

    private void number(WriteSession session, List<Share> taken, Written written) throws SQLException {
        BatchRef batch = taken.get(0).segment.batch();
        Map<JobState, Integer> byState = new EnumMap<>(JobState.class);
        long startedAt = Long.MAX_VALUE;
        int count = 0;
        for (Share share : taken) {
            for (OutcomeEntry outcome : share.outcomes) {
                if (outcome.run().attempts() > 0) {
                    startedAt = Math.min(startedAt, outcome.run().startedAt());
                }
                suspects.clear(session, batch, outcome.index());
                if (outcome.waited()) {
                    written.retrying -= Attempts.settle(session, batch, outcome.index());
                }
            }
            OutcomeEntry.byState(share.outcomes).forEach((state, some) -> byState.merge(state, some, Integer::sum));
            count += share.outcomes.size();
        }
        Standing standing = session.count(batch, byState, startedAt == Long.MAX_VALUE ? null : startedAt);
        if (standing == null) {
            throw new IllegalStateException(batch + " has open segments and is not there, or not sealed, or ended");
        }
        int seq = standing.tally().recorded() - count + 1;
        for (Share share : taken) {
            for (OutcomeBlock block : OutcomeBlock.blocks(share.outcomes)) {
                session.insertBlock(share.segment, seq, block);
                seq += block.count();
            }
        }
        written.keep(batch, taken, count);
        BatchCourse.Move move = course.afterChange(session, batch, standing, standing.state());
        if (move != null) {
            written.moves.add(move);
        }
    }

    /** The outcomes that a transaction brings through one reference. */
    private static final class Share {

        private final SegmentRef segment;
        private List<OutcomeEntry> outcomes = new ArrayList<>();

        Share(SegmentRef segment) {
            this.segment = segment;
        }

        /** Keeps those whose place is free; the others are late. */
        void claim(List<OutcomeEntry> offered, Written written) {
            List<OutcomeEntry> claimed = new ArrayList<>(offered.size());
            for (OutcomeEntry outcome : offered) {
                (segment.claim(outcome.index()) ? claimed : written.late).add(outcome);
            }
            outcomes = claimed;
        }
    }

    /** What a transaction did with the outcomes: told to listeners after its commit, undone after its rollback. */
    static final class Written {

        private final List<Kept> kept = new ArrayList<>();
        private final List<OutcomeEntry> late = new ArrayList<>();
        private final List<BatchCourse.Move> moves = new ArrayList<>();
        /** Batches that were made because others have ended. */
        private List<NewBatch> followers = List.of();
        /** Whether anything was written. */
        private boolean changes;
        /** What the references knew before. */
        private final Map<SegmentRef, BitSet> before = new HashMap<>();

        /** Attempts that are noted, and those that came too late; by batch. */
        private final Map<BatchRef, List<AttemptEntry>> noted = new LinkedHashMap<>();

        private final Map<BatchRef, List<AttemptEntry>> lateAttempts = new LinkedHashMap<>();
        /** How many more jobs are tried again than before. */
        private int retrying;

        /** Outcomes of one batch, in the order of their numbers. */
        private record Kept(BatchRef batch, List<OutcomeEntry> outcomes) {}

        private void keep(BatchRef batch, List<Share> shares, int count) {
            List<OutcomeEntry> all = new ArrayList<>(count);
            shares.forEach(share -> all.addAll(share.outcomes));
            kept.add(new Kept(batch, all));
        }

        private void note(AttemptEntry attempt, boolean done) {
            (done ? noted : lateAttempts)
                    .computeIfAbsent(attempt.segment().batch(), batch -> new ArrayList<>())
                    .add(attempt);
            retrying += done && attempt.run().attempts() == 1 ? 1 : 0;
        }

        int retrying() {
            return retrying;
        }

        private void remember(SegmentRef segment) {
            before.computeIfAbsent(segment, SegmentRef::copyOfRecorded);
        }

        /** Makes the references know what they knew before; a second call does nothing. */
        void undo() {
            before.forEach(SegmentRef::learn);
            before.clear();
        }

        int keptOutcomes() {
            return kept.stream().mapToInt(each -> each.outcomes().size()).sum();
        }

        int lateOutcomes() {
            return late.size();
        }

        /** The batches that have ended, or were stopped. */
        List<BatchCourse.Move> moves() {
            return moves;
        }

        /** Notes what else the transaction has done, at its end. */
        void finish(WriteSession session) {
            followers = session.followers();
            changes = session.hasChanges();
        }

        /** Whether the transaction had anything to write. */
        boolean changes() {
            return changes;
        }

        List<NewBatch> followers() {
            return followers;
        }

        void tell(StoreListener listener) {
            kept.forEach(each -> listener.recorded(each.batch(), each.outcomes(), true));
            late.stream()
                    .collect(Collectors.groupingBy(outcome -> outcome.segment().batch()))
                    .forEach((batch, outcomes) -> listener.recorded(batch, outcomes, false));
            noted.forEach((batch, attempts) -> listener.retrying(batch, attempts, true));
            lateAttempts.forEach((batch, attempts) -> listener.retrying(batch, attempts, false));
            moves.forEach(move -> move.tell(listener));
            followers.forEach(batch -> {
                listener.sealed(batch.ref(), batch.total());
                listener.continued(batch);
            });
        }
    }
}
