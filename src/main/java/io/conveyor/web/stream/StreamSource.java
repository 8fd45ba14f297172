package io.conveyor.web.stream;

import java.nio.ByteBuffer;

/**
 * What a stream writes, a chunk at a time. Called by one thread at a time, though not always by the same, and never again
 * after {@link #close}. It may read a store, which takes a moment; it must not wait for anything else.
 */
public interface StreamSource {

    /** What follows after the chunk that was filled. */
    enum Next {
        /** More, at once. */
        MORE,
        /** Nothing now: the stream asks again when it is woken, or after {@link #patienceMillis}. */
        LATER,
        /** Nothing any more: the answer is complete. */
        END
    }

    /**
     * The stream begins.
     *
     * @param wake makes the stream ask again after {@link Next#LATER}; returns at once, on any thread
     */
    void begin(Runnable wake);

    /**
     * Puts what comes next into the chunk, as much as fits or less.
     *
     * @throws StreamCutException to end the stream short, in a way that its client notices; any other exception does the
     *     same and is logged
     */
    Next fill(ByteBuffer chunk);

    /** Forgets what it has loaded and keeps its place: the client takes no more now, maybe for hours. */
    void release();

    /**
     * Milliseconds after which it wants to be asked again although nobody woke the stream; 0 for never. Only who is asked now and
     * then hears that the client has gone while there was nothing to write.
     */
    default long patienceMillis() {
        return 0;
    }

    /** The stream is over, complete or not. Called once. */
    void close();
}
