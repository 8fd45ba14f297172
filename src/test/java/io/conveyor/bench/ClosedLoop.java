package io.conveyor.bench;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/** The same request over and over on some connections, each of which sends the next one when the answer is there. */
final class ClosedLoop {

    private ClosedLoop() {}

    /**
     * What came of it.
     *
     * @param perSecond answers a second over all connections
     * @param latencies of all requests in nanoseconds, sorted
     */
    record Result(double perSecond, long[] latencies) {

        double millis(double share) {
            return Figures.percentile(latencies, share) / 1e6;
        }
    }

    /** @param status which every answer must have */
    static Result run(int port, byte[] request, int status, int connections, long millis) throws Exception {
        long begin = System.nanoTime();
        long deadline = begin + TimeUnit.MILLISECONDS.toNanos(millis);
        List<long[]> latencies = onEach(connections, number -> connection(port, request, status, deadline));
        long[] all = Figures.sorted(latencies);
        return new Result(all.length * 1e9 / (System.nanoTime() - begin), all);
    }

    /** Runs unmeasured, until so many requests have been answered as it takes, or for four times the usual time. */
    static void warmUp(int port, byte[] request, int status, Settings settings) throws Exception {
        long answered = 0;
        for (int slice = 0; slice < 8 && answered < settings.warmUpRequests(); slice++) {
            answered +=
                    run(port, request, status, 16, settings.warmUpMillis() / 2).latencies().length;
        }
    }

    private static long[] connection(int port, byte[] request, int status, long deadline) throws Exception {
        long[] latencies = new long[1024];
        int count = 0;
        try (HttpConnection connection = new HttpConnection(port)) {
            long before = System.nanoTime();
            while (before < deadline) {
                int answered = connection.exchange(request);
                if (answered != status) {
                    throw new IllegalStateException("The answer is " + answered + ": " + connection.body());
                }
                long after = System.nanoTime();
                if (count == latencies.length) {
                    latencies = Arrays.copyOf(latencies, 2 * count);
                }
                latencies[count++] = after - before;
                before = after;
            }
        }
        return Arrays.copyOf(latencies, count);
    }

    /** Work of one of several threads. */
    interface Part<T> {
        T run(int number) throws Exception;
    }

    /** Runs the work on so many threads at once and waits for all. */
    static <T> List<T> onEach(int threads, Part<T> part) throws Exception {
        ExecutorService executor = Executors.newFixedThreadPool(threads);
        try {
            List<Callable<T>> parts = new ArrayList<>();
            for (int number = 0; number < threads; number++) {
                int mine = number;
                parts.add(() -> part.run(mine));
            }
            List<T> results = new ArrayList<>();
            for (Future<T> future : executor.invokeAll(parts)) {
                results.add(future.get());
            }
            return results;
        } finally {
            executor.shutdownNow();
        }
    }
}
