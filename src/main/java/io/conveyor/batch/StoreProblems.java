package io.conveyor.batch;

import io.conveyor.store.StoreException;
import io.conveyor.web.ApiException;
import io.conveyor.web.Problem;
import io.conveyor.web.ProblemSource;
import java.util.Optional;
import org.springframework.stereotype.Component;

/** Says to clients what the store could not do, whichever request met it. Keeps nothing. */
@Component
final class StoreProblems implements ProblemSource {

    /** Seconds after which a client may try again: room on a disk, or a store that works, comes by an operator. */
    private static final int RETRY = 10;

    @Override
    public Optional<ApiException> problemOf(Exception thrown) {
        if (!(thrown instanceof StoreException failure)) {
            return Optional.empty();
        }
        return switch (failure.reason()) {
            case FULL -> Optional.of(ApiException.storageFull(RETRY));
            case UNKNOWN -> Optional.of(ApiException.unknownOutcome(RETRY));
            case UNAVAILABLE -> Optional.of(ApiException.unavailable(RETRY));
            case DAMAGED -> Optional.empty(); // no trial will help: a fault of the service, for its log
        };
    }

    /** What the client of a batch that has started is told when the rest of it cannot be taken. */
    static RuntimeException keptInPart(RuntimeException thrown, String batchId) {
        if (thrown instanceof ApiException problem) {
            return problem.keptInPart(batchId);
        }
        if (!(thrown instanceof StoreException failure)) {
            return thrown;
        }
        return switch (failure.reason()) {
            case FULL -> of(Problem.STORAGE_FULL, "There is no room on the disk of the service.", batchId);
            case UNKNOWN, UNAVAILABLE ->
                of(Problem.UNAVAILABLE, "The store of the service does not work now.", batchId);
            case DAMAGED -> thrown;
        };
    }

    private static ApiException of(Problem problem, String detail, String batchId) {
        return ApiException.of(problem, detail).retryAfter(RETRY).keptInPart(batchId);
    }
}
