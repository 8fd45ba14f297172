package io.conveyor.batch;

import io.conveyor.belt.Belt;
import io.conveyor.store.StoreException;
import io.conveyor.web.stream.StreamCutException;
import io.conveyor.web.stream.StreamSource;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * Results of a batch as a stream of bytes; what stands around them is for its kinds to say. Not thread-safe.
 *
 * <p>Threads and state: one thread at a time asks for bytes. That the batch has moved on is told by the store's writer
 * thread, which only notes it and wakes the stream. In this order: 1. register, 2. look whether there is more, 3. wait;
 * what comes between 1 and 2 is seen twice, and nothing is missed.
 */
abstract class ResultSource implements StreamSource {

    private static final byte[] NOTHING = new byte[0];

    final ResultCursor cursor;
    private final ResultQuery query;
    private final Belt belt;
    /** Whether the line feed is written as well. */
    private final boolean wholeLines;

    // Mutable state
    private Runnable wake = () -> {};
    /** Bytes that stand around results, and how many of them are out. */
    private byte[] text = NOTHING;

    private int textAt;
    /** How much of the line that the cursor is at is out; -1 if the cursor is at none that is to be written. */
    private int lineAt = -1;

    private int lineEnd;
    private int count;
    private boolean over;
    private Belt.@Nullable Registration registration;
    /** Set by the store's writer, cleared by the asking thread before it looks. */
    private volatile boolean moved;

    /**
     * Where the results come from.
     *
     * @param cursor stands before the first
     * @param query what was asked for
     * @param belt tells when there may be more
     */
    record Feed(ResultCursor cursor, ResultQuery query, Belt belt) {}

    ResultSource(Feed feed, boolean wholeLines) {
        this.cursor = feed.cursor();
        this.query = feed.query();
        this.belt = feed.belt();
        this.wholeLines = wholeLines;
    }

    @Override
    public final void begin(Runnable wakeStream) {
        wake = wakeStream;
    }

    @Override
    public final Next fill(ByteBuffer chunk) {
        try {
            return write(chunk);
        } catch (StoreException e) {
            cursor.now(); // a batch that is deleted is no fault of the store
            throw e;
        }
    }

    private Next write(ByteBuffer chunk) {
        while (chunk.hasRemaining()) {
            if (textAt < text.length) {
                int length = Math.min(text.length - textAt, chunk.remaining());
                chunk.put(text, textAt, length);
                textAt += length;
            } else if (lineAt >= 0) {
                lineAt = cursor.copy(lineAt, lineEnd, chunk);
                if (lineAt == lineEnd) {
                    lineAt = -1;
                    say(after());
                }
            } else if (over) {
                return Next.END;
            } else if (!next()) {
                return Next.LATER;
            }
        }
        return Next.MORE;
    }

    /** Makes the next bytes ready, or notes the end; false if there are none now. */
    private boolean next() {
        byte[] aside = aside();
        if (aside.length > 0) {
            say(aside);
            return true;
        }
        boolean wanted = count < query.limit();
        if (wanted && cursor.advance()) {
            count++;
            say(before());
            lineAt = 0;
            lineEnd = cursor.length() - (wholeLines ? 0 : 1);
            return true;
        }
        if (!wanted || !query.follow() || cursor.batch().ended()) {
            say(end(wanted));
            over = true;
            return true;
        }
        return lookAgain();
    }

    /** False if nothing has changed since the last look. */
    private boolean lookAgain() {
        if (registration != null && !moved) {
            byte[] idle = idle();
            say(idle);
            return idle.length > 0;
        }
        boolean stopped = belt.stopped();
        unregister();
        moved = false;
        registration = register(() -> {
            moved = true;
            wake.run();
        });
        if (!cursor.refresh().ended() && stopped) {
            throw new StreamCutException("the service stops before the batch has ended");
        }
        return true;
    }

    private Belt.Registration register(Runnable callback) {
        long batchNo = cursor.batch().ref().batchNo();
        if (query.order() == ResultQuery.Order.COMPLETION) {
            return belt.onProgress(batchNo, callback);
        }
        Belt.Registration outcome = belt.onOutcome(batchNo, cursor.seen() + 1, callback);
        Belt.Registration end = belt.onEnd(batchNo, callback);
        return () -> {
            outcome.close();
            end.close();
        };
    }

    private void unregister() {
        if (registration != null) {
            registration.close();
            registration = null;
        }
    }

    private void say(byte[] bytes) {
        text = bytes;
        textAt = 0;
    }

    /** What comes before any further result, as soon as what was begun is out; mostly nothing. */
    byte[] aside() {
        return NOTHING;
    }

    /** What to say while nothing happens. */
    byte[] idle() {
        return NOTHING;
    }

    /** What stands before the result that the cursor is at. */
    byte[] before() {
        return NOTHING;
    }

    /** What stands after a result. */
    byte[] after() {
        return NOTHING;
    }

    /**
     * What stands after the last result.
     *
     * @param complete whether there is no further result now; false if the limit was reached
     */
    byte[] end(boolean complete) {
        return NOTHING;
    }

    /** Results that were written, the one in progress included. */
    final int count() {
        return count;
    }

    static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    @Override
    public final void release() {
        cursor.release();
    }

    @Override
    public final void close() {
        unregister();
        cursor.release();
    }

    /** One result a line. */
    static final class Lines extends ResultSource {

        /** Between two looks whether the client is still there, while nothing happens: lines have no heartbeat. */
        private static final long LOOK_MILLIS = 15_000;

        Lines(Feed feed) {
            super(feed, true);
        }

        @Override
        public long patienceMillis() {
            return LOOK_MILLIS;
        }
    }

    /** Results in an array, between a beginning and an end that others know. */
    static final class Items extends ResultSource {

        private static final byte[] COMMA = ascii(",");

        private final Tail tail;
        private byte[] head;

        /** The end of the document. */
        interface Tail {
            byte[] of(ResultCursor cursor, boolean complete);
        }

        Items(Feed feed, byte[] head, Tail tail) {
            super(feed, false);
            this.head = head;
            this.tail = tail;
        }

        @Override
        byte[] aside() {
            byte[] first = head;
            head = NOTHING;
            return first;
        }

        @Override
        byte[] before() {
            return count() == 1 ? NOTHING : COMMA;
        }

        @Override
        byte[] end(boolean complete) {
            return tail.of(cursor, complete);
        }
    }
}
