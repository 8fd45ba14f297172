package io.conveyor.batch;

import io.conveyor.belt.Belt;
import io.conveyor.job.Tenant;
import io.conveyor.store.BatchRef;
import io.conveyor.store.BatchStore;
import io.conveyor.store.StoreException;
import io.conveyor.store.SubmissionKey;
import io.conveyor.web.ApiException;
import io.conveyor.web.Problem;
import io.conveyor.web.SlowClients;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.io.InputStream;
import java.time.Clock;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

/**
 * Takes batches in: limits first, then the body, the commit, and the handing over of the jobs, all on the thread that
 * calls. When it returns the batch is on the disk; when it throws nothing of it is there. Thread-safe.
 */
@Component
final class Intake {

    /** Seconds after which a refused client may try again: a submission soon ends, a backlog takes longer. */
    private static final int SUBMISSIONS_RETRY = 1;

    private static final int BACKLOG_RETRY = 5;

    /** How long a submission waits for the place of a client that was hung up on: longer than that takes. */
    private static final Duration GIVEN_WAY = Duration.ofMillis(100);

    /** Clients that are hung up on for one submission at the most: some of them had no place, but were being refused. */
    private static final int MOST_GIVE_WAY = 10;

    private final BatchStore store;
    private final Belt belt;
    private final IntakeProperties limits;
    private final BatchIds ids;
    private final Refusals refusals;
    private final Upload.Parts parts;
    private final Repetitions repetitions;
    private final IdempotencyKeys keys = new IdempotencyKeys();
    private final SlowClients clients;
    private final Semaphore submissions;
    private final Semaphore live;

    Intake(
            BatchStore store,
            Belt belt,
            IntakeProperties limits,
            BatchIds ids,
            Refusals refusals,
            Clock clock,
            SlowClients clients) {
        this.store = store;
        this.belt = belt;
        this.limits = limits;
        this.ids = ids;
        this.refusals = refusals;
        parts = new Upload.Parts(store, belt, limits, ids, clock);
        repetitions = new Repetitions(store);
        this.clients = clients;
        // Fair: whose arrival has hung up on somebody gets that place, and nobody who comes later.
        submissions = new Semaphore(limits.maxSubmissions(), true);
        live = new Semaphore(limits.maxLive());
    }

    /**
     * What became of a submission.
     *
     * @param ref names of the batch that the request made, now or at an earlier time
     * @param created whether it was made now
     * @param replayed whether it was found by the idempotency key of the request
     */
    record Taken(BatchRef ref, boolean created, boolean replayed) {}

    /** A place among the submissions that may arrive at once; closing it lets another one in. */
    interface Place extends AutoCloseable {
        @Override
        void close();
    }

    /**
     * Lets a submission in. If there is no place, the client that sends most slowly loses its own; none that sends to a batch
     * which has started, since that may pause: of those there are never so many that they take all places.
     *
     * @param pausing whether it starts while it arrives
     * @throws ApiException if the service stops, or there is no place
     */
    Place enter(boolean pausing) {
        if (!belt.accepting()) {
            refusals.add(Refusals.Reason.DRAINING);
            throw ApiException.draining(BACKLOG_RETRY);
        }
        if (pausing && !live.tryAcquire()) {
            throw noPlace("All " + limits.maxLive() + " submissions that may start while they arrive are arriving.");
        }
        if (!place(Duration.ZERO) && !takenOver()) {
            if (pausing) {
                live.release();
            }
            throw noPlace("All " + limits.maxSubmissions() + " submissions that may arrive at once are arriving.");
        }
        return () -> {
            submissions.release();
            if (pausing) {
                live.release();
            }
        };
    }

    private boolean takenOver() {
        for (int n = 0; n < MOST_GIVE_WAY && clients.senderGivesWay(); n++) {
            if (place(GIVEN_WAY)) {
                return true;
            }
        }
        return false;
    }

