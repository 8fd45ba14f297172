package io.conveyor.batch;

import static org.assertj.core.api.Assertions.assertThat;

import com.atlassian.oai.validator.OpenApiInteractionValidator;
import com.atlassian.oai.validator.model.Request;
import com.atlassian.oai.validator.model.SimpleRequest;
import com.atlassian.oai.validator.model.SimpleResponse;
import com.atlassian.oai.validator.report.ValidationReport;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.springframework.web.util.UriComponentsBuilder;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A client that holds every answer, and every request that the service takes, against the service's own OpenAPI document. */
final class Api {

    private static final JsonMapper JSON = new JsonMapper();

    /** Longest wait for an answer; generous, since machines stall and some answers wait for a minute by themselves. */
    private static final long PATIENCE_SECONDS = Long.getLong("patience", 100);

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
                                .body()
                                // Read as 3.1, the validator overlooks every type; nothing in it is new in 3.1.
                                .replace("\"openapi\":\"3.1.0\"", "\"openapi\":\"3.0.3\""))
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

    Reply delete(String path, String... headers) {
        return send("DELETE", path, null, headers).join();
    }

    /** @param path of the batch */
    Reply cancel(String path) {
        return send("POST", path + "/cancel", null).join();
    }

    Reply post(String body, String... headers) {
        return send("POST", "/v1/batches", body, headers).join();
    }

    Reply put(String id, String body, String... headers) {
        return send("PUT", "/v1/batches/" + id, body, headers).join();
    }

    /** Fails when the whole answer is not there in time. */
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
                .orTimeout(PATIENCE_SECONDS, TimeUnit.SECONDS)
                .thenApply(response -> checked(method, body, response));
    }

    /** The operations that the document lists, as {@code GET /v1/batches/{id}}. */
    Set<String> operations() {
        Set<String> operations = new TreeSet<>();
        get("/v3/api-docs")
                .at("/paths")
                .properties()
                .forEach(path -> path.getValue()
                        .propertyNames()
                        .forEach(method -> operations.add(method.toUpperCase(Locale.ROOT) + " " + path.getKey())));
        return operations;
    }

    /** What the service takes, its document must allow; what it refuses, or only looks at, the document need not know. */
    private void checkRequest(String method, @Nullable String body, HttpResponse<String> response) {
        if (response.statusCode() >= 400
                || !response.uri().getPath().startsWith("/v1")
                || String.valueOf(response.uri().getQuery()).contains("validate_only=true")) {
            return;
        }
        SimpleRequest.Builder sent =
                new SimpleRequest.Builder(method, response.uri().getPath());
        response.request().headers().map().forEach((name, values) -> {
            // An answer without a body has no type that could be unacceptable.
            if (response.statusCode() != 204 || !name.equalsIgnoreCase("Accept")) {
                sent.withHeader(name, values);
            }
        });
        UriComponentsBuilder.fromUri(response.uri())
                .build()
                .getQueryParams()
                .forEach((name, values) -> sent.withQueryParam(name, values));
        if (body != null) {
            sent.withBody(body);
        }
        assertThat(document.validateRequest(sent.build()).getMessages())
                .as("%s %s %s", method, response.uri(), body)
                .isEmpty();
    }

    private Reply checked(String method, @Nullable String body, HttpResponse<String> response) {
        if (!method.equals("HEAD")) {
            checkRequest(method, body, response);
        }
        Reply reply = new Reply(response.statusCode(), response.headers().map(), response.body());
        String type = reply.header("Content-Type");
        SimpleResponse.Builder seen = SimpleResponse.Builder.status(reply.status());
        if (type != null) {
            seen.withContentType(type);
            // The validator reads a body as JSON only; lines are checked as results where they are read.
            seen.withBody(type.contains("ndjson") || type.contains("event-stream") ? "\"\"" : reply.body());
        }
        String path = response.uri().getPath();
        if (!method.equals("HEAD") && !path.equals("/v3/api-docs")) {
            ValidationReport report = document.validateResponse(path, Request.Method.valueOf(method), seen.build());
            assertThat(report.getMessages())
                    .as("%s %s %d %s", method, path, reply.status(), reply.body())
                    .isEmpty();
        }
        return reply;
    }
}
