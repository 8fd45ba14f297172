package io.conveyor.batch;

import static org.assertj.core.api.Assertions.assertThat;

import com.atlassian.oai.validator.OpenApiInteractionValidator;
import com.atlassian.oai.validator.model.Request;
import com.atlassian.oai.validator.model.SimpleResponse;
import com.atlassian.oai.validator.report.ValidationReport;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A client that holds every answer against the service's own OpenAPI document. */
final class Api {

    private static final JsonMapper JSON = new JsonMapper();

    private final HttpClient http = HttpClient.newHttpClient();
    private final String base;
    private final OpenApiInteractionValidator document;

    /** Documents by port: reading one takes a second. */
    private static final Map<Integer, OpenApiInteractionValidator> DOCUMENTS = new ConcurrentHashMap<>();

    Api(int port) {
        base = "http://127.0.0.1:" + port;
        document = DOCUMENTS.computeIfAbsent(
                port,
                p -> OpenApiInteractionValidator.createForInlineApiSpecification(http.sendAsync(
                                        HttpRequest.newBuilder(URI.create(base + "/v3/api-docs"))
                                                .build(),
                                        HttpResponse.BodyHandlers.ofString())
                                .join()
                                .body())
                        .build());
    }

    /** An answer, read to its end. */
    record Reply(int status, Map<String, List<String>> headers, String body) {

        JsonNode json() {
            return JSON.readTree(body);
        }

        JsonNode at(String pointer) {
            return json().at(pointer);
        }

        @Nullable
        String header(String name) {
            return headers.entrySet().stream()
                    .filter(entry -> entry.getKey().equalsIgnoreCase(name))
                    .map(entry -> entry.getValue().get(0))
                    .findFirst()
                    .orElse(null);
        }

        /** The last part of the problem's type. */
        String problem() {
            return at("/type").asString().replace("/problems/", "");
        }
    }

    Reply get(String path, String... headers) {
        return send("GET", path, null, headers).join();
    }

    Reply delete(String path) {
        return send("DELETE", path, null).join();
    }

    Reply post(String body, String... headers) {
        return send("POST", "/v1/batches", body, headers).join();
    }

    Reply put(String id, String body, String... headers) {
        return send("PUT", "/v1/batches/" + id, body, headers).join();
    }

    CompletableFuture<Reply> send(String method, String path, @Nullable String body, String... headers) {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(base + path))
                .method(
                        method,
                        body == null ? HttpRequest.BodyPublishers.noBody() : HttpRequest.BodyPublishers.ofString(body));
        if (headers.length > 0) {
            request.headers(headers);
        }
        if (body != null && !String.join(" ", headers).contains("Content-Type")) {
            request.header("Content-Type", "application/json");
        }
        return http.sendAsync(request.build(), HttpResponse.BodyHandlers.ofString())
                .thenApply(response -> checked(method, response));
    }

    private Reply checked(String method, HttpResponse<String> response) {
        Reply reply = new Reply(response.statusCode(), response.headers().map(), response.body());
        String type = reply.header("Content-Type");
        SimpleResponse.Builder seen = SimpleResponse.Builder.status(reply.status());
        if (type != null) {
            seen.withContentType(type);
            // The validator reads a body as JSON only; lines are checked as results where they are read.
            seen.withBody(type.contains("ndjson") ? "\"\"" : reply.body());
        }
        String path = response.uri().getPath();
        if (!method.equals("HEAD")) {
            ValidationReport report = document.validateResponse(path, Request.Method.valueOf(method), seen.build());
            assertThat(report.getMessages())
                    .as("%s %s %d %s", method, path, reply.status(), reply.body())
                    .isEmpty();
        }
        return reply;
    }
}
