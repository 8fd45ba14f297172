package io.conveyor.web.stream;

import io.conveyor.web.ApiException;
import jakarta.servlet.AsyncContext;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.SmartLifecycle;
import org.springframework.stereotype.Component;

/**
 * Writes all open streams with a few threads of its own, however many streams there are and however slow their clients.
 * Thread-safe.
 *
 * <p><b>Threads and state.</b> {@code conveyor-stream-N} run the steps of streams one after the other: a step ends when the
 * client takes no more, there is no more, or it has written a megabyte and others wait. Only what these threads work on
 * is loaded. <b>Stop</b>, after the belt and before the web server: 1. refuse new streams; 2. streams that have all they
 * need get {@link #GRACE}; 3. the rest is cut.
 */
@Component
@EnableConfigurationProperties(StreamProperties.class)
public final class StreamPump implements SmartLifecycle {

    private static final Logger log = LoggerFactory.getLogger(StreamPump.class);

    /** Threads: reading the store and copying is what they do, so no more than there are processors on a small machine. */
    private static final int THREADS = 2;

    /** How long a stream that only has to be read gets at the stop. */
    private static final Duration GRACE = Duration.ofSeconds(1);

    /** Shortest time between two steps of a stream that had caught up, 10 ms: lines gather, and few commits wake it. */
    private static final long PAUSE_NANOS = Duration.ofMillis(10).toNanos();

    /** What each open stream adds to that time, 250 µs: all of them together ask the store some 4000 times a second. */
    private static final long PAUSE_NANOS_A_STREAM = Duration.ofNanos(250_000).toNanos();

    private static final long RETRY_SECONDS = 5;

    /** Bytes of an ordinary write: with their framing they fit the ordinary buffer of a connection, 8 KiB. */
    static final int CHUNK_BYTES = 8 * 1024 - 32;

    /** Bytes of a write while few streams are open: three times as fast as eight ordinary ones. */
    static final int LARGE_CHUNK_BYTES = 64 * 1024 - 32;

    /** Streams that may have a large buffer each, outside of the heap: 1 MiB in all. */
    private static final int LARGE_CHUNKS = 16;

    /**
     * How a stream is to be opened.
     *
     * @param format what it is counted as
     * @param source what it writes
     * @param mayEnd asked when the source has no more: whether the answer may be completed; who lets it change from false
     *     to true wakes the stream
     * @param withBody whether the body of the request may still be arriving, and somebody reads it
     */
    public record Opening(String format, StreamSource source, BooleanSupplier mayEnd, boolean withBody) {

        /** A stream that ends with its source, and answers a request whose body, if it has one, has been read. */
        public static Opening of(String format, StreamSource source) {
            return new Opening(format, source, () -> true, false);
        }
    }

    private final int maxOpen;
    private final Set<ResponseStream> open = ConcurrentHashMap.newKeySet();
    private final AtomicInteger openCount = new AtomicInteger();
    private final Map<String, AtomicInteger> byFormat = new ConcurrentHashMap<>();
    private final ThreadLocal<ByteBuffer> chunks =
            ThreadLocal.withInitial(() -> ByteBuffer.allocate(LARGE_CHUNK_BYTES));

    // Mutable state
    /** Written by start, read by all; shut down by stop. */
    private volatile ScheduledThreadPoolExecutor threads = threads();
    /** Written by start and stop, read by all. */
    private volatile boolean running;
    /** Counted down when the last stream is over; set by stop, read by whoever closes a stream. */
    private volatile @Nullable CountDownLatch emptied;

    StreamPump(StreamProperties properties) {
        maxOpen = properties.maxOpen();
    }

    private static ScheduledThreadPoolExecutor threads() {
        AtomicInteger number = new AtomicInteger();
        ScheduledThreadPoolExecutor threads = new ScheduledThreadPoolExecutor(THREADS, task -> {
            Thread thread = new Thread(task, "conveyor-stream-" + number.incrementAndGet());
            thread.setDaemon(true);
            return thread;
        });
        threads.setRemoveOnCancelPolicy(true);
        return threads;
    }

