package io.conveyor.store;

/** That contract on SQLite. */
final class SqliteEndRaceTest extends EndRaceContract {

    SqliteEndRaceTest() {
        super(new SqliteHarness());
    }
}
