package io.conveyor.store;

/** That contract on SQLite. */
final class SqliteKeepingTest extends KeepingContract {

    SqliteKeepingTest() {
        super(new SqliteHarness());
    }
}
