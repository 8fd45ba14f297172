package io.conveyor.store;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.EnumSet;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.sqlite.SQLiteErrorCode;
import org.sqlite.SQLiteException;

/**
 * SQLite: the pragmas that the promises rest on, what its error codes mean, and the sizes of its files. Thread-safe.
 */
final class SqliteDialect implements SqlDialect {

    /** Bytes of a page: larger than the default of 4 KiB, since segments and blocks are. */
    private static final int PAGE_BYTES = 16 * 1024;

    /** Pages in the log at which a commit folds it into the database: 1000 x 16 KiB keeps the pauses short. */
    private static final int CHECKPOINT_PAGES = 1000;

    /**
     * Bytes to which the log is cut when it is begun anew, 64 MiB: a rare huge transaction leaves no huge file. Also those
     * above which it is emptied, four times what a commit folds in: readers that overlap let it grow until somebody waits for them.
     */
    private static final int LOG_BYTES = 64 * 1024 * 1024;

    /** Milliseconds that a connection waits for another's lock before it gives up. */
    private static final int BUSY_MILLIS = 5000;

    /** Milliseconds that the emptying of the log waits for readers, whose queries take one or two; all writers wait with it. */
    private static final int READERS_MILLIS = 250;

    /** Pages given back in one step, 1 MiB: each of them may be one that has to be moved. */
    private static final int GIVE_BACK_PAGES = 64;

    private static final String EMPTY_LOG = "PRAGMA wal_checkpoint(TRUNCATE)";

    /** What a writing connection must answer, as SQLite prints it. 2 is FULL: each commit is flushed to the disk. */
    private static final Map<String, String> REQUIRED = Map.of(
            "journal_mode",
            "wal",
            "synchronous",
            "2",
            "foreign_keys",
            "1",
            "busy_timeout",
            String.valueOf(BUSY_MILLIS),
            "wal_autocheckpoint",
            String.valueOf(CHECKPOINT_PAGES),
            "journal_size_limit",
            String.valueOf(LOG_BYTES));

    /** The first release without a way to corrupt a database when the log is reset. */
    private static final int OLDEST_VERSION = version("3.51.3");

    /** A full disk; the second where the log's index in shared memory found no room. */
    private static final Set<SQLiteErrorCode> NO_ROOM =
            EnumSet.of(SQLiteErrorCode.SQLITE_FULL, SQLiteErrorCode.SQLITE_IOERR_SHMSIZE);

    /** The bits of a result code that say what kind it is; those above say more about it. */
    private static final int PRIMARY_CODE = 0xff;

    private static final int SQLITE_IOERR = 10;
    private static final int SQLITE_CORRUPT = 11;
    private static final int SQLITE_TOOBIG = 18;
    private static final int SQLITE_CONSTRAINT = 19;
    private static final int SQLITE_MISMATCH = 20;
    private static final int SQLITE_NOTADB = 26;

    private final SqliteFile file;
    private final Sizes sizes;

    /**
     * What files may grow to before something is done about it.
     *
     * @param log bytes of the log above which it is emptied
     * @param spare unused bytes of the database that are kept
     */
    record Sizes(long log, long spare) {

        /** 64 MiB each: of the spare ones a day of small batches is made. */
        static final Sizes ORDINARY = new Sizes(LOG_BYTES, 64 * 1024 * 1024);
    }

    SqliteDialect(SqliteFile file) {
        this(file, Sizes.ORDINARY);
    }

    SqliteDialect(SqliteFile file, Sizes sizes) {
        this.file = file;
        this.sizes = sizes;
    }

    /** Settings for the connection that writes. */
    static Properties writing() {
        Properties properties = new Properties();
        properties.setProperty("journal_mode", "WAL");
        properties.setProperty("synchronous", "FULL");
        properties.setProperty("foreign_keys", "on");
        properties.setProperty("busy_timeout", String.valueOf(BUSY_MILLIS));
        properties.setProperty("transaction_mode", "IMMEDIATE");
        properties.setProperty("wal_autocheckpoint", String.valueOf(CHECKPOINT_PAGES));
        properties.setProperty("journal_size_limit", String.valueOf(LOG_BYTES));
        return properties;
    }

    /** Settings for connections that read: they cannot write even by mistake. */
    static Properties reading() {
        Properties properties = new Properties();
        properties.setProperty("open_mode", "1");
        properties.setProperty("busy_timeout", String.valueOf(BUSY_MILLIS));
        return properties;
    }

