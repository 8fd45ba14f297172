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

    /** Bytes of the log above which {@link #emptyLog} is due. */
    long longestLog();

    /**
     * Folds all of the log into the database and cuts it off. Waits for those who read what is older, for a moment; others go on
     * reading, and nobody writes meanwhile.
     *
     * @return false when somebody reads for longer than that: then the log stays as long as it is
     */
    boolean emptyLog(Connection writing) throws SQLException;

    /** A query for the bytes inside the database that nobody uses any more, and that new rows take first. */
    String unusedBytes();

    /** A query for the bytes of the database, with those that nobody uses. */
    String totalBytes();

    /** Bytes inside the database that are not worth giving back to the disk. */
    long spareBytes();

    /** A statement that gives a few of the unused bytes back, a MiB or so; without effect where that cannot be. */
    String giveBack();

    /** Bytes of the write-ahead log that wait to be folded into the database; 0 where that means nothing. */
    long walBytes();

    /** Bytes of the database on disk, without the log; 0 where that cannot be told. */
    long databaseBytes();

    /** Bytes that may still be written where the database lies, or {@link Long#MAX_VALUE} where that cannot be told. */
    long freeBytes();
}
