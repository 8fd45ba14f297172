package io.conveyor.store;

/** That contract on SQLite. */
final class SqliteAttemptTest extends AttemptContract {

    SqliteAttemptTest() {
        super(new SqliteHarness());
    }
}
