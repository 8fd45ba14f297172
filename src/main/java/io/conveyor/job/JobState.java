package io.conveyor.job;

import java.util.Locale;

/**
 * Where a job stands. A job starts {@link #PENDING}, may be {@link #RUNNING} any number of times (a crash sends it
 * back to pending), and ends in exactly one of the four terminal states, which never changes again.
 */
public enum JobState {
    PENDING,
    RUNNING,
    SUCCEEDED,
    FAILED,
    CANCELLED,
    EXPIRED;

    private final String wireName = name().toLowerCase(Locale.ROOT);

    /** The name in the HTTP contract and in the store: lower case. */
    public String wireName() {
        return wireName;
    }

    /** Whether a job in this state has its one, final outcome. */
    public boolean isTerminal() {
        return this != PENDING && this != RUNNING;
    }
}
