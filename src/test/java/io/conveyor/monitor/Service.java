package io.conveyor.monitor;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The service of a test, as a client sees it.
 *
 * @param port where it listens on the loopback address
 */
record Service(int port) {

    private static final HttpClient CLIENT = HttpClient.newHttpClient();

    HttpResponse<String> get(String path) {
        return send(HttpRequest.newBuilder(uri(path)).build());
    }

    JsonNode json(String path) {
        return JsonMapper.shared().readTree(get(path).body());
    }

    Scrape scrape() {
        return Scrape.parse(get("/actuator/prometheus").body());
    }

    HttpResponse<String> submit(String batch, @Nullable String prefer) {
        return send(submission(batch, prefer));
    }

    CompletableFuture<HttpResponse<String>> submitLater(String batch) {
        return CLIENT.sendAsync(submission(batch, null), BodyHandlers.ofString());
    }

    private HttpRequest submission(String batch, @Nullable String prefer) {
        HttpRequest.Builder request = HttpRequest.newBuilder(uri("/v1/batches"))
                .header("Content-Type", "application/json")
                .POST(BodyPublishers.ofString(batch));
        if (prefer != null) {
            request.header("Prefer", prefer);
        }
        return request.build();
    }

    private static HttpResponse<String> send(HttpRequest request) {
        try {
            return CLIENT.send(request, BodyHandlers.ofString());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    private URI uri(String path) {
        return URI.create("http://127.0.0.1:" + port + path);
    }
}
