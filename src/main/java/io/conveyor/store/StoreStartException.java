package io.conveyor.store;

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

    String remedy() {
        return remedy;
    }
}