    /**
     * Answers a request with a stream; call on the request's thread, with status and headers set and nothing written. The
     * source is closed whatever happens.
     *
     * @throws ApiException if too many are open, or the service stops
     */
    public ResponseStream open(HttpServletRequest request, Opening opening) throws IOException {
        ResponseStream stream;
        try {
            admit();
            try {
                AsyncContext context = request.startAsync();
                context.setTimeout(0);
                stream = new ResponseStream(this, opening, context);
            } catch (IOException | RuntimeException e) {
                openCount.decrementAndGet();
                throw e;
            }
        } catch (IOException | RuntimeException e) {
            opening.source().close();
            throw e;
        }
        count(opening.format()).incrementAndGet();
        open.add(stream);
        try {
            stream.start();
        } catch (RuntimeException e) {
            closed(stream, opening);
            throw e;
        }
        return stream;
    }

    private void admit() {
        if (!running) {
            throw ApiException.draining(RETRY_SECONDS);
        }
        if (openCount.incrementAndGet() > maxOpen) {
            openCount.decrementAndGet();
            throw ApiException.overloaded(
                    maxOpen + " streams are open, and no more are taken; try again when others have ended.",
                    RETRY_SECONDS);
        }
    }

    /** Streams of that format that are open. */
    public int open(String format) {
        return count(format).get();
    }

    /** Streams from which on no more are opened. */
    public int maxOpen() {
        return maxOpen;
    }

    private AtomicInteger count(String format) {
        return byFormat.computeIfAbsent(format, f -> new AtomicInteger());
    }

    void closed(ResponseStream stream, Opening opening) {
        if (!open.remove(stream)) {
            return;
        }
        try {
            opening.source().close();
        } catch (RuntimeException e) {
            log.warn("A stream is over, but not everything of it could be put away", e);
        }
        count(opening.format()).decrementAndGet();
        openCount.decrementAndGet();
        CountDownLatch latch = emptied;
        if (latch != null && open.isEmpty()) {
            latch.countDown();
        }
    }

    void run(Runnable step) {
        try {
            threads.execute(step);
        } catch (RejectedExecutionException e) {
            log.debug("A stream is left to the web server, which closes its connection", e);
        }
    }

    @Nullable
    ScheduledFuture<?> later(Runnable signal, long nanos) {
        try {
            return threads.schedule(signal, nanos, TimeUnit.NANOSECONDS);
        } catch (RejectedExecutionException e) {
            return null;
        }
    }

    /** Whether nobody else wants a turn. */
    boolean isIdle() {
        return threads.getQueue().isEmpty();
    }

    /** The chunk of the thread that asks. */
    ByteBuffer chunk() {
        return chunks.get();
    }

    /**
     * Bytes to write at once. A stream gets a large buffer only while all that are open may have one, and gives it back
     * with its end: so there are never more of them than that.
     */
    int chunkBytes() {
        return openCount.get() <= LARGE_CHUNKS ? LARGE_CHUNK_BYTES : CHUNK_BYTES;
    }

    /** Nanoseconds that lie between two steps of a stream that has caught up. */
    long pauseNanos() {
        return Math.max(PAUSE_NANOS, openCount.get() * PAUSE_NANOS_A_STREAM);
    }

    @Override
    public void start() {
        if (threads.isShutdown()) {
            threads = threads(); // a context that was paused goes on
        }
        emptied = null;
        running = true;
    }

    @Override
    public void stop() {
        running = false;
        CountDownLatch latch = new CountDownLatch(1);
        emptied = latch;
        if (!open.isEmpty()) {
            await(latch);
            open.forEach(ResponseStream::cut);
            await(latch);
        }
        threads.shutdown();
    }

    private static void await(CountDownLatch latch) {
        try {
            if (!latch.await(GRACE.toMillis(), TimeUnit.MILLISECONDS)) {
                log.debug("Some streams are still open");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public boolean isRunning() {
        return running;
    }

    /** Stopped right after the belt, whose end is the end of most streams, and before the web server. */
    @Override
    public int getPhase() {
        return Integer.MAX_VALUE - 1;
    }
}
