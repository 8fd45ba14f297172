package io.conveyor.ledger;

import io.conveyor.ledger.Books.Probe;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.IntSupplier;

/**
 * Asks every 250 ms whether the service lives and whether it is ready, on a new connection each time, as an orchestrator
 * does. Thread-safe.
 *
 * <p><b>Threads and state.</b> Two threads ask; a third only looks at the clock every {@value #TICK} ms, to know how late
 * the machine serves anybody: a probe is not slow for that.
 */
final class Prober implements AutoCloseable {

    private static final int EVERY = 250;
    private static final int TICK = 20;

    /** Milliseconds; longer than the promise by what the machine may be late. */
    private static final int TIMEOUT = 5000;

    private final ScheduledExecutorService threads = Executors.newScheduledThreadPool(3);
    private final List<Future<?>> tasks = new ArrayList<>();
    private final Queue<Probe> probes = new ConcurrentLinkedQueue<>();
    /** Microseconds that the clock's thread was late, all in all. */
    private final AtomicLong late = new AtomicLong();

    private final IntSupplier port;

    // Mutable state
    /** When the clock's thread looked last; it alone reads and writes. */
    private long looked;

    /** @param port where to ask; 0 for not now */
    Prober(IntSupplier port) {
        this.port = port;
    }

    void start() {
        looked = Moment.now();
        tasks.add(threads.scheduleWithFixedDelay(this::look, TICK, TICK, TimeUnit.MILLISECONDS));
        for (String path : List.of("/livez", "/readyz")) {
            tasks.add(threads.scheduleAtFixedRate(() -> probe(path), EVERY, EVERY, TimeUnit.MILLISECONDS));
        }
    }

    private void look() {
        long now = Moment.now();
        late.addAndGet(Math.max(0, now - looked - TimeUnit.MILLISECONDS.toMicros(2 * TICK)));
        looked = now;
    }

    private void probe(String path) {
        int to = port.getAsInt();
        if (to == 0) {
            return;
        }
        long lateBefore = late.get();
        long sentAt = Moment.now();
        int status = ask(to, path);
        probes.add(new Probe(path, sentAt, Moment.now(), status, late.get() - lateBefore));
    }

    private static int ask(int port, String path) {
        try (Socket socket = new Socket()) {
            socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), TIMEOUT);
            socket.setSoTimeout(TIMEOUT);
            String request = "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
            socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
            InputStream in = socket.getInputStream();
            String head = new String(in.readNBytes(12), StandardCharsets.US_ASCII);
            return head.length() < 12 ? 0 : Integer.parseInt(head.substring(9));
        } catch (SocketTimeoutException e) {
            return -1;
        } catch (IOException e) {
            return 0;
        }
    }

    List<Probe> probes() {
        return new ArrayList<>(probes);
    }

    @Override
    public void close() {
        tasks.forEach(task -> task.cancel(true));
        threads.shutdownNow();
    }
}
