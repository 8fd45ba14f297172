package io.conveyor.batch;

import io.conveyor.job.BatchRules;
import io.conveyor.job.Job;
import io.conveyor.job.JobState;
import io.conveyor.job.Tenant;
import io.conveyor.store.BatchRef;
import io.conveyor.store.BatchStore;
import io.conveyor.store.NewBatch;
import io.conveyor.store.Origin;
import io.conveyor.store.PackedSegment;
import io.conveyor.store.PickedJobs;
import io.conveyor.store.SegmentCursor;
import io.conveyor.store.StoreException;
import io.conveyor.store.StoredBatch;
import io.conveyor.store.SubmissionKey;
import io.conveyor.web.ApiException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Some jobs of a batch that has ended on their way to be a batch of their own, under the indexes that they have. They go
 * from the store to the store a segment at a time, invisible until one commit makes them a batch, so neither their number
 * nor a failure half way matters. What was refused when it was accepted is left out: it would fail in the same way. Not
 * thread-safe: made for one request.
 */
final class Retry {

    private final Upload.Parts parts;
    private final BatchRef ref;
    private final Wish wish;
    private final @Nullable SubmissionKey key;
    private final BooleanSupplier takenByAnother;
    private final SegmentSpool spool;

    // Mutable state: what was found so far
    private int total;
    private int indexEnd;
    private int refused;

    /**
     * What is asked for.
     *
     * @param batchId the batch whose jobs to repeat
     * @param states the outcomes of those jobs: some of failed, cancelled and expired
     * @param deadlineMillis how long after its acceptance jobs of the new batch may still start, or 0 for ever
     * @param patience how long the client lets them be handed over before it wants an answer
     */
    record Wish(String batchId, Set<JobState> states, long deadlineMillis, Duration patience) {

        static final Set<JobState> ALL =
                Collections.unmodifiableSet(EnumSet.of(JobState.FAILED, JobState.CANCELLED, JobState.EXPIRED));

        Wish {
            states = Collections.unmodifiableSet(EnumSet.copyOf(states));
        }

        /** Tells it from another request; the same after the batch has been deleted. */
        byte[] fingerprint() {
            byte[] id = RawWindow.sha256().digest(batchId.getBytes(StandardCharsets.UTF_8));
            return Fingerprint.of("retry", stateNames() + "\n" + deadlineMillis, id);
        }

        /** In a fixed order. */
        private String stateNames() {
            return states.stream().map(JobState::wireName).collect(Collectors.joining(", "));
        }
    }

    /** @param takenByAnother tells, when the store refuses the key, whether another batch has it still */
    Retry(Upload.Parts parts, BatchRef ref, Wish wish, @Nullable SubmissionKey key, BooleanSupplier takenByAnother) {
        this.parts = parts;
        this.ref = ref;
        this.wish = wish;
        this.key = key;
        this.takenByAnother = takenByAnother;
        spool = new SegmentSpool(parts.store(), ref);
    }

    /**
     * Makes the batch and hands its jobs over.
     *
     * @return false if another batch has the key
     * @throws ApiException if the other batch is not there, has not ended, or has no such jobs
     */
    boolean make() {
        StoredBatch original = original();
        if (!original.ended()) {
            throw ApiException.batchNotEnded(wish.batchId(), original.state());
        }
        boolean sealed = false;
        try {
            collect(original.ref());
            List<PackedSegment> rest = spool.rest();
            NewBatch batch = batch(original);
            while (!sealed) {
                sealed = parts.belt().seal(batch, rest);
                if (!sealed && takenByAnother.getAsBoolean()) {
                    return false;
                }
            }
            Duration hold = parts.limits().hold();
            parts.belt().feed(ref, rest, hold.compareTo(wish.patience()) < 0 ? hold : wish.patience());
            return true;
        } catch (StoreException e) {
            original(); // a batch that is deleted meanwhile is no fault of the store
            throw e;
        } finally {
            if (!sealed) {
                spool.abandon();
            }
        }
    }

    private StoredBatch original() {
        return parts.store()
                .find(Tenant.DEFAULT, wish.batchId())
                .orElseThrow(() -> ApiException.unknownBatch(wish.batchId()));
    }

    private void collect(BatchRef original) {
        BatchStore store = parts.store();
        PickedJobs picked = store.pick(original, 0, wish.states());
        while (picked != null) {
            add(picked);
            picked = store.pick(original, picked.segment().endIndex(), wish.states());
        }
        if (total == 0) {
            throw ApiException.nothingToRetry(
                    wish.batchId(),
                    "Batch '" + wish.batchId() + "' has no job to retry: "
                            + (refused == 0
                                    ? "none is " + wish.stateNames() + "."
                                    : "all " + refused + " that are " + wish.stateNames()
                                            + " could not be read as jobs when they were sent; mend and submit them."));
        }
    }

    private void add(PickedJobs picked) {
        SegmentCursor cursor = new SegmentCursor(picked.segment());
        while (cursor.hasNext()) {
            if (!picked.places().get(cursor.nextIndex() - picked.segment().firstIndex())) {
                cursor.skip();
                continue;
            }
            Job job = cursor.next();
            if (job.problem() != null) {
                refused++;
            } else {
                spool.accept(job);
                total++;
                indexEnd = job.index() + 1;
            }
        }
    }

    private NewBatch batch(StoredBatch original) {
        return new NewBatch(
                ref,
                original.name(),
                original.metadata(),
                wish.fingerprint(),
                key,
                rules(original.rules()),
                new Origin(wish.batchId(), null),
                total,
                indexEnd,
                List.of(),
                parts.clock().millis());
    }

    /** Those of the other batch, but for its deadline, which is over or was meant for another time. */
    private BatchRules rules(BatchRules original) {
        return new BatchRules(
                original.timeoutMillis(),
                original.maxAttempts(),
                original.maxConcurrency(),
                wish.deadlineMillis(),
                original.saidOnError());
    }
}
