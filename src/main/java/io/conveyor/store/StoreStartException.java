package io.conveyor.store;

import java.sql.SQLException;

/** The store cannot be opened as it is configured; says what to do about it. */
final class StoreStartException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final String remedy;

    StoreStartException(String message, String remedy) {
        super(message);
        this.remedy = remedy;
    }

    StoreStartException(String message, String remedy, Throwable cause) {
        super(message, cause);
        this.remedy = remedy;
    }

    /** The disk of the store did not let it be opened. */
    static StoreStartException ofDisk(String store, SQLException failure) {
        if (SqliteDialect.isFull(failure)) {
            return new StoreStartException(
                    "There is no room on the disk of " + store + " to open it.",
                    "Make room on its disk, or enlarge it, and start again: what was accepted is there, and goes on.",
                    failure);
        }
        return new StoreStartException(
                store + " cannot be opened: " + failure.getMessage(),
                "Check that it is a SQLite database of this service, and that its disk can be written and is in order"
                        + " (the system's log tells); then start again.",
                failure);
    }

    String remedy() {
        return remedy;
    }
}
