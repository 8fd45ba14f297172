package io.conveyor.batch;

import java.math.BigInteger;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Makes requests out of the service's own OpenAPI document: most of them as it allows them, values at the edges of what is
 * allowed included, and others with something wrong. One seed gives the same requests. Not thread-safe.
 */
final class DocumentedRequests {

    private static final JsonMapper JSON = new JsonMapper();

    /** A value is taken from here when it is not to be what the document asks for. */
    private static final List<String> JUNK = List.of(
            "",
            " ",
            "0",
            "-1",
            "1e3",
            "007",
            "99999999999999999999",
            "NaN",
            "true",
            "null",
            "nope",
            "[]",
            "{}",
            "{\"a\":",
            "\"",
            "..",
            "../../etc/passwd",
            "a b",
            "é",
            "😀",
            "\u0000",
            "%",
            "%zz",
            "' OR 1=1 --",
            "<b>",
            "x".repeat(300));

    private static final List<String> KINDS =
            List.of("echo", "echo", "sleep", "hash", "gate", "http", "command", "nope");
    private static final List<String> ACCEPTS = List.of(
            "*/*",
            "application/json",
            "application/x-ndjson",
            "text/event-stream",
            "text/html",
            "application/*;q=0.1",
            "nonsense",
            "application/problem+json",
            "application/json, */*;q=0");
    private static final List<String> PREFERENCES = List.of(
            "wait=5", "wait=0", "wait=61", "wait=-1", "wait", "respond-async", "respond-async, wait=2", ";", "x=\"");
    private static final int DEEPEST = 6;

    private final JsonNode document;
    private final SplittableRandom random;
    private final List<String> operations = new ArrayList<>();
    private final List<String> known = new ArrayList<>();
    private int batches;

    /**
     * A request.
     *
     * @param operation as {@code POST /v1/batches}
     * @param fresh whether it names a batch that no request has named before
     * @param headers names and values by turns
     */
    record Made(
            String operation,
            String method,
            String path,
            boolean fresh,
            @Nullable String body,
            String[] headers) {

        @Override
        public String toString() {
            return method + " " + path + " " + List.of(headers) + " " + body;
        }
    }

    DocumentedRequests(JsonNode document, long seed) {
        this.document = document;
        random = new SplittableRandom(seed);
        document.at("/paths")
                .properties()
                .forEach(path -> path.getValue()
                        .propertyNames()
                        .forEach(method -> operations.add(method + " " + path.getKey())));
    }

    List<String> operations() {
        return operations;
    }

    /** A batch was made at this path; further requests are about it, too. */
    void made(String path) {
        known.add(path.replaceAll(".*/|\\?.*", ""));
    }

    Made next() {
        // Half of them make batches, so that there is something for the others to meet.
        String operation = random.nextBoolean() ? oneOf(operations) : "put /v1/batches/{id}";
        int space = operation.indexOf(' ');
        String method = operation.substring(0, space);
        String template = operation.substring(space + 1);
        JsonNode description = document.at("/paths").get(template).get(method);
        String path = template;
        int before = batches;
        StringBuilder query = new StringBuilder();
        List<String> headers = new ArrayList<>();
        for (JsonNode parameter : description.path("parameters")) {
            String name = parameter.get("name").asString();
            switch (parameter.get("in").asString()) {
                case "path" -> path = path.replace("{" + name + "}", escaped(pathValue(method, name, parameter)));
                case "query" -> {
                    if (random.nextInt(7) == 0) {
                        query.append(query.isEmpty() ? "?" : "&").append(name).append('=');
                        query.append(escaped(queryValue(name, parameter)));
                    }
                }
                default -> header(headers, name);
            }
        }
        if (random.nextInt(30) == 0) {
            query.append(query.isEmpty() ? "?" : "&").append("unheard_of=1");
        }
        if (random.nextInt(5) == 0) {
            headers.add("Accept");
            headers.add(oneOf(ACCEPTS));
        }
        String body = description.has("requestBody") ? body(headers) : null;
        return new Made(
                operation,
                method.toUpperCase(Locale.ROOT),
                path + query,
                batches > before,
                body,
                headers.toArray(String[]::new));
    }

