package io.conveyor.store;

/** That contract on SQLite. */
final class SqliteSealTest extends SealContract {

    SqliteSealTest() {
        super(new SqliteHarness());
    }
}