    /** Sets what a database takes only while it is empty; without effect on one that is in use. */
    static void prepare(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute("PRAGMA page_size = " + PAGE_BYTES);
            // So that the file can become shorter; a file of an earlier version stays as long as it is.
            statement.execute("PRAGMA auto_vacuum = INCREMENTAL");
            statement.execute("PRAGMA journal_mode = WAL");
        }
    }

    /** Reads every setting back: what SQLite did not take, we do not promise on. */
    @Override
    public void verify(Connection writing) throws SQLException {
        for (Map.Entry<String, String> setting : REQUIRED.entrySet()) {
            String answer = ask(writing, "PRAGMA " + setting.getKey());
            if (!setting.getValue().equalsIgnoreCase(answer)) {
                throw new StoreStartException(
                        "SQLite answers " + setting.getKey() + "=" + answer + " where " + setting.getValue()
                                + " is needed for an accepted batch to be safe.",
                        "Use a local disk with a file system that supports the write-ahead log, and the bundled driver.");
            }
        }
        String version = ask(writing, "SELECT sqlite_version()");
        if (version(version) < OLDEST_VERSION) {
            throw new StoreStartException(
                    "SQLite " + version + " can corrupt its log; 3.51.3 or newer is needed.",
                    "Use the bundled org.xerial:sqlite-jdbc.");
        }
    }

    /**
     * Folds the log into the database, which flushes both. A process that was killed between writing a commit and
     * flushing it, or whose flush failed, leaves a batch that the next process can read although it is not on the disk:
     * a client that asks again would be told that it is safe.
     */
    @Override
    public void settle(Connection writing) throws SQLException {
        try (Statement statement = writing.createStatement();
                ResultSet row = statement.executeQuery(EMPTY_LOG)) {
            if (!row.next() || row.getInt(2) != row.getInt(3)) {
                throw new StoreStartException(
                        "The log of " + file.path() + " cannot be folded into the database: somebody reads it.",
                        "Close other programs that have the database open, and start again.");
            }
        }
    }

    @Override
    public boolean emptyLog(Connection writing) throws SQLException {
        try (Statement statement = writing.createStatement()) {
            statement.execute("PRAGMA busy_timeout = " + READERS_MILLIS);
            try (ResultSet row = statement.executeQuery(EMPTY_LOG)) {
                return row.next() && row.getInt(1) == 0;
            } finally {
                statement.execute("PRAGMA busy_timeout = " + BUSY_MILLIS);
            }
        }
    }

    @Override
    public long longestLog() {
        return sizes.log();
    }

    private static String ask(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            return row.next() ? String.valueOf(row.getString(1)) : "";
        }
    }

    private static int version(String text) {
        int number = 0;
        String[] parts = text.split("\\.", -1);
        for (int i = 0; i < 3; i++) {
            number = number * 1000 + (i < parts.length ? Integer.parseInt(parts[i]) : 0);
        }
        return number;
    }

    @Override
    public Failure.Blame blame(SQLException failure) {
        if (!(failure instanceof SQLiteException sqlite)) {
            return Failure.Blame.STORE;
        }
        SQLiteErrorCode code = sqlite.getResultCode();
        if (NO_ROOM.contains(code) || code == SQLiteErrorCode.SQLITE_IOERR_NOMEM) {
            return Failure.Blame.STORE; // nothing is wrong with the disk; it passes
        }
        return switch (code.code & PRIMARY_CODE) {
            case SQLITE_IOERR -> Failure.Blame.DISK;
            case SQLITE_CONSTRAINT, SQLITE_MISMATCH, SQLITE_TOOBIG -> Failure.Blame.CONTENT;
            default -> Failure.Blame.STORE;
        };
    }

    /** Whether it failed because there is no room on the disk. */
    static boolean isFull(SQLException failure) {
        return failure instanceof SQLiteException sqlite && NO_ROOM.contains(sqlite.getResultCode());
    }

    /** Whether the file is not what SQLite has written. */
    static boolean isDamaged(@Nullable Throwable failure) {
        if (!(failure instanceof SQLiteException sqlite)) {
            return false;
        }
        int code = sqlite.getResultCode().code & PRIMARY_CODE;
        return code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
    }

    @Override
    public StoreException translate(SQLException failure) {
        if (isFull(failure)) {
            return new StoreException(StoreException.Reason.FULL, "The disk of the store is full", failure);
        }
        return new StoreException(StoreException.Reason.UNAVAILABLE, "The store failed", failure);
    }

    /** Folds the log in, which for pages that the database has already needs no room, and has the log begun anew. */
    @Override
    public String roomMaker() {
        return "PRAGMA wal_checkpoint(PASSIVE)";
    }

    @Override
    public String name() {
        return "The store " + file.path();
    }

    @Override
    public String unusedBytes() {
        return "SELECT freelist_count * page_size FROM pragma_freelist_count, pragma_page_size";
    }

    @Override
    public String totalBytes() {
        return "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size";
    }

    @Override
    public long spareBytes() {
        return sizes.spare();
    }

    @Override
    public String giveBack() {
        return "PRAGMA incremental_vacuum(" + GIVE_BACK_PAGES + ")";
    }

    @Override
    public long walBytes() {
        return size(file.walPath());
    }

    @Override
    public long databaseBytes() {
        return size(file.path());
    }

    @Override
    public long freeBytes() {
        try {
            return Files.getFileStore(file.path()).getUsableSpace();
        } catch (IOException e) {
            return Long.MAX_VALUE;
        }
    }

    private static long size(Path path) {
        try {
            return Files.size(path);
        } catch (NoSuchFileException e) {
            return 0; // no log yet, or just folded in
        } catch (IOException e) {
            return 0;
        }
    }
}
