package io.conveyor.web.stream;

import io.conveyor.web.ContainerResponse;
import jakarta.servlet.AsyncContext;
import jakarta.servlet.AsyncEvent;
import jakarta.servlet.AsyncListener;
import jakarta.servlet.ServletOutputStream;
import jakarta.servlet.WriteListener;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An answer that is being written at the pace of its client. While the client takes nothing, or there is nothing to
 * write, it holds a place in its source and a few kilobytes of the container, and no thread. Thread-safe.
 *
 * <p><b>Threads and state.</b> {@link #step} runs on a thread of the {@link StreamPump}, on one at a time; what calls for
 * a step (the container when the client takes more, whoever wakes the stream, a timer, an error of the connection) only
 * notes it in {@link #turn}:
 *
 * <pre>
 *   IDLE ──signal──► QUEUED ──a pump thread──► RUNNING ──done──► IDLE
 *                                              RUNNING ──signal──► AGAIN ──done──► QUEUED
 *   any ──over──► OVER
 * </pre>
 *
 * The container reports errors on its own threads, under its lock of the connection, and takes the response back when
 * that call returns; if a step finds the connection broken while the container still tells that more may be written,
 * there is no report, only the call before the release. So each touch of the response, none of which blocks, is made
 * under {@link #io}, and both calls wait for that lock: a step in progress never touches a response that already serves
 * another request. Order of locks: the container's, then {@code io}; nothing that takes the container's is called under
 * {@code io}.
 */
public final class ResponseStream {

    private static final Logger log = LoggerFactory.getLogger(ResponseStream.class);

    /** Bytes after which another stream gets its turn, 1 MiB: what was loaded is read again, so not too often. */
    private static final int TURN_BYTES = 1024 * 1024;

    private enum Turn {
        IDLE,
        QUEUED,
        RUNNING,
        AGAIN,
        OVER
    }

    /** What came of a step. */
    private enum Step {
        WAIT,
        YIELD,
        COMPLETE,
        CUT,
        GONE
    }

    private final StreamPump pump;
    private final StreamPump.Opening opening;
    private final AsyncContext context;
    private final ServletOutputStream out;
    private final ContainerResponse response;
    /** Whether nobody reads from the connection: there is no body that arrives meanwhile. */
    private final boolean listens;
    /** Of the answer, as its head says it. */
    private final int status;

    private final AtomicReference<Turn> turn = new AtomicReference<>(Turn.IDLE);
    private final ReentrantLock io = new ReentrantLock();

    // Mutable state
    /** Written under {@code io} by the container's threads; read under it, and elsewhere as a hint. */
    private volatile boolean gone;
    /** Written by any thread that wants the stream to end, read by steps. */
    private volatile boolean stopped;
    /** Written and read by steps: the headers are out. */
    private boolean begun;
    /** Written and read by steps: the source has no more. */
    private boolean drained;
    /** When the last step ended; System.nanoTime. Written by steps, read by whoever wakes the stream. */
    private volatile long lastStep;
    /** Bytes of the next write. Written and read by steps. */
    private int room;
    /** Set and cancelled by steps. */
    private @Nullable ScheduledFuture<?> timer;

    ResponseStream(StreamPump pump, StreamPump.Opening opening, AsyncContext context) throws IOException {
        this.pump = pump;
        this.opening = opening;
        this.context = context;
        this.out = context.getResponse().getOutputStream();
        this.response = ContainerResponse.of(context.getRequest());
        this.listens = !opening.withBody();
        this.status = response.status();
        this.lastStep = System.nanoTime() - TimeUnit.HOURS.toNanos(1);
    }

    void start() {
        opening.source().begin(this::wake);
        Events events = new Events();
        response.beforeRelease(events::leave);
        context.addListener(events);
        out.setWriteListener(events);
    }

    /** There may be something to write, or the end may have come. Returns at once, on any thread. */
    public void wake() {
        if (turn.get() == Turn.IDLE) {
            long since = System.nanoTime() - lastStep;
            long pause = pump.pauseNanos() - since;
            if (pause > 0 && pump.later(this::signal, pause) != null) {
                return;
            }
        }
        signal();
    }

    /** Ends the stream as one that is not complete, unless it is over. Returns at once, on any thread. */
    public void cut() {
        stopped = true;
        signal();
    }

    private void signal() {
        Turn before = turn.getAndUpdate(now -> switch (now) {
            case IDLE -> Turn.QUEUED;
            case RUNNING -> Turn.AGAIN;
            case QUEUED, AGAIN, OVER -> now;
        });
        if (before == Turn.IDLE) {
            pump.run(this::step);
        }
    }

    /** One turn. Its end is published by {@code turn} to the next, on whichever thread. */
    private void step() {
        turn.set(Turn.RUNNING);
        Step came;
        try {
            came = work();
        } catch (StreamCutException e) {
            log.debug("A stream ends short: {}", e.getMessage());
            came = Step.CUT;
        } catch (RuntimeException e) {
            log.warn("A stream failed; its client sees a broken connection", e);
            came = Step.CUT;
        }
        lastStep = System.nanoTime();
        switch (came) {
            case WAIT, YIELD -> rest(came);
            case COMPLETE -> finish(false);
            case CUT -> finish(true);
            case GONE -> over();
        }
    }

    private void rest(Step came) {
        opening.source().release();
        Turn before = turn.getAndUpdate(now -> now == Turn.AGAIN || came == Step.YIELD ? Turn.QUEUED : Turn.IDLE);
        if (before == Turn.AGAIN || came == Step.YIELD) {
            pump.run(this::step);
        }
    }

    /** Writes until the client takes no more, there is no more, or it is another's turn. */
    private Step work() {
        cancelTimer();
        ByteBuffer chunk = pump.chunk();
        int wanted = StreamPump.CHUNK_BYTES;
        for (int written = 0; written < TURN_BYTES || pump.isIdle(); written += chunk.limit()) {
            Step blocked = ready(wanted);
            if (blocked == null && drained && opening.mayEnd().getAsBoolean()) {
                return Step.COMPLETE;
            }
            if (stopped && blocked != Step.GONE) {
                return Step.CUT;
            }
            if (blocked != null || drained) {
                return blocked == null ? Step.WAIT : blocked;
            }
            chunk.clear().limit(room);
            StreamSource.Next next = begun ? opening.source().fill(chunk) : StreamSource.Next.MORE;
            chunk.flip();
            if ((chunk.hasRemaining() || !begun) && !write(chunk)) {
                return Step.GONE;
            }
            // Who has so little to say that it fits an ordinary write needs no larger buffer.
            wanted = begun ? pump.chunkBytes() : StreamPump.CHUNK_BYTES;
            begun = true;
            drained = next == StreamSource.Next.END;
            if (next == StreamSource.Next.LATER) {
                return chunk.limit() == 0 && isClosedByClient() ? Step.CUT : waitForMore();
            }
        }
        return Step.YIELD;
    }

    private Step waitForMore() {
        setTimer();
        // Asked for its side effect: what the client has not taken yet is sent by the container when it does.
        return ready(StreamPump.CHUNK_BYTES) == Step.GONE ? Step.GONE : Step.WAIT;
    }

    /** Who writes nothing learns of no client that has gone, and would wait for the next result for ever. */
    private boolean isClosedByClient() {
        io.lock();
        try {
            return listens && !gone && response.isClosedByClient();
        } finally {
            io.unlock();
        }
    }

    /** Null if the client takes more, and then {@link #room} says how much at once; else what to do instead. */
    private @Nullable Step ready(int wanted) {
        io.lock();
        try {
            if (gone) {
                return Step.GONE;
            }
            if (!out.isReady()) {
                return Step.WAIT;
            }
            room = Math.min(response.room(wanted), StreamPump.LARGE_CHUNK_BYTES);
            return null;
        } finally {
            io.unlock();
        }
    }

    /** Sends the chunk, or the headers if it is empty; false if the client is gone. */
    private boolean write(ByteBuffer chunk) {
        io.lock();
        try {
            if (gone) {
                return false;
            }
            if (chunk.hasRemaining()) {
                response.send(chunk);
            } else {
                out.flush();
            }
            return true;
        } catch (IOException e) {
            log.debug("The client of a stream is gone", e);
            gone = true;
            return false;
        } finally {
            io.unlock();
        }
    }

    private void setTimer() {
        long millis = opening.source().patienceMillis();
        if (millis > 0) {
            timer = pump.later(this::signal, TimeUnit.MILLISECONDS.toNanos(millis));
        }
    }

    private void cancelTimer() {
        if (timer != null) {
            timer.cancel(false);
            timer = null;
        }
    }

    /** Gives the response back. The container may do so at the same time; the first counts. */
    private void finish(boolean cut) {
        boolean mine;
        io.lock();
        try {
            mine = !gone;
            gone = true;
            if (mine && cut) {
                response.cut();
            } else if (mine) {
                response.giveBackRoom();
            }
        } finally {
            io.unlock();
        }
        if (mine) {
            complete();
        }
        over();
    }

    private void complete() {
        try {
            context.complete();
        } catch (IllegalStateException e) {
            log.debug("The container has completed a stream before us", e);
        }
    }

    /** The last thing that happens to the stream; steps and container threads may both come here. */
    private void over() {
        if (turn.getAndSet(Turn.OVER) != Turn.OVER) {
            cancelTimer();
            pump.closed(this, opening);
        }
    }

    /** What the container tells. */
    private final class Events implements WriteListener, AsyncListener {

        @Override
        public void onWritePossible() {
            signal();
        }

        /** Of the connection. The container asks for the completion below next, on the same thread. */
        @Override
        public void onError(Throwable failure) {
            leave();
        }

        @Override
        public void onError(AsyncEvent event) {
            leave();
            complete();
        }

        @Override
        public void onTimeout(AsyncEvent event) {
            leave(); // there is none
            complete();
        }

        @Override
        public void onComplete(AsyncEvent event) {
            response.keepStatus(status);
            leave();
        }

        @Override
        public void onStartAsync(AsyncEvent event) {}

        private void leave() {
            io.lock();
            try {
                gone = true;
            } finally {
                io.unlock();
            }
            signal();
        }
    }
}
