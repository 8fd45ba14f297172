package io.conveyor.ledger;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/**
 * What {@code http} jobs call: notes each call and behaves as its path says, {@code /WHAT/KEY/INDEX/MILLIS}. Thread-safe.
 *
 * <p><b>Threads and state.</b> A thread for each call that is on its way.
 */
final class Target implements AutoCloseable {

    /** Seconds that a call hangs: longer than its job may take. */
    private static final int HANG = 8;

    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final CountDownLatch closed = new CountDownLatch(1);
    private final TargetBook book;
    private final HttpServer server;

    Target(TargetBook book) throws IOException {
        this.book = book;
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 256);
        server.setExecutor(threads);
        server.createContext("/", this::handle);
        server.start();
    }

    String url() {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    private void handle(HttpExchange exchange) throws IOException {
        String[] path = exchange.getRequestURI().getPath().split("/", -1);
        String key = path[2];
        int index = Integer.parseInt(path[3]);
        boolean again = path[1].equals("loop") && path.length > 5;
        TargetBook.Call call = again ? null : book.begin(key, index);
        try (exchange) {
            switch (path[1]) {
                case "hang" -> pause(TimeUnit.SECONDS.toMillis(HANG));
                case "trickle" -> trickle(exchange);
                case "loop" -> {
                    exchange.getResponseHeaders()
                            .add("Location", "/loop/" + key + "/" + index + "/" + path[4] + "/again");
                    exchange.sendResponseHeaders(302, -1);
                }
                case "flaky" -> answer(exchange, book.count(key, index) == 1 ? 503 : 200, key, index);
                default -> {
                    pause(Long.parseLong(path[4]));
                    if (call != null) {
                        call.ended();
                    }
                    answer(exchange, 200, key, index);
                }
            }
        }
    }

    private static void answer(HttpExchange exchange, int status, String key, int index) throws IOException {
        byte[] body = Planner.answer(key, index).getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().add("Content-Type", "application/json");
        exchange.sendResponseHeaders(status, body.length);
        exchange.getResponseBody().write(body);
    }

    private void trickle(HttpExchange exchange) throws IOException {
        exchange.sendResponseHeaders(200, 0);
        for (int sent = 0; sent < HANG * 10; sent++) {
            exchange.getResponseBody().write('.');
            exchange.getResponseBody().flush();
            pause(100);
        }
    }

    private void pause(long millis) {
        try {
            closed.await(millis, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        closed.countDown();
        server.stop(0);
        threads.shutdownNow();
    }
}