    private boolean place(Duration patience) {
        try {
            return submissions.tryAcquire(patience.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    private ApiException noPlace(String detail) {
        refusals.add(Refusals.Reason.SUBMISSIONS);
        return ApiException.overloaded(detail, SUBMISSIONS_RETRY);
    }

    /**
     * Takes the batch that stands in the body of this request; call with a place.
     *
     * @param body the body as it arrives: the request's own stream, or one in its place
     */
    Taken take(HttpServletRequest request, InputStream body, Submission submission) throws IOException {
        return withKey(request, key -> receive(request, body, submission, key));
    }

    /** Looks at a submission without taking anything of it; call with a place. */
    CheckView check(HttpServletRequest request, Submission submission) throws IOException {
        String key = IdempotencyKeys.of(request);
        BatchOptions options = BatchOptions.of(request, parts.maxJobSize(), parts::followerReader);
        InputStream timed = new TimedBody(request.getInputStream(), limits.maxDuration());
        return new SubmissionCheck(parts, repetitions, submission, options, key)
                .of(SubmittedBody.of(request, timed, limits));
    }

    /** Takes the batch that repeats jobs of another; call with a place. */
    Taken retry(HttpServletRequest request, Retry.Wish wish) throws IOException {
        Submission submission = new Submission(null, false, false, wish.patience(), ref -> {});
        byte[] fingerprint = wish.fingerprint();
        return withKey(request, key -> {
            Optional<Repetitions.Earlier> earlier = repetitions.find(submission, key);
            if (earlier.isPresent()) {
                return repeated(earlier.get(), fingerprint);
            }
            BatchRef ref = new BatchRef(Tenant.DEFAULT, store.newBatchNo(), ids.next());
            BooleanSupplier taken = () -> repetitions.find(submission, key).isPresent();
            SubmissionKey made = key == null
                    ? null
                    : new SubmissionKey(key, Fingerprint.ofRequest(submission.target(), fingerprint));
            return new Retry(parts, ref, wish, made, taken).make()
                    ? new Taken(ref, true, false)
                    : raced(submission, key, fingerprint);
        });
    }

    /** What is done with a request, given its key. */
    private interface Work {
        Taken apply(@Nullable String key) throws IOException;
    }

    private Taken withKey(HttpServletRequest request, Work work) throws IOException {
        String key = IdempotencyKeys.of(request);
        try {
            refuseBacklog();
            if (key == null) {
                return work.apply(null);
            }
            try (IdempotencyKeys.Use use = keys.use(Tenant.DEFAULT, key)) {
                return work.apply(key);
            }
        } catch (ApiException e) {
            countLimit(e.problem());
            throw e;
        } catch (StoreException e) {
            if (e.reason() == StoreException.Reason.FULL) {
                refusals.add(Refusals.Reason.STORAGE_FULL);
            }
            throw e;
        }
    }

    private void countLimit(Problem problem) {
        if (problem == Problem.PAYLOAD_TOO_LARGE) {
            refusals.add(Refusals.Reason.TOO_LARGE);
        } else if (problem == Problem.TOO_MANY_JOBS) {
            refusals.add(Refusals.Reason.TOO_MANY_JOBS);
        }
    }

    private void refuseBacklog() {
        long backlog = store.backlogJobs();
        if (backlog >= limits.maxBacklog()) {
            refusals.add(Refusals.Reason.BACKLOG);
            throw ApiException.overloaded(
                    "There are " + backlog + " jobs waiting; no more are taken from " + limits.maxBacklog() + " on.",
                    BACKLOG_RETRY);
        }
    }

    private Taken receive(HttpServletRequest request, InputStream raw, Submission submission, @Nullable String key)
            throws IOException {
        BatchOptions options = BatchOptions.of(request, parts.maxJobSize(), parts::followerReader);
        boolean live = options.immediately() || submission.immediately();
        SubmittedBody body = SubmittedBody.of(request, live ? raw : new TimedBody(raw, limits.maxDuration()), limits);
        Optional<Repetitions.Earlier> earlier = repetitions.find(submission, key);
        if (earlier.isPresent()) {
            earlier.get().refuseIfNewIsWanted();
            return repeated(earlier.get(), body.readFingerprint(options));
        }
        String id = submission.id() == null ? ids.next() : submission.id();
        BatchRef ref = new BatchRef(Tenant.DEFAULT, store.newBatchNo(), id);
        BooleanSupplier taken = () -> repetitions.find(submission, key).isPresent();
        Upload.Result result = new Upload(parts, ref, submission, options, key, taken).read(body);
        return result.made() ? new Taken(ref, true, false) : raced(submission, key, result.fingerprint());
    }

    private static Taken repeated(Repetitions.Earlier earlier, byte[] fingerprint) {
        return new Taken(earlier.sameAs(fingerprint), false, earlier.byKey());
    }

    /** Another request took the id, or the key, while the body arrived. */
    private Taken raced(Submission submission, @Nullable String key, byte[] fingerprint) {
        Repetitions.Earlier winner = repetitions
                .find(submission, key)
                .orElseThrow(() -> ApiException.overloaded(
                        "Another batch had this id while this one arrived, and is deleted now; send it again.",
                        SUBMISSIONS_RETRY));
        winner.refuseIfNewIsWanted();
        return repeated(winner, fingerprint);
    }
}
