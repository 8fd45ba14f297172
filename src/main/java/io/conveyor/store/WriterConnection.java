package io.conveyor.store;

import java.sql.SQLException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The connection that writes, and one transaction at a time on it. Whatever happens, after a transaction the connection
 * stands outside of any: committed, rolled back, or closed and opened anew by the next. Writer thread only.
 */
final class WriterConnection {

    private static final Logger log = LoggerFactory.getLogger(WriterConnection.class);

    /** Opens the writing connection. */
    interface Sessions {
        WriteSession open() throws SQLException;
    }

    /** What is done inside a transaction. */
    interface Steps {
        void run(WriteSession session) throws SQLException;
    }

    private final Sessions sessions;
    private final SqlDialect dialect;

    // Mutable state: writer thread only
    private @Nullable WriteSession session;
    /** Bytes of the log above which it is emptied next. */
    private long emptyAbove;

    WriterConnection(Sessions sessions, SqlDialect dialect) {
        this.sessions = sessions;
        this.dialect = dialect;
        emptyAbove = dialect.longestLog();
    }

    /** Runs the steps and commits; null when that went well, else what did not, with nothing of it left behind. */
    @Nullable
    Failure transact(Steps steps) {
        WriteSession open;
        try {
            open = session();
        } catch (SQLException e) {
            return failure(e);
        } catch (RuntimeException e) {
            return new Failure(unexpected(e), Failure.Blame.STORE);
        }
        boolean committing = false;
        try {
            open.begin();
            steps.run(open);
            committing = true;
            open.commit();
            return null;
        } catch (SQLException e) {
            rollback(open);
            Failure failure = failure(e);
            return committing && failure.blame() == Failure.Blame.DISK ? unknown(e) : failure;
        } catch (RuntimeException e) {
            rollback(open);
            return new Failure(unexpected(e), Failure.Blame.CONTENT);
        }
    }

    /** Has the database give back what room it can without waiting for anybody; null unless that went wrong. */
    @Nullable
    Failure makeRoom() {
        try {
            session().list(dialect.roomMaker(), row -> row.getInt(1));
            return null;
        } catch (SQLException e) {
            return failure(e);
        }
    }

    /**
     * Empties the log if it is too long: a commit folds it in, but it is begun anew only when nobody reads, and with
     * readers on all sides that moment never comes. When somebody reads for longer than the rest can wait for, the next
     * try is due at twice the length, so that a backup of minutes costs a few moments. Null unless that went wrong.
     */
    @Nullable
    Failure keepLogShort() {
        long bytes = dialect.walBytes();
        if (bytes <= emptyAbove) {
            emptyAbove = bytes > dialect.longestLog() ? emptyAbove : dialect.longestLog();
            return null;
        }
        emptyAbove = 2 * bytes;
        try {
            if (session().emptyLog(dialect)) {
                emptyAbove = dialect.longestLog();
            } else {
                log.warn(
                        "The log of the store has {} MiB, and stays so long: somebody reads the database and does not come to an end",
                        bytes >> 20);
            }
            return null;
        } catch (SQLException e) {
            return failure(e);
        }
    }

    private Failure failure(SQLException e) {
        return new Failure(dialect.translate(e), dialect.blame(e));
    }

    /** What was written before a flush that failed may be found by the next start all the same, or not. */
    private static Failure unknown(SQLException e) {
        return new Failure(
                new StoreException(StoreException.Reason.UNKNOWN, "The disk failed during a commit", e),
                Failure.Blame.DISK);
    }

    private static StoreException unexpected(RuntimeException e) {
        return new StoreException(StoreException.Reason.UNAVAILABLE, "The store failed", e);
    }

    private WriteSession session() throws SQLException {
        WriteSession open = session;
        if (open == null) {
            open = sessions.open();
            session = open;
        }
        return open;
    }

    /** A database that has rolled back by itself, as SQLite does when its disk is full, refuses: then a new connection. */
    private void rollback(WriteSession open) {
        try {
            open.rollback();
        } catch (SQLException e) {
            log.debug("Nothing to roll back; the connection is opened anew", e);
            close();
        }
    }

    void close() {
        try {
            if (session != null) {
                session.close();
            }
        } catch (SQLException e) {
            log.warn("The writing connection did not close cleanly", e);
        }
        session = null;
    }
}
