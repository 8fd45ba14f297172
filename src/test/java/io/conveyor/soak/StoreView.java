package io.conveyor.soak;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;

/** What the store has on the disk: files by size, pages, rows by table, and how many files there are beside it. */
final class StoreView {

    private final Path directory;
    private final Path database;

    StoreView(Path directory) {
        this.directory = directory;
        database = directory.resolve("data").resolve("conveyor.db");
    }

    void look(Sample sample) throws IOException, SQLException {
        sample.put("bytes database", size(""));
        sample.put("bytes log", size("-wal"));
        sample.put("bytes index of the log", size("-shm"));
        sample.put("bytes what runs", size("-running"));
        sample.put("files data", count(directory.resolve("data")));
        sample.put("files tmp", count(directory.resolve("tmp")));
        Properties readOnly = new Properties();
        readOnly.setProperty("open_mode", "1");
        readOnly.setProperty("busy_timeout", "5000");
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + database, readOnly);
                Statement statement = connection.createStatement()) {
            for (String table : tables(statement)) {
                sample.put("rows " + table, number(statement, "SELECT count(*) FROM " + table));
            }
            sample.put("unfinished batches", number(statement, "SELECT count(*) FROM batch WHERE state <> 'ended'"));
            sample.put(
                    "seconds behind retention",
                    number(statement, "SELECT coalesce(max(0, unixepoch() - min(expires_at) / 1000), 0) FROM batch"));
            double page = number(statement, "PRAGMA page_size");
            double pages = number(statement, "PRAGMA page_count") - number(statement, "PRAGMA freelist_count");
            double keys = number(
                    statement,
                    "SELECT coalesce(sum(pgsize), 0) FROM dbstat WHERE aggregate AND name LIKE '%idempotency_key%'");
            sample.put("bytes in use without keys", pages * page - keys);
        }
    }

    private static List<String> tables(Statement statement) throws SQLException {
        List<String> tables = new ArrayList<>();
        try (ResultSet row = statement.executeQuery(
                "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")) {
            while (row.next()) {
                tables.add(row.getString(1));
            }
        }
        return tables;
    }

    private static double number(Statement statement, String sql) throws SQLException {
        try (ResultSet row = statement.executeQuery(sql)) {
            return row.getDouble(1);
        }
    }

    private double size(String suffix) throws IOException {
        try {
            return (double) Files.size(database.resolveSibling(database.getFileName() + suffix));
        } catch (NoSuchFileException e) {
            return 0;
        }
    }

    /** Files that go while they are counted are passed over. */
    private static double count(Path directory) throws IOException {
        int[] count = {0};
        Files.walkFileTree(directory, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
                count[0]++;
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFileFailed(Path file, IOException e) {
                return FileVisitResult.CONTINUE;
            }
        });
        return count[0];
    }
}
