package io.conveyor.job;

import java.util.Arrays;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Where a batch stands: {@code OPEN} while its upload arrives, then {@code RUNNING}, until it is {@code ENDED}; on the
 * way a client may have it {@code PAUSED}, and a client, its failures or its deadline {@code CANCELLING}. A batch ends exactly
 * once and never leaves that state.
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

    /** The states that may come next: the diagram in {@code src/docs/states.md}, which is held against this. */
    public Set<BatchState> next() {
        return switch (this) {
            case OPEN -> EnumSet.of(RUNNING, CANCELLING);
            case RUNNING -> EnumSet.of(PAUSED, CANCELLING, ENDED);
            case PAUSED -> EnumSet.of(RUNNING, CANCELLING, ENDED);
            case CANCELLING -> EnumSet.of(ENDED);
            case ENDED -> EnumSet.noneOf(BatchState.class);
        };
    }

    /** The states that this one may come after. */
    public Set<BatchState> previous() {
        return Arrays.stream(values())
                .filter(state -> state.next().contains(this))
                .collect(Collectors.toCollection(() -> EnumSet.noneOf(BatchState.class)));
    }

    /** The state of that wire name, if there is one. */
    public static Optional<BatchState> ofWireName(String name) {
        return Arrays.stream(values()).filter(s -> s.wireName.equals(name)).findFirst();
    }
}
