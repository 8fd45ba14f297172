package io.conveyor.store;

import io.conveyor.job.BatchState;
import org.jspecify.annotations.Nullable;

/**
 * Which batches a list holds, newest first.
 *
 * @param state only those in this state, or null for all
 * @param name only those of this name, or null for all
 * @param before only those accepted before the batch of this number; {@link Long#MAX_VALUE} to begin at the newest
 * @param limit how many at the most, 1 or more
 */
public record BatchFilter(
        @Nullable BatchState state, @Nullable String name, long before, int limit) {

    public BatchFilter {
        if (limit < 1) {
            throw new IllegalArgumentException("A list holds at least one batch");
        }
    }
}
