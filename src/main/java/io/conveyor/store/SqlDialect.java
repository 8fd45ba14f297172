package io.conveyor.store;

import java.sql.SQLException;

/** What the JDBC store must know of one database product. The SQL itself is common to all. */
interface SqlDialect {

    /** What a failed statement means to the caller of the store. */
    StoreException translate(SQLException failure);

    /** Bytes of the write-ahead log that wait to be folded into the database; 0 where that means nothing. */
    long walBytes();

    /** Bytes of the database on disk, without the log; 0 where that cannot be told. */
    long databaseBytes();

    /** Bytes that may still be written where the database lies, or {@link Long#MAX_VALUE} where that cannot be told. */
    long freeBytes();
}