    private String pathValue(String method, String name, JsonNode parameter) {
        return switch (name) {
            case "id" ->
                method.equals("put") && random.nextInt(4) > 0
                        ? "fuzz-" + ++batches
                        : random.nextInt(20) == 0 ? junkSegment() : "fuzz-" + random.nextInt(batches + 1);
            case "slug" -> random.nextBoolean() ? "unknown-batch" : junkSegment();
            default -> random.nextInt(8) == 0 ? junkSegment() : plain(value(parameter.get("schema"), 0));
        };
    }

    /** As a part of a path; an empty one, and dots, would make another path of it. */
    private String junkSegment() {
        String junk = oneOf(JUNK);
        return junk.isBlank() || junk.contains("..") || junk.contains("%") || junk.contains("\u0000") ? "-" : junk;
    }

    private String queryValue(String name, JsonNode parameter) {
        if (random.nextInt(5) == 0) {
            return oneOf(JUNK);
        }
        return switch (name) {
            case "then", "callback", "on_error", "metadata" ->
                JSON.writeValueAsString(
                        value(schema("BatchRequest").at("/properties").get(name), 0));
            case "follow", "force" -> "true";
            case "wait" -> String.valueOf(random.nextInt(3));
            case "state", "cursor", "start" ->
                oneOf(List.of(
                        "failed", "running", "succeeded,failed", "ended", "open", "immediately", "complete", "MQ"));
            default -> plain(value(parameter.get("schema"), 0));
        };
    }

    private void header(List<String> headers, String name) {
        if (random.nextInt(4) == 0) {
            headers.add(name);
            headers.add(
                    switch (name) {
                        case "Prefer" -> oneOf(PREFERENCES);
                        case "Idempotency-Key" -> "key-" + random.nextInt(50);
                        case "If-None-Match" -> oneOf(List.of("*", "\"x\"", "W/\"1\"", "nonsense"));
                        default -> String.valueOf(random.nextInt(-1, 5));
                    });
        }
    }

    private @Nullable String body(List<String> headers) {
        String body;
        if (random.nextInt(3) == 0) {
            StringBuilder lines = new StringBuilder();
            // Without a line it is a batch without jobs, which the reader of the document takes for no body at all.
            for (int n = 1 + random.nextInt(5); n > 0; n--) {
                lines.append(value(schema("Job"), 0)).append(random.nextInt(9) == 0 ? "\r\n\n" : "\n");
            }
            body = lines.toString();
            contentType(headers, "application/x-ndjson");
        } else {
            boolean array = random.nextBoolean();
            ArrayNode jobs = JSON.createArrayNode();
            for (int n = random.nextInt(6); n > 0; n--) {
                jobs.add(value(schema("Job"), 0));
            }
            body = array ? jobs.toString() : value(schema("BatchRequest"), 0).toString();
            contentType(headers, "application/json");
        }
        if (random.nextInt(12) == 0) {
            int cut = random.nextInt(body.length() + 1);
            body = body.substring(0, cut) + (random.nextBoolean() ? oneOf(JUNK) + body.substring(cut) : "");
        }
        return body;
    }

    private void contentType(List<String> headers, String right) {
        headers.add("Content-Type");
        headers.add(random.nextInt(10) == 0 ? oneOf(List.of("text/plain", "application/octet-stream", "x")) : right);
        if (random.nextInt(40) == 0) {
            headers.add("Content-Encoding");
            headers.add(oneOf(List.of("gzip", "br", "identity")));
        }
    }

    private JsonNode schema(String name) {
        return document.at("/components/schemas").get(name);
    }

