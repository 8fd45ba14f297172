package io.conveyor.batch;

import io.conveyor.job.BatchState;
import io.conveyor.job.Tenant;
import io.conveyor.store.BatchRef;
import io.conveyor.store.BatchStore;
import io.conveyor.store.KeptKey;
import io.conveyor.store.StoredBatch;
import io.conveyor.web.ApiException;
import java.util.Arrays;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Finds what an earlier request with the same key, or to the same id, has made, and holds the new request against it.
 * Thread-safe.
 */
final class Repetitions {

    /** Seconds after which to ask again for a batch whose first upload is arriving. */
    private static final int RETRY = 1;

    private final BatchStore store;

    Repetitions(BatchStore store) {
        this.store = store;
    }

    /** What is there already. */
    interface Earlier {

        /** Says no if the request does not bear a repetition. */
        void refuseIfNewIsWanted();

        /**
         * The batch, if the new request is the same.
         *
         * @param fingerprint of what was submitted
         * @throws ApiException if it is another request
         */
        BatchRef sameAs(byte[] fingerprint);

        /** Whether it was found by its key, and not by its id. */
        boolean byKey();
    }

    /** What is there for this submission, looked for by its key first. */
    Optional<Earlier> find(Submission submission, @Nullable String key) {
        Optional<KeptKey> kept = key == null ? Optional.empty() : store.findKey(Tenant.DEFAULT, key);
        if (kept.isPresent()) {
            return Optional.of(new ByKey(submission, kept.get()));
        }
        return submission.id() == null
                ? Optional.empty()
                : store.find(Tenant.DEFAULT, submission.id()).map(batch -> new ById(submission, batch));
    }

    private record ById(Submission submission, StoredBatch batch) implements Earlier {

        @Override
        public void refuseIfNewIsWanted() {
            if (submission.mustBeNew()) {
                throw ApiException.preconditionFailed(
                        "Batch '" + batch.ref().id() + "' exists, and If-None-Match: * asks for a new one.");
            }
        }

        @Override
        public BatchRef sameAs(byte[] fingerprint) {
            if (!Arrays.equals(batch.fingerprint(), fingerprint)) {
                throw ApiException.batchExists(batch.ref().id(), batch.state());
            }
            return batch.ref();
        }

        @Override
        public boolean byKey() {
            return false;
        }
    }

    private final class ByKey implements Earlier {

        private final Submission submission;
        private final KeptKey kept;

        ByKey(Submission submission, KeptKey kept) {
            this.submission = submission;
            this.kept = kept;
        }

        /** A key asks for no more than one batch, and there is one. */
        @Override
        public void refuseIfNewIsWanted() {}

        @Override
        public BatchRef sameAs(byte[] fingerprint) {
            StoredBatch batch = store.find(kept.batch().tenant(), kept.batch().id())
                    .filter(found -> found.ref().batchNo() == kept.batch().batchNo())
                    .orElse(null);
            if (batch != null && batch.state() == BatchState.OPEN) {
                throw ApiException.idempotencyKeyInFlight(RETRY);
            }
            byte[] request = Fingerprint.ofRequest(submission.target(), fingerprint);
            if (!Arrays.equals(kept.fingerprint(), request)) {
                throw ApiException.idempotencyKeyMismatch(kept.batch().id());
            }
            if (batch == null) {
                throw ApiException.unknownBatch(kept.batch().id());
            }
            return batch.ref();
        }

        @Override
        public boolean byKey() {
            return true;
        }
    }
}
