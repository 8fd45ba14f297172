package io.conveyor.web;

import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.DisposableBean;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.stereotype.Component;

/**
 * The clients for which threads of the container wait, and who of them gives way. As long as there are threads a client may be as
 * slow as its time-outs let it; when three quarters of them are taken, the one that is furthest behind is hung up on, and
 * the next, until there are enough again. So clients that send or read by drops, however many, cost each other their
 * connections, and nobody else anything. Thread-safe.
 *
 * <p><b>Threads and state.</b> Threads of the container come and go; each that finds too many looks for the slowest. One
 * daemon thread looks as well, because none may come when all of them wait.
 */
@Component
@EnableConfigurationProperties(ClientProperties.class)
public final class SlowClients implements DisposableBean {

    private static final Logger log = LoggerFactory.getLogger(SlowClients.class);

    /** How far behind anybody may be: a round trip. Whoever is hung up on is the one that is furthest behind of all. */
    private static final long PATIENCE = TimeUnit.MILLISECONDS.toNanos(100);

    private static final long PERIOD_MILLIS = 250;

    /** Between two lines of the log, however many are hung up on. */
    private static final long LOG_NANOS = TimeUnit.MINUTES.toNanos(1);

    private final long bytesPerSecond;
    private final Set<PacedChannel> served = ConcurrentHashMap.newKeySet();
    private final AtomicLong hungUp = new AtomicLong();
    private final CountDownLatch closing = new CountDownLatch(1);
    private final Thread thread = new Thread(this::run, "conveyor-slow-clients");

    // Mutable state: written once, when the container starts, under the lock of this
    private volatile int enough = Integer.MAX_VALUE;

    SlowClients(ClientProperties properties) {
        bytesPerSecond = properties.minRate().toBytes();
        thread.setDaemon(true);
    }

    /** A connection of these. */
    PacedChannel channel(ConnectionBuffers buffers) {
        return new PacedChannel(buffers, bytesPerSecond);
    }

    /** Begins to look after a container of so many threads; only the first of several. */
    synchronized void start(int threads) {
        if (thread.getState() == Thread.State.NEW) {
            enough = Math.max(1, threads * 3 / 4);
            thread.start();
        }
    }

    /** A thread begins to work on a request of this connection. */
    void begin(PacedChannel channel) {
        channel.begin();
        served.add(channel);
        if (served.size() > enough) {
            giveWay(false);
        }
    }

    /** The thread goes. */
    void end(PacedChannel channel) {
        served.remove(channel);
        channel.end();
    }

    /**
     * Hangs up on the client that is furthest behind with sending, if any is far enough; its thread, and what that holds, are
     * free in a moment.
     *
     * @return whether there was one
     */
    public boolean senderGivesWay() {
        return giveWay(true);
    }

    private boolean giveWay(boolean sender) {
        long now = System.nanoTime();
        PacedChannel slowest = null;
        long most = PATIENCE;
        for (PacedChannel channel : served) {
            long behind = channel.behind(now);
            if (behind > most && !(sender && channel.isWriting())) {
                most = behind;
                slowest = channel;
            }
        }
        if (slowest == null) {
            return false;
        }
        slowest.hangUp();
        hungUp.incrementAndGet();
        return true;
    }

    private void run() {
        long said = 0;
        long saidAt = System.nanoTime() - LOG_NANOS;
        try {
            while (!closing.await(PERIOD_MILLIS, TimeUnit.MILLISECONDS)) {
                for (int over = served.size() - enough; over > 0 && giveWay(false); over--) {
                    // Until there are enough threads, or nobody is slow.
                }
                long count = hungUp.get();
                if (count > said && System.nanoTime() - saidAt >= LOG_NANOS) {
                    log.warn(
                            "Hung up on {} clients that sent or read too slowly while others were waiting for a thread or a"
                                    + " place among the submissions; no such line follows for {} s",
                            count - said,
                            Duration.ofNanos(LOG_NANOS).toSeconds());
                    said = count;
                    saidAt = System.nanoTime();
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void destroy() {
        closing.countDown();
    }
}