    /** A value for that schema; now and then something else. */
    private JsonNode value(JsonNode schema, int depth) {
        if (depth > DEEPEST || random.nextInt(60) == 0) {
            return junk();
        }
        if (schema.has("$ref")) {
            return value(document.at(schema.get("$ref").asString().substring(1)), depth);
        }
        if (schema.has("oneOf")) {
            return value(
                    schema.get("oneOf").get(random.nextInt(schema.get("oneOf").size())), depth + 1);
        }
        if (schema.has("enum")) {
            return schema.get("enum").get(random.nextInt(schema.get("enum").size()));
        }
        return switch (schema.path("type").asString("any")) {
            case "object" -> object(schema, depth);
            case "array" -> array(schema, depth);
            case "integer" -> number(schema);
            case "boolean" -> JSON.getNodeFactory().booleanNode(random.nextBoolean());
            case "string" -> text(schema);
            default -> random.nextBoolean() ? input() : junk();
        };
    }

    /** What the kinds take, so that some of the jobs run. */
    private JsonNode input() {
        ObjectNode input = JSON.createObjectNode();
        input.put("ms", random.nextInt(5));
        if (random.nextBoolean()) {
            input.removeAll().put("text", oneOf(JUNK)).put("rounds", random.nextInt(4));
        }
        return input;
    }

    private JsonNode object(JsonNode schema, int depth) {
        ObjectNode made = JSON.createObjectNode();
        List<String> needed = new ArrayList<>();
        schema.path("required").forEach(name -> needed.add(name.asString()));
        schema.path("properties").properties().forEach(property -> {
            boolean there = needed.contains(property.getKey()) ? random.nextInt(40) > 0 : random.nextInt(4) == 0;
            if (there) {
                made.set(
                        property.getKey(),
                        property.getKey().equals("kind") && random.nextInt(30) > 0
                                ? JSON.getNodeFactory().stringNode(oneOf(KINDS))
                                : value(property.getValue(), depth + 1));
            }
        });
        if (random.nextInt(60) == 0) {
            made.set(oneOf(JUNK), junk());
        }
        return made;
    }

    private JsonNode array(JsonNode schema, int depth) {
        ArrayNode made = JSON.createArrayNode();
        int least = schema.path("minItems").asInt(0);
        for (int n = least + random.nextInt(4); n > 0; n--) {
            made.add(value(schema.get("items"), depth + 1));
        }
        return made;
    }

    private JsonNode number(JsonNode schema) {
        BigInteger least = BigInteger.valueOf(schema.path("minimum").asLong(0));
        BigInteger most = BigInteger.valueOf(schema.path("maximum").asLong(Integer.MAX_VALUE));
        return JSON.getNodeFactory()
                .numberNode(
                        switch (random.nextInt(12)) {
                            case 0 -> least;
                            case 1 -> most;
                            case 2 -> least.subtract(BigInteger.ONE);
                            case 3 -> most.add(BigInteger.ONE);
                            default ->
                                least.add(BigInteger.valueOf(random.nextInt(100)))
                                        .min(most);
                        });
    }

    private JsonNode text(JsonNode schema) {
        int most = schema.path("maxLength").asInt(300);
        int length = random.nextInt(10) == 0 ? most + random.nextInt(2) : 1 + random.nextInt(Math.min(most, 12));
        return JSON.getNodeFactory().stringNode(random.nextInt(8) == 0 ? oneOf(JUNK) : "n".repeat(length));
    }

    private JsonNode junk() {
        return switch (random.nextInt(7)) {
            case 0 -> JSON.getNodeFactory().nullNode();
            case 1 -> JSON.getNodeFactory().numberNode(random.nextLong());
            case 2 -> JSON.getNodeFactory().numberNode(random.nextDouble());
            case 3 -> JSON.createObjectNode().put("ms", "soon");
            case 4 -> JSON.createArrayNode().add(1);
            case 5 -> JSON.getNodeFactory().booleanNode(true);
            default -> JSON.getNodeFactory().stringNode(oneOf(JUNK));
        };
    }

    private <T> T oneOf(List<T> values) {
        return values.get(random.nextInt(values.size()));
    }

    private static String plain(JsonNode value) {
        return value.isString() ? value.asString() : value.toString();
    }

    private static String escaped(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
    }
}
