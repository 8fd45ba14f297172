package io.conveyor.store;

/** The store could not do what was asked; nothing of it has been kept, unless the reason says that this is not known. */
public final class StoreException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    /** Why, as far as a caller can act on it. */
    public enum Reason {
        /** No room on the disk: try again when there is. */
        FULL,
        /** The disk gives back other bytes than were written. */
        DAMAGED,
        /** The store does not work now, or has been closed. */
        UNAVAILABLE,
        /** The disk failed in the middle of a commit: what it has, the next start finds out. */
        UNKNOWN
    }

    private final Reason reason;

    StoreException(Reason reason, String message, Throwable cause) {
        super(message, cause);
        this.reason = reason;
    }

    StoreException(Reason reason, String message) {
        super(message);
        this.reason = reason;
    }

    public Reason reason() {
        return reason;
    }
}
