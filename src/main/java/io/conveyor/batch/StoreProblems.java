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
        return Optional.of(
                switch (failure.reason()) {
                    case FULL -> ApiException.storageFull(RETRY);
                    case UNAVAILABLE -> ApiException.unavailable(RETRY);
                });
    }
}
