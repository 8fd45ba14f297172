package io.conveyor.store;

/** That contract on SQLite. */
final class SqliteOutcomeTest extends OutcomeContract {

    SqliteOutcomeTest() {
        super(new SqliteHarness());
    }
}
