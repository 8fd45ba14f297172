package io.conveyor.store;

/** That contract on SQLite. */
final class SqliteResultTest extends ResultContract {

    SqliteResultTest() {
        super(new SqliteHarness());
    }
}
