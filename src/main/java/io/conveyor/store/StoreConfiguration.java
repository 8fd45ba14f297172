package io.conveyor.store;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.conveyor.job.SteadyClock;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Clock;
import javax.sql.DataSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.annotation.Qualifier;
import org.springframework.boot.jdbc.autoconfigure.DataSourceProperties;
import org.springframework.boot.sql.init.dependency.DependsOnDatabaseInitialization;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Primary;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.sqlite.SQLiteConfig;
import org.sqlite.SQLiteDataSource;

/**
 * Opens the store that {@code spring.datasource.url} names: the file first, then connections that write (also for the
 * migrations), then a few that only read.
 */
@Configuration(proxyBeanMethods = false)
class StoreConfiguration {

    private static final Logger log = LoggerFactory.getLogger(StoreConfiguration.class);

    /** Where the store is when nobody says otherwise. */
    private static final String DEFAULT_URL = "jdbc:sqlite:data/conveyor.db";

    /** Connections that read. Reads are short; more would only queue at the two or so cores. */
    private static final int READERS = 8;

    /** Milliseconds to wait for a reading connection before the request is refused. */
    private static final long READER_WAIT_MILLIS = 5000;

    @Bean
    SqliteFile sqliteFile(DataSourceProperties properties) {
        String url = properties.getUrl() == null ? DEFAULT_URL : properties.getUrl();
        if (!url.startsWith("jdbc:sqlite:")) {
            throw new StoreStartException(
                    "spring.datasource.url is '" + url + "', and this version stores in SQLite only.",
                    "Name a file on a local disk, such as " + DEFAULT_URL);
        }
        return SqliteFile.open(SqliteFile.pathOf(url));
    }

    @Bean
    SqliteDialect sqliteDialect(SqliteFile file) {
        return new SqliteDialect(file);
    }

    /**
     * Opens connections that may write: one for the writer, which keeps it, and now and then one for the migrations or a
     * health check. A pool of one would make a health check wait for the writer for ever.
     */
    @Bean
    @Primary
    DataSource writingDataSource(SqliteFile file, SqliteDialect dialect) {
        SQLiteDataSource source = new SQLiteDataSource(new SQLiteConfig(SqliteDialect.writing()));
        source.setUrl(url(file));
        try (Connection connection = DriverManager.getConnection(url(file))) {
            SqliteDialect.prepare(connection);
        } catch (SQLException e) {
            throw StoreStartException.ofDisk(dialect.name(), e);
        }
        try (Connection connection = source.getConnection()) {
            dialect.verify(connection);
        } catch (SQLException e) {
            throw StoreStartException.ofDisk(dialect.name(), e);
        }
        return source;
    }

    @Bean(defaultCandidate = false)
    @DependsOnDatabaseInitialization
    HikariDataSource readingDataSource(SqliteFile file) {
        HikariConfig config = new HikariConfig();
        config.setPoolName("conveyor-readers");
        config.setJdbcUrl(url(file));
        config.setDataSourceProperties(SqliteDialect.reading());
        config.setReadOnly(true);
        config.setMaximumPoolSize(READERS);
        config.setMinimumIdle(1);
        config.setConnectionTimeout(READER_WAIT_MILLIS);
        return new HikariDataSource(config);
    }

    @Bean(initMethod = "start", destroyMethod = "close")
    @DependsOnDatabaseInitialization
    JdbcBatchStore batchStore(
            DataSource writing,
            @Qualifier("readingDataSource") DataSource reading,
            SqliteFile file,
            SqliteDialect dialect,
            StoreProperties properties,
            Clock clock,
            SteadyClock steady) {
        log.debug("The store is {}; ended batches are kept for {}", file.path(), properties.retention());
        return new JdbcBatchStore(writing, JdbcClient.create(reading), dialect, properties, new Times(clock, steady));
    }

    @Bean
    RunningLog.Opener runningLog(SqliteFile file) {
        return places -> RunningLog.open(file.runningPath(), places);
    }

    @Bean
    Clock clock() {
        return Clock.systemUTC();
    }

    @Bean
    SteadyClock steadyClock(Clock clock) {
        return new SteadyClock(clock, System::nanoTime);
    }

    private static String url(SqliteFile file) {
        return "jdbc:sqlite:" + file.path();
    }
}
