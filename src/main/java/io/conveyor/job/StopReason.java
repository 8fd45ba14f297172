package io.conveyor.job;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/** Why none of the jobs of a batch starts any more. The first reason stands, however many there are. */
public enum StopReason {
    /** A client cancelled the batch. */
    CANCEL,
    /** More of its jobs have failed than it tolerates. */
    ON_ERROR,
    /** Its deadline has passed. */
    DEADLINE;

    private final String wireName = name().toLowerCase(Locale.ROOT);

    /** The name in the store: lower case. */
    public String wireName() {
        return wireName;
    }

    /** The reason of that name, if there is one. */
    public static Optional<StopReason> ofWireName(String name) {
        return Arrays.stream(values()).filter(r -> r.wireName.equals(name)).findFirst();
    }

    /** What becomes of a job that is stopped for this. */
    public JobState outcome() {
        return switch (this) {
            case CANCEL, ON_ERROR -> JobState.CANCELLED;
            case DEADLINE -> JobState.EXPIRED;
        };
    }
}
