package io.conveyor.store;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Types;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The writer's connection, one transaction after the other, its statements prepared once each. Values of statements are
 * texts, whole numbers, bytes and null. Writer thread only.
 *
 * <p>The connection is in auto-commit mode and beginning, commit and rollback are plain SQL: with {@code setAutoCommit(false)} the driver
 * begins the next transaction inside {@code commit()}, holds the database's write lock while there is nothing to write,
 * and reports a commit that is on the disk as failed when that beginning fails.
 */
abstract class Transaction implements AutoCloseable {

    private final Connection connection;
    private final Map<String, PreparedStatement> statements = new HashMap<>();

    // Mutable state
    /** Rows that this transaction has changed by {@link #update}. */
    private int changes;

    Transaction(Connection connection) {
        this.connection = connection;
    }

    void begin() throws SQLException {
        changes = 0;
        bind("BEGIN IMMEDIATE").execute();
    }

    final void commit() throws SQLException {
        bind("COMMIT").execute();
    }

    final void rollback() throws SQLException {
        bind("ROLLBACK").execute();
    }

    /** Changes rows; how many. */
    final int update(String sql, @Nullable Object... values) throws SQLException {
        int changed = bind(sql, values).executeUpdate();
        changes += changed;
        return changed;
    }

    /** Whether this transaction has something to write for certain: a commit of nothing says nothing about the disk. */
    final boolean hasChanges() {
        return changes > 0;
    }

    /** The batches that a query lists by tenant and number. */
    final List<BatchRef> refs(String sql, @Nullable Object... values) throws SQLException {
        return list(sql, row -> new BatchRef(row.getString(1), row.getLong(2), ""), values);
    }

    /** Makes something of a row. */
    interface Mapper<T> {
        T map(ResultSet row) throws SQLException;
    }

    /** What is made of the rows of a query, in their order. */
    final <T> List<T> list(String sql, Mapper<T> mapper, @Nullable Object... values) throws SQLException {
        List<T> found = new ArrayList<>();
        try (ResultSet row = bind(sql, values).executeQuery()) {
            while (row.next()) {
                found.add(mapper.map(row));
            }
        }
        return found;
    }

    /** The statement, ready to be executed. */
    final PreparedStatement bind(String sql, @Nullable Object... values) throws SQLException {
        PreparedStatement statement = statements.get(sql);
        if (statement == null) {
            statement = connection.prepareStatement(sql);
            statements.put(sql, statement);
        }
        for (int i = 0; i < values.length; i++) {
            Object value = values[i];
            if (value == null) {
                statement.setNull(i + 1, Types.NULL);
            } else if (value instanceof byte[] bytes) {
                statement.setBytes(i + 1, bytes);
            } else if (value instanceof String text) {
                statement.setString(i + 1, text);
            } else {
                statement.setLong(i + 1, ((Number) value).longValue());
            }
        }
        return statement;
    }

    /** The number that a query answers. */
    final long number(String sql) throws SQLException {
        return list(sql, row -> row.getLong(1)).get(0);
    }

    /** Executes to its end what is neither a change of rows nor a query: a prepared statement would take one step of it. */
    final void execute(String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.executeUpdate(sql);
        }
    }

    /** Outside of a transaction; see there. */
    final boolean emptyLog(SqlDialect dialect) throws SQLException {
        return dialect.emptyLog(connection);
    }

    @Override
    public final void close() throws SQLException {
        connection.close();
    }
}
