package io.conveyor.belt;

import io.conveyor.handler.HandlerRegistry;
import io.conveyor.handler.JobExecution;
import io.conveyor.handler.JobHandler;
import io.conveyor.job.Job;
import io.conveyor.limit.Limit;
import io.conveyor.limit.Limits;
import io.conveyor.limit.Permit;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Says whether a job may be handed to the pool now: whether its batch, and what the operator allows jobs of its sort, have
 * room for it. Asked before the hand-over, so that no worker ever waits for a limit, and jobs of other batches go on.
 * Thread-safe.
 */
final class Admission {

    private final Limits limits;
    private final HandlerRegistry handlers;

    Admission(Limits limits, HandlerRegistry handlers) {
        this.limits = limits;
        this.handlers = handlers;
    }

    /** The permit under which the job may go; null if it has to wait, and then the batch is called when to ask again. */
    @Nullable
    Permit admit(ActiveBatch batch, Job job) {
        Limit own = batch.limit();
        if (!mayHold(batch)) {
            return Permit.FREE;
        }
        List<Limit> all = new ArrayList<>();
        if (own != null) {
            all.add(own);
        }
        all.addAll(limits.of(job.kind(), limits.dependsOnTarget(job.kind()) ? target(batch, job) : null));
        return Permit.take(all, batch);
    }

    /** Whether a job of the batch may have to wait for a limit. */
    boolean mayHold(ActiveBatch batch) {
        return batch.limit() != null || !limits.isEmpty();
    }

    /** What the job calls; null if it says nothing, or nonsense, of which it will fail by itself. */
    private @Nullable String target(ActiveBatch batch, Job job) {
        JobHandler handler = handlers.find(job.kind()).orElse(null);
        if (handler == null) {
            return null;
        }
        try {
            return handler.target(new JobExecution(batch.ref().id(), job, 1, System.nanoTime()));
        } catch (Exception | LinkageError | AssertionError | StackOverflowError e) {
            return null; // the threads that ask feed other batches as well, and must outlive the code of a plug-in
        }
    }
}
