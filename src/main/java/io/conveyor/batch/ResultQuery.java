package io.conveyor.batch;

import io.conveyor.job.JobState;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;

/**
 * Which results are asked for, in which order, and whether to stay for those to come.
 *
 * @param order how they are sorted
 * @param states only those in these states
 * @param after only those behind this place: an index, at least -1, in the order of the input; a seq, at least 0, in that
 *     of completion
 * @param limit at most so many, 1 or more
 * @param follow whether to stay until the batch has ended. In the order of the input it then takes no result before all
 *     those before it
 */
record ResultQuery(Order order, Set<JobState> states, int after, int limit, boolean follow) {

    /** How results are sorted. */
    enum Order {
        INPUT,
        COMPLETION;

        String wireName() {
            return name().toLowerCase(Locale.ROOT);
        }

        /** The place before the first. */
        int start() {
            return this == INPUT ? -1 : 0;
        }
    }

    static final Set<JobState> TERMINAL = Arrays.stream(JobState.values())
            .filter(JobState::isTerminal)
            .collect(() -> EnumSet.noneOf(JobState.class), EnumSet::add, EnumSet::addAll);

    ResultQuery {
        states = Collections.unmodifiableSet(EnumSet.copyOf(states));
        if (after < order.start() || limit < 1) {
            throw new IllegalArgumentException("Nothing lies after " + after + " within " + limit);
        }
    }

    /** All results of a batch, in that order. */
    static ResultQuery all(Order order, boolean follow) {
        return new ResultQuery(order, TERMINAL, order.start(), Integer.MAX_VALUE, follow);
    }
}
