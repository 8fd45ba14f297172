package io.conveyor.store;

/** Makes failures of the store, for tests of other packages. */
public final class StoreFailures {

    private StoreFailures() {}

    public static StoreException failure(StoreException.Reason reason) {
        return new StoreException(reason, "secret of the store");
    }
}
