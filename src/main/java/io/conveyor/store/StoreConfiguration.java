package io.conveyor.store;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Clock;
import java.util.Properties;
import javax.sql.DataSource;
import org.springframework.beans.factory.annotation.Qualifier;
import org.springframework.boot.jdbc.autoconfigure.DataSourceProperties;
import org.springframework.boot.sql.init.dependency.DependsOnDatabaseInitialization;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Primary;
import org.springframework.jdbc.core.simple.JdbcClient;

/**
 * Opens the store that {@code spring.datasource.url} names: the file first, then one connection that writes (also for
 * the migrations), then a few that only read.
 */
@Configuration(proxyBeanMethods = false)
class StoreConfiguration {

    /** Connections that read. Reads are short; more would only queue at the two or so cores. */
    private static final int READERS = 8;

    /** Milliseconds to wait for a reading connection before the request is refused. */
    private static final long READER_WAIT_MILLIS = 5000;

    @Bean
    SqliteFile sqliteFile(DataSourceProperties properties) {
        String url = properties.determineUrl();
        if (!url.startsWith("jdbc:sqlite:")) {
            throw new StoreStartException(
                    "spring.datasource.url is '" + url + "', and this version stores in SQLite only.",
                    "Name a file on a local disk, such as jdbc:sqlite:data/conveyor.db");
        }
        return SqliteFile.open(SqliteFile.pathOf(url));
    }

    @Bean
    @Primary
    HikariDataSource writingDataSource(SqliteFile file) throws SQLException {
        try (Connection connection = DriverManager.getConnection(url(file))) {
            SqliteDialect.prepare(connection);
        } catch (SQLException e) {
            throw new StoreStartException(
                    "The store " + file.path() + " cannot be opened: " + e.getMessage(),
                    "Check that it is a SQLite database of this service and that its disk is writable and not full.",
                    e);
        }
        HikariConfig config = pool("conveyor-writer", file, SqliteDialect.writing(), 1);
        config.setConnectionInitSql(SqliteDialect.initSql());
        HikariDataSource source = new HikariDataSource(config);
        try (Connection connection = source.getConnection()) {
            SqliteDialect.verify(connection);
        }
        return source;
    }

    @Bean(defaultCandidate = false)
    @DependsOnDatabaseInitialization
    HikariDataSource readingDataSource(SqliteFile file, @SuppressWarnings("unused") DataSource writingFirst) {
        HikariConfig config = pool("conveyor-readers", file, SqliteDialect.reading(), READERS);
        config.setReadOnly(true);
        config.setConnectionTimeout(READER_WAIT_MILLIS);
        return new HikariDataSource(config);
    }

    @Bean(initMethod = "start", destroyMethod = "close")
    @DependsOnDatabaseInitialization
    JdbcBatchStore batchStore(
            DataSource writing,
            @Qualifier("readingDataSource") DataSource reading,
            SqliteFile file,
            StoreProperties properties,
            Clock clock) {
        return new JdbcBatchStore(
                writing,
                new BatchReader(JdbcClient.create(reading)),
                new SqliteDialect(file),
                properties.retention(),
                clock);
    }

    @Bean
    Clock clock() {
        return Clock.systemUTC();
    }

    private static HikariConfig pool(String name, SqliteFile file, Properties settings, int size) {
        HikariConfig config = new HikariConfig();
        config.setPoolName(name);
        config.setJdbcUrl(url(file));
        config.setMaximumPoolSize(size);
        config.setMinimumIdle(1);
        config.setDataSourceProperties(settings);
        return config;
    }

    private static String url(SqliteFile file) {
        return "jdbc:sqlite:" + file.path();
    }
}
