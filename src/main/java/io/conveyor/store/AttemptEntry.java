package io.conveyor.store;

import io.conveyor.job.Run;
import org.jspecify.annotations.Nullable;

/**
 * A failed attempt that another one follows, on its way to the disk.
 *
 * @param segment where its job stands
 * @param index index of its job in the batch
 * @param kind kind of its job
 * @param run when and where the attempt was made, and how many there were with it
 * @param target what the job calls, or null
 * @param dueAt when the next attempt may start, milliseconds since the epoch
 */
public record AttemptEntry(
        SegmentRef segment,
        int index,
        String kind,
        Run run,
        @Nullable String target,
        long dueAt) implements JobEntry {

    /** Characters of a target that are kept. */
    private static final int TARGET_LENGTH = 512;

    public AttemptEntry {
        JobEntry.check(segment, index);
        if (!run.endsAttempt()) {
            throw new IllegalArgumentException("Another attempt follows one that was made");
        }
        if (target != null && target.length() > TARGET_LENGTH) {
            target = target.substring(0, TARGET_LENGTH);
        }
    }

    @Override
    public int bytes() {
        return 0;
    }
}
