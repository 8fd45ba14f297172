package io.conveyor.handler;

/** The service cannot start with the handlers that it finds; says what to do about it. */
public final class HandlerStartException extends IllegalStateException {

    private static final long serialVersionUID = 1L;

    private final String remedy;

    public HandlerStartException(String message, String remedy) {
        super(message);
        this.remedy = remedy;
    }

    public HandlerStartException(String message, String remedy, Throwable cause) {
        super(message, cause);
        this.remedy = remedy;
    }

    public String remedy() {
        return remedy;
    }
}
