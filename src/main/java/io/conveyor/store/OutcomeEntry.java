package io.conveyor.store;

import io.conveyor.job.JobState;
import io.conveyor.job.Run;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * An outcome on its way to the disk.
 *
 * @param segment where its job stands
 * @param index index of its job in the batch
 * @param kind kind of its job, or empty if that could not be read
 * @param customId the client's name for its job, or null
 * @param state terminal state of its job
 * @param value JSON on one line: the output of a job that succeeded, the problem of any other
 * @param run when, where and how often the job ran
 */
public record OutcomeEntry(
        SegmentRef segment,
        int index,
        String kind,
        @Nullable String customId,
        JobState state,
        byte[] value,
        Run run) implements JobEntry {

    public OutcomeEntry {
        if (!state.isTerminal()) {
            throw new IllegalArgumentException("An outcome has a terminal state, not " + state);
        }
        JobEntry.check(segment, index);
    }

    @Override
    public int bytes() {
        return value.length;
    }

    /** Whether its job was noted as one that is tried again. */
    boolean waited() {
        return run.attempts() > (run.endsAttempt() ? 1 : 0);
    }

    /** How many of them have each state; states that none has are left out. */
    public static Map<JobState, Integer> byState(List<OutcomeEntry> outcomes) {
        Map<JobState, Integer> counts = new EnumMap<>(JobState.class);
        int begin = 0;
        for (int i = 1; i <= outcomes.size(); i++) { // neighbours mostly have the same
            JobState state = outcomes.get(begin).state();
            if (i == outcomes.size() || outcomes.get(i).state() != state) {
                counts.merge(state, i - begin, Integer::sum);
                begin = i;
            }
        }
        return counts;
    }
}
