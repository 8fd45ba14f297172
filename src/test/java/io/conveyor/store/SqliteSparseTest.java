package io.conveyor.store;

/** That contract on SQLite. */
final class SqliteSparseTest extends SparseContract {

    SqliteSparseTest() {
        super(new SqliteHarness());
    }
}
