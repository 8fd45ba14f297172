package io.conveyor.job;

import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;

/**
 * Where a job stands. A job starts {@link #PENDING}, may be {@link #RUNNING} any number of times (a crash sends it
 * back to pending, and so does a failed attempt that another follows), and ends in exactly one of the four terminal
 * states, which never changes again.
 */
public enum JobState {
    PENDING('p'),
    RUNNING('r'),
    SUCCEEDED('s'),
    FAILED('f'),
    CANCELLED('c'),
    EXPIRED('e');

    private final String wireName = name().toLowerCase(Locale.ROOT);
    private final char code;

    JobState(char code) {
        this.code = code;
    }

    /** The name in the HTTP contract and in the store: lower case. */
    public String wireName() {
        return wireName;
    }

    /** One ASCII character that stands for the state in packed data, for good. */
    public char code() {
        return code;
    }

    /**
     * The state of that code.
     *
     * @throws IllegalArgumentException if no state has it
     */
    public static JobState ofCode(char code) {
        return switch (code) {
            case 'p' -> PENDING;
            case 'r' -> RUNNING;
            case 's' -> SUCCEEDED;
            case 'f' -> FAILED;
            case 'c' -> CANCELLED;
            case 'e' -> EXPIRED;
            default -> throw new IllegalArgumentException("No job state has the code " + (int) code);
        };
    }

    /** The states that may come next: the diagram in {@code src/docs/states.md}, which is held against this. */
    public Set<JobState> next() {
        return switch (this) {
            case PENDING -> EnumSet.of(RUNNING, FAILED, CANCELLED, EXPIRED);
            case RUNNING -> EnumSet.of(PENDING, SUCCEEDED, FAILED, CANCELLED, EXPIRED);
            case SUCCEEDED, FAILED, CANCELLED, EXPIRED -> EnumSet.noneOf(JobState.class);
        };
    }

    /** Whether a job in this state has its one, final outcome. */
    public boolean isTerminal() {
        return this != PENDING && this != RUNNING;
    }
}
