package io.conveyor.web.stream;

/** A stream cannot go on although it is not complete. It is no fault of ours, so it carries no stack. */
public final class StreamCutException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    public StreamCutException(String reason) {
        super(reason, null, false, false);
    }
}
