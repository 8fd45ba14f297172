package io.conveyor.batch;

import io.conveyor.belt.Belt;
import io.conveyor.job.JobKind;
import io.conveyor.job.Tenant;
import io.conveyor.store.BatchRef;
import io.conveyor.store.BatchStore;
import io.conveyor.store.NewBatch;
import io.conveyor.store.PackedSegment;
import io.conveyor.store.StoreException;
import io.conveyor.store.StoredBatch;
import io.conveyor.web.ApiException;
import io.conveyor.web.BodyLimit;
import io.conveyor.web.BodyType;
import io.conveyor.web.Problem;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.io.InputStream;
import java.time.Clock;
import java.time.Duration;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Semaphore;
import java.util.stream.Collectors;
import org.springframework.http.MediaType;
import org.springframework.stereotype.Component;

/**
 * Takes batches in: limits first, then the body, the commit, and the handing over of the jobs, all on the request's
 * thread. When it returns the batch is on the disk; when it throws nothing of it is there. Thread-safe.
 */
@Component
final class Intake {

    /** Seconds after which a refused client may try again: a submission soon ends, a backlog takes longer. */
    private static final int SUBMISSIONS_RETRY = 1;

    private static final int BACKLOG_RETRY = 5;

    private static final List<MediaType> READ = List.of(MediaType.APPLICATION_JSON);

    private final BatchStore store;
    private final Belt belt;
    private final IntakeProperties limits;
    private final BatchIds ids;
    private final Refusals refusals;
    private final Clock clock;
    private final Semaphore submissions;

    Intake(BatchStore store, Belt belt, IntakeProperties limits, BatchIds ids, Refusals refusals, Clock clock) {
        this.store = store;
        this.belt = belt;
        this.limits = limits;
        this.ids = ids;
        this.refusals = refusals;
        this.clock = clock;
        submissions = new Semaphore(limits.maxSubmissions());
    }

    /**
     * What became of a submission.
     *
     * @param ref names of the batch that the request made, now or at an earlier time
     * @param created whether it was made now
     */
    record Taken(BatchRef ref, boolean created) {}

    /** Takes the batch that stands in the body of this request. */
    Taken take(HttpServletRequest request, Submission submission) throws IOException {
        if (!belt.accepting()) {
            refusals.add(Refusals.Reason.DRAINING);
            throw ApiException.draining(BACKLOG_RETRY);
        }
        if (!submissions.tryAcquire()) {
            refusals.add(Refusals.Reason.SUBMISSIONS);
            throw ApiException.overloaded(
                    "All " + limits.maxSubmissions() + " submissions that may arrive at once are arriving.",
                    SUBMISSIONS_RETRY);
        }
        try {
            return withPermit(request, submission);
        } catch (ApiException e) {
            countLimit(e.problem());
            throw e;
        } catch (StoreException e) {
            if (e.reason() == StoreException.Reason.FULL) {
                refusals.add(Refusals.Reason.STORAGE_FULL);
            }
            throw e;
        } finally {
            submissions.release();
        }
    }

    private void countLimit(Problem problem) {
        if (problem == Problem.PAYLOAD_TOO_LARGE) {
            refusals.add(Refusals.Reason.TOO_LARGE);
        } else if (problem == Problem.TOO_MANY_JOBS) {
            refusals.add(Refusals.Reason.TOO_MANY_JOBS);
        }
    }

    private Taken withPermit(HttpServletRequest request, Submission submission) throws IOException {
        long backlog = store.backlogJobs();
        if (backlog >= limits.maxBacklog()) {
            refusals.add(Refusals.Reason.BACKLOG);
            throw ApiException.overloaded(
                    "There are " + backlog + " jobs waiting; no more are taken from " + limits.maxBacklog() + " on.",
                    BACKLOG_RETRY);
        }
        InputStream body = BodyLimit.of(request, limits.maxJsonBody().toBytes());
        if (BodyType.of(request, READ) == BodyType.NDJSON) {
            throw ApiException.unsupportedMediaType(
                    "Batches in NDJSON are not read yet; send a JSON array: jq -s . jobs.ndjson", READ);
        }
        Optional<StoredBatch> existing =
                submission.id() == null ? Optional.empty() : store.find(Tenant.DEFAULT, submission.id());
        return existing.isPresent() ? repeated(existing.get(), submission, body) : fresh(body, submission);
    }

    /** Compares the body, unparsed, with that of the batch that has the id. */
    private static Taken repeated(StoredBatch existing, Submission submission, InputStream body) throws IOException {
        String id = existing.ref().id();
        if (submission.mustBeNew()) {
            throw ApiException.preconditionFailed(
                    "Batch '" + id + "' exists, and If-None-Match: * asks for a new one.");
        }
        return same(existing, Fingerprint.ofBody(body));
    }

    private static Taken same(StoredBatch existing, byte[] fingerprint) {
        if (!Arrays.equals(existing.fingerprint(), fingerprint)) {
            throw ApiException.batchExists(existing.ref().id(), existing.state());
        }
        return new Taken(existing.ref(), false);
    }

    private Taken fresh(InputStream body, Submission submission) throws IOException {
        String id = submission.id() == null ? ids.next() : submission.id();
        BatchRef ref = new BatchRef(Tenant.DEFAULT, store.newBatchNo(), id);
        SegmentSpool spool = new SegmentSpool(store, ref);
        boolean sealed = false;
        try {
            ParsedBatch parsed = parser().parse(body, spool::add);
            byte[] fingerprint = Fingerprint.of(parsed.digest());
            List<PackedSegment> rest = spool.rest();
            Optional<StoredBatch> winner = seal(ref, parsed, fingerprint, rest);
            if (winner.isPresent()) {
                return raced(winner.get(), submission, fingerprint);
            }
            sealed = true;
            Duration hold = shorter(limits.hold(), submission.patience());
            belt.feed(ref, rest, hold);
            return new Taken(ref, true);
        } finally {
            if (!sealed) {
                spool.abandon();
            }
        }
    }

    private BatchParser parser() {
        Set<String> kinds =
                belt.kinds().stream().map(JobKind::name).collect(Collectors.toCollection(LinkedHashSet::new));
        return new BatchParser(
                kinds, limits.maxJobs(), Math.toIntExact(limits.maxJobSize().toBytes()));
    }

    /** Seals the batch; if another request took the id meanwhile, returns its batch instead. */
    private Optional<StoredBatch> seal(BatchRef ref, ParsedBatch parsed, byte[] fingerprint, List<PackedSegment> rest) {
        NewBatch batch = new NewBatch(
                ref,
                parsed.name(),
                parsed.metadata(),
                fingerprint,
                parsed.timeoutMillis(),
                parsed.total(),
                clock.millis());
        while (!belt.seal(batch, rest)) {
            Optional<StoredBatch> winner = store.find(ref.tenant(), ref.id());
            if (winner.isPresent()) {
                return winner;
            }
            // It has been deleted since: the id is free again.
        }
        return Optional.empty();
    }

    private static Taken raced(StoredBatch winner, Submission submission, byte[] fingerprint) {
        if (submission.mustBeNew()) {
            throw ApiException.preconditionFailed("Batch '" + winner.ref().id() + "' was made by another request.");
        }
        return same(winner, fingerprint);
    }

    private static Duration shorter(Duration a, Duration b) {
        return a.compareTo(b) < 0 ? a : b;
    }
}
