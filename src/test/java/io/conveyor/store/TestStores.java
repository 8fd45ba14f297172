package io.conveyor.store;

import java.io.IOException;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import org.flywaydb.core.Flyway;
import org.springframework.boot.jdbc.autoconfigure.DataSourceProperties;
import org.springframework.jdbc.core.simple.JdbcClient;

/** Opens real stores on real files, for tests of other packages. */
public final class TestStores {

    private TestStores() {}

    /** A store with its file; closing it gives up both. */
    public record OpenStore(BatchStore store, Runnable closing) implements AutoCloseable {
        @Override
        public void close() {
            closing.run();
        }
    }

    /** Opens the store of that file as the service does, migrations included. */
    public static OpenStore open(Path file) throws SQLException {
        StoreConfiguration configuration = new StoreConfiguration();
        DataSourceProperties properties = new DataSourceProperties();
        properties.setUrl("jdbc:sqlite:" + file);
        SqliteFile sqliteFile = configuration.sqliteFile(properties);
        var writing = configuration.writingDataSource(sqliteFile);
        Flyway.configure()
                .dataSource(writing)
                .locations("classpath:db/migration/sqlite")
                .load()
                .migrate();
        var reading = configuration.readingDataSource(sqliteFile, writing);
        JdbcBatchStore store = new JdbcBatchStore(
                writing,
                new BatchReader(JdbcClient.create(reading)),
                new SqliteDialect(sqliteFile),
                Duration.ofDays(7),
                Clock.systemUTC());
        store.start();
        return new OpenStore(store, () -> {
            store.close();
            reading.close();
            writing.close();
            try {
                sqliteFile.close();
            } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
            }
        });
    }
}
