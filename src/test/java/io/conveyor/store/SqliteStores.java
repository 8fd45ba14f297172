package io.conveyor.store;

import com.zaxxer.hikari.HikariDataSource;
import io.conveyor.job.SteadyClock;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.function.LongSupplier;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.flywaydb.core.Flyway;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.util.unit.DataSize;

/** A store on a real file, put together by the parts of the real configuration. */
final class SqliteStores implements AutoCloseable {

    static final Duration RETENTION = Duration.ofHours(12);

    private static final String MIGRATIONS = "classpath:db/migration/sqlite";
    private static final StoreProperties PROPERTIES = new StoreProperties(RETENTION, DataSize.ofMegabytes(1));

    final SqliteFile file;
    final SqliteDialect dialect;
    final DataSource writing;
    final HikariDataSource reading;
    final JdbcBatchStore store;

    private SqliteStores(Path path, SqliteDialect.Sizes sizes, Times times, UnaryOperator<DataSource> wrapped) {
        StoreConfiguration configuration = new StoreConfiguration();
        file = SqliteFile.open(path);
        dialect = new SqliteDialect(file, sizes);
        writing = wrapped.apply(configuration.writingDataSource(file, dialect));
        Flyway.configure().dataSource(writing).locations(MIGRATIONS).load().migrate();
        reading = configuration.readingDataSource(file);
        store = new JdbcBatchStore(writing, JdbcClient.create(reading), dialect, PROPERTIES, times);
    }

    /** A file as a service left it whose newest migration was that one. */
    static Path ofLayout(String version) {
        Path path = fresh("sqlite-older");
        Flyway.configure()
                .dataSource("jdbc:sqlite:" + path, null, null)
                .locations(MIGRATIONS)
                .target(version)
                .load()
                .migrate();
        return path;
    }

    static SqliteStores open(Path path, Clock clock) {
        return open(path, clock, source -> source);
    }

    /** Opens and starts a store whose writing connections are wrapped. */
    static SqliteStores open(Path path, Clock clock, UnaryOperator<DataSource> wrapped) {
        return open(path, clock, SqliteDialect.Sizes.ORDINARY, wrapped);
    }

    /** The same, with files that are tidied up at other sizes. */
    static SqliteStores open(Path path, Clock clock, SqliteDialect.Sizes sizes, UnaryOperator<DataSource> wrapped) {
        return open(path, sizes, new Times(clock, new SteadyClock(clock, System::nanoTime)), wrapped);
    }

    /** Opens and starts a store whose steady clock the test moves as well. */
    static SqliteStores open(Path path, Clock clock, LongSupplier nanos) {
        return open(
                path, SqliteDialect.Sizes.ORDINARY, new Times(clock, new SteadyClock(clock, nanos)), source -> source);
    }

    private static SqliteStores open(
            Path path, SqliteDialect.Sizes sizes, Times times, UnaryOperator<DataSource> wrapped) {
        SqliteStores opened = new SqliteStores(path, sizes, times, wrapped);
        opened.store.start();
        return opened;
    }

    /** A place for a database that is not there yet. */
    static Path fresh(String name) {
        Path directory = Path.of("target", "stores", name);
        try {
            if (Files.exists(directory)) {
                try (Stream<Path> files = Files.walk(directory)) {
                    for (Path old : files.sorted((a, b) -> b.compareTo(a)).toList()) {
                        Files.delete(old);
                    }
                }
            }
            Files.createDirectories(directory);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return directory.resolve("conveyor.db");
    }

    /** What a crash at this moment would leave: the database and its log, copied while the store is alive. */
    static Path crashCopy(Path path, String name) {
        Path copy = fresh(name);
        try {
            for (String suffix : List.of("", "-wal")) {
                Path from = path.resolveSibling(path.getFileName() + suffix);
                if (Files.exists(from)) {
                    Files.copy(
                            from,
                            copy.resolveSibling(copy.getFileName() + suffix),
                            StandardCopyOption.REPLACE_EXISTING);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return copy;
    }

    long count(String table) {
        try (Connection connection = reading.getConnection();
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT count(*) FROM " + table)) {
            row.next();
            return row.getLong(1);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() {
        store.close();
        reading.close();
        try {
            file.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
