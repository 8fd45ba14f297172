package io.conveyor.job;

import java.util.Locale;

/** How a batch ended, seen as a whole. */
public enum BatchOutcome {
    /** Every job succeeded; so did a batch without jobs. */
    SUCCEEDED,
    /** Some jobs succeeded and some did not. */
    PARTIAL,
    /** There were jobs and none succeeded. */
    FAILED,
    /** It was cancelled before every job had started. */
    CANCELLED,
    /** Its time was up before every job had started. */
    EXPIRED,
    /** A started upload broke. */
    INCOMPLETE;

    private final String wireName = name().toLowerCase(Locale.ROOT);

    /** The name in the HTTP contract and in the store: lower case. */
    public String wireName() {
        return wireName;
    }
}
