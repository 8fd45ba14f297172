package io.conveyor.job;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/**
 * Where a batch stands: {@code OPEN} while its upload arrives, then {@code RUNNING}, until it is {@code ENDED}; on the
 * way a client may have it {@code PAUSED} or {@code CANCELLING}. A batch ends exactly once and never leaves that state.
 */
public enum BatchState {
    OPEN,
    RUNNING,
    PAUSED,
    CANCELLING,
    ENDED;

    private final String wireName = name().toLowerCase(Locale.ROOT);

    /** The name in the HTTP contract and in the store: lower case. */
    public String wireName() {
        return wireName;
    }

    /** The state of that wire name, if there is one. */
    public static Optional<BatchState> ofWireName(String name) {
        return Arrays.stream(values()).filter(s -> s.wireName.equals(name)).findFirst();
    }
}
