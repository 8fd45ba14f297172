package io.conveyor.batch;

import io.conveyor.store.StoreException;
import io.conveyor.web.ApiException;

/** Says to clients what the store could not do. Keeps nothing. */
final class StoreProblems {

    /** Seconds after which a client may try again: room on a disk, or a store that works, comes by an operator. */
    private static final int RETRY = 10;

    private StoreProblems() {}

    static ApiException answer(StoreException e) {
        return switch (e.reason()) {
            case FULL -> ApiException.storageFull(RETRY);
            case UNAVAILABLE -> ApiException.unavailable(RETRY);
        };
    }
}
