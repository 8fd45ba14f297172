package io.conveyor.store;

/** That contract on SQLite. */
final class SqliteContinuationTest extends ContinuationContract {

    SqliteContinuationTest() {
        super(new SqliteHarness());
    }
}
