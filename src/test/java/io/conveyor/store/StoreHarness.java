package io.conveyor.store;

/** What a contract needs of the kind of store that it is tried on, beside the store itself. */
interface StoreHarness extends AutoCloseable {

    /** A started store without batches, whose clock the test moves. */
    BatchStore openEmpty();

    /** What a process finds that is started after this one has been killed at this moment. */
    BatchStore afterCrash();

    /** Sets the wall clock, forward or back. */
    void setTime(long millis);

    /** Time goes on, whatever the wall clock says. */
    void pass(long millis);

    /** Lets the store look for what is due, as it does by itself now and then. */
    void keep();

    /** Waits until nothing is left to be swept, and counts the rows in all tables but that of the batches. */
    long rowsAfterSweep();

    /** Keeps the writer busy, so that what is handed in until the release travels in one group. */
    Runnable occupyWriter();

    @Override
    void close();
}
