package io.conveyor.store;

/** A transaction that was not committed. */
record Failure(StoreException exception, Blame blame) {

    /** Where the fault lies: decides who has to bear it. */
    enum Blame {
        /** In what was to be written: another trial fails the same way, and others are not concerned. */
        CONTENT,
        /** In the store, for now: no room, a lock, a connection that broke. */
        STORE,
        /** In the disk: what a later commit says about it cannot be believed until the store has been opened anew. */
        DISK
    }
}
