package io.conveyor.store;

import java.sql.Connection;
import java.sql.SQLException;

/** What the JDBC store must know of one database product. The SQL itself is common to all. */
interface SqlDialect {

    /** What people call this store, with its place; begins a sentence. */
    String name();

    /** What a failed statement means to the caller of the store. */
    StoreException translate(SQLException failure);

    /** Who has to bear a failed statement or commit. */
    Failure.Blame blame(SQLException failure);

    /**
     * Checks a connection that shall write.
     *
     * @throws StoreStartException when it does not keep the promises
     */
    void verify(Connection writing) throws SQLException;

    /**
     * Makes sure, before anything is read or written, that all that can be read has reached the disk.
     *
     * @throws StoreStartException when that cannot be done
     */
    void settle(Connection writing) throws SQLException;

    /** A query that has the database give back room on the disk, as far as it can without any itself. */
    String roomMaker();

    /** A query for the bytes inside the database that nobody uses any more, and that new rows take first. */
    String unusedBytes();

    /** Bytes of the write-ahead log that wait to be folded into the database; 0 where that means nothing. */
    long walBytes();

    /** Bytes of the database on disk, without the log; 0 where that cannot be told. */
    long databaseBytes();

    /** Bytes that may still be written where the database lies, or {@link Long#MAX_VALUE} where that cannot be told. */
    long freeBytes();
}
