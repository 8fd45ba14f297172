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
    private final Runnable settled;
    private final CompletableFuture<T> result = new CompletableFuture<>();

    // Mutable state: writer thread only
    private @Nullable T value;

    /** @param settled run once, when it has been committed or has failed */
    Request(GroupCommitter.Work<T> work, Consumer<? super T> committed, Runnable settled) {
        this.work = work;
        this.committed = committed;
        this.settled = settled;
    }

    /**
     * Waits, uninterruptibly.
     *
     * @throws StoreException if it failed
     */
    T await() {
        try {
            return result.join();
        } catch (CompletionException e) {
            throw e.getCause() instanceof StoreException known
                    ? new StoreException(known.reason(), String.valueOf(known.getMessage()), known)
                    : new StoreException(StoreException.Reason.UNAVAILABLE, "The store failed", e);
        }
    }

    void apply(WriteSession session) throws SQLException {
        value = work.apply(session);
    }

    @SuppressWarnings("NullAway") // value is what apply() brought, which ran before
    void complete() {
        committed.accept(value);
        if (result.complete(value)) {
            settled.run();
        }
    }

    void fail(StoreException failure) {
        if (result.completeExceptionally(failure)) {
            settled.run();
        }
    }
}
