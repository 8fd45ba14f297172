package io.conveyor.belt;

import static io.conveyor.belt.BeltHarness.PATIENCE_SECONDS;

import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/** Clients that begin at the same moment, each on a thread of its own. */
final class Race implements AutoCloseable {

    private final ExecutorService threads = Executors.newCachedThreadPool();

    /** What one client does. */
    interface Client {
        void run() throws Exception;
    }

    /** Returns when all of them are done; throws what one of them threw. */
    void run(Client... clients) throws Exception {
        CyclicBarrier start = new CyclicBarrier(clients.length);
        List<Future<?>> running = Arrays.stream(clients)
                .map(client -> threads.submit(() -> {
                    start.await();
                    client.run();
                    return null;
                }))
                .collect(Collectors.toList());
        for (Future<?> each : running) {
            each.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
        }
    }

    /** A short time without a sleep, which would be a long one. */
    static void spin(int times) {
        for (int spin = 0; spin < times; spin++) {
            Thread.onSpinWait();
        }
    }

    @Override
    public void close() {
        threads.shutdownNow();
    }
}
