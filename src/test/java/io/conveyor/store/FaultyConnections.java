package io.conveyor.store;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.concurrent.atomic.AtomicInteger;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.datasource.DelegatingDataSource;

/** Real connections on which chosen statements fail, before the database has seen them. */
final class FaultyConnections {

    /** Decides about each statement; what it throws is what the statement throws. */
    interface Fault {
        void check(String sql) throws SQLException;
    }

    volatile Fault fault = sql -> {};
    final AtomicInteger opened = new AtomicInteger();

    DataSource wrap(DataSource source) {
        return new DelegatingDataSource(source) {
            @Override
            public Connection getConnection() throws SQLException {
                fault.check("OPEN");
                opened.incrementAndGet();
                return faulty(super.getConnection());
            }
        };
    }

    private Connection faulty(Connection real) {
        return proxy(Connection.class, real, (method, args, result) -> {
            if (method.equals("prepareStatement") && result instanceof PreparedStatement statement) {
                String sql = String.valueOf(args[0]);
                return proxy(PreparedStatement.class, statement, (called, more, value) -> value, called -> {
                    if (called.startsWith("execute")) {
                        fault.check(sql);
                    }
                });
            }
            return result;
        });
    }

    private interface After {
        @Nullable
        Object apply(String method, Object[] args, @Nullable Object result);
    }

    private interface Before {
        void check(String method) throws SQLException;
    }

    private static <T> T proxy(Class<T> type, T real, After after) {
        return proxy(type, real, after, method -> {});
    }

    private static <T> T proxy(Class<T> type, T real, After after, Before before) {
        return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, (proxy, method, args) -> {
            before.check(method.getName());
            try {
                return after.apply(method.getName(), args == null ? new Object[0] : args, method.invoke(real, args));
            } catch (InvocationTargetException e) {
                throw e.getCause() == null ? e : e.getCause();
            }
        }));
    }
}
