package io.conveyor.monitor;

/** A key below {@code conveyor} that nobody reads; says what to do about it. */
final class UnknownKeyException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final String remedy;

    UnknownKeyException(String message, String remedy) {
        super(message);
        this.remedy = remedy;
    }

    String remedy() {
        return remedy;
    }
}
