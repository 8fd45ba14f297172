package io.conveyor.store;

import io.conveyor.job.Run;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A job that waits for another attempt.
 *
 * @param index index of the job in its batch
 * @param attempts attempts made so far, 1 or more
 * @param startedAt start of the last one, milliseconds since the epoch
 * @param durationMillis time of the last one in the handler
 * @param target what the job calls, or null
 */
public record WaitingAttempt(
        int index,
        int attempts,
        long startedAt,
        long durationMillis,
        @Nullable String target) {

    /** What there is to tell of the job if it ends now, without another attempt. */
    public Run endedAt(long now, long acceptedAt) {
        return new Run(
                attempts,
                Math.max(0, startedAt - acceptedAt),
                TimeUnit.MILLISECONDS.toNanos(durationMillis),
                startedAt,
                now,
                "");
    }
}
