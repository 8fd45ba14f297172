package io.conveyor.store;

import java.sql.SQLException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Work on its way through the writer; its value is told only when the commit has made it true. One thread waits, the
 * writer thread does the rest.
 */
final class Request<T> {

    private final GroupCommitter.Work<T> work;
    private final Consumer<? super T> committed;
    private final CompletableFuture<T> result = new CompletableFuture<>();

    // Mutable state: writer thread only
    private @Nullable T value;

    Request(GroupCommitter.Work<T> work, Consumer<? super T> committed) {
        this.work = work;
        this.committed = committed;
    }

    /**
     * Waits, uninterruptibly.
     *
     * @throws CompletionException if it failed
     */
    T await() {
        return result.join();
    }

    void apply(WriteSession session) throws SQLException {
        value = work.apply(session);
    }

    @SuppressWarnings("NullAway") // value is what apply() brought, which ran before
    void complete() {
        committed.accept(value);
        result.complete(value);
    }

    void fail(StoreException failure) {
        result.completeExceptionally(failure);
    }
}
