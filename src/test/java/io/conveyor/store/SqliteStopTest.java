package io.conveyor.store;

/** That contract on SQLite. */
final class SqliteStopTest extends StopContract {

    SqliteStopTest() {
        super(new SqliteHarness());
    }
}
