package io.conveyor.bench;

import io.conveyor.job.Job;
import io.conveyor.store.SegmentPacker;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.TimeUnit;

/** What SQLite alone can do here, with every commit flushed to the disk, set up as the service sets it up. */
final class SqliteLimit {

    private static final int SEGMENT_JOBS = 256;
    private static final int SEGMENTS_A_COMMIT = 4;

    private final Path directory;
    private final long millis;

    SqliteLimit(Settings settings) {
        directory = settings.directory();
        millis = settings.millis();
    }

    /** Commits a second, each of one small row. */
    double commitsPerSecond() throws Exception {
        return rate(new byte[80], 1);
    }

    /** Jobs a second, packed in segments of 256, four a commit: the inputs only, no outcomes. */
    double segmentJobsPerSecond() throws Exception {
        SegmentPacker packer = new SegmentPacker();
        for (int index = 0; index < SEGMENT_JOBS; index++) {
            packer.add(new Job(index, "echo", null, 0, null, "12345".getBytes(StandardCharsets.US_ASCII)));
        }
        return SEGMENT_JOBS * rate(packer.take().data(), SEGMENTS_A_COMMIT);
    }

    private double rate(byte[] data, int rowsACommit) throws Exception {
        Path mine = Files.createTempDirectory(directory, "sqlite");
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + mine.resolve("limit.db"))) {
            prepare(connection);
            return insert(connection, data, rowsACommit);
        } finally {
            Files.deleteIfExists(mine.resolve("limit.db"));
            Files.delete(mine);
        }
    }

    private static void prepare(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute("PRAGMA page_size = 16384");
            statement.execute("PRAGMA journal_mode = WAL");
            statement.execute("PRAGMA synchronous = FULL");
            statement.execute("PRAGMA wal_autocheckpoint = 1000");
            statement.execute("CREATE TABLE row (tenant TEXT NOT NULL, batch_no INTEGER NOT NULL,"
                    + " first_index INTEGER NOT NULL, data BLOB NOT NULL,"
                    + " PRIMARY KEY (tenant, batch_no, first_index)) STRICT");
        }
        connection.setAutoCommit(false);
    }

    private double insert(Connection connection, byte[] data, int rowsACommit) throws SQLException {
        long begin = System.nanoTime();
        long deadline = begin + TimeUnit.MILLISECONDS.toNanos(millis);
        int rows = 0;
        try (PreparedStatement insert = connection.prepareStatement("INSERT INTO row VALUES ('default', 1, ?, ?)")) {
            while (System.nanoTime() < deadline) {
                for (int row = 0; row < rowsACommit; row++) {
                    insert.setInt(1, rows++);
                    insert.setBytes(2, data);
                    insert.addBatch();
                }
                insert.executeBatch();
                connection.commit();
            }
        }
        return rows * 1e9 / (System.nanoTime() - begin);
    }
}
