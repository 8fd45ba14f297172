package io.conveyor.batch;

import io.conveyor.store.StoreException;
import io.conveyor.web.ApiException;
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
}
