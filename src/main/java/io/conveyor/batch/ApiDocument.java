package io.conveyor.batch;

import static org.springframework.http.MediaType.APPLICATION_JSON_VALUE;
import static org.springframework.http.MediaType.APPLICATION_NDJSON_VALUE;
import static org.springframework.http.MediaType.APPLICATION_OCTET_STREAM_VALUE;
import static org.springframework.http.MediaType.APPLICATION_PROBLEM_JSON_VALUE;
import static org.springframework.http.MediaType.TEXT_EVENT_STREAM_VALUE;

import io.conveyor.web.BodyType;
import io.swagger.v3.core.converter.AnnotatedType;
import io.swagger.v3.core.converter.ModelConverters;
import io.swagger.v3.oas.models.Components;
import io.swagger.v3.oas.models.OpenAPI;
import io.swagger.v3.oas.models.Operation;
import io.swagger.v3.oas.models.PathItem;
import io.swagger.v3.oas.models.headers.Header;
import io.swagger.v3.oas.models.info.Info;
import io.swagger.v3.oas.models.media.ArraySchema;
import io.swagger.v3.oas.models.media.BooleanSchema;
import io.swagger.v3.oas.models.media.Content;
import io.swagger.v3.oas.models.media.IntegerSchema;
import io.swagger.v3.oas.models.media.JsonSchema;
import io.swagger.v3.oas.models.media.MediaType;
import io.swagger.v3.oas.models.media.Schema;
import io.swagger.v3.oas.models.media.StringSchema;
import io.swagger.v3.oas.models.parameters.Parameter;
import io.swagger.v3.oas.models.parameters.RequestBody;
import io.swagger.v3.oas.models.responses.ApiResponse;
import io.swagger.v3.oas.models.responses.ApiResponses;
import java.math.BigDecimal;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.springdoc.core.customizers.OpenApiCustomizer;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.info.BuildProperties;
import org.springframework.stereotype.Component;

/**
 * Completes the OpenAPI document for what no signature tells: bodies that are streams, answers that are bytes, headers,
 * and the problems of each operation. Kept apart so that the controllers stay readable. Keeps nothing.
 */
@Component
final class ApiDocument implements OpenApiCustomizer {

    private static final String BATCH = BatchController.PATH + "/{id}";
    private static final String ANSWERS_AT_ONCE = "Answers at once without it.";
    private static final String JOBS_EXAMPLE = "[{\"kind\": \"hash\", \"input\": {\"text\": \"hello\"}}]";

    private final ObjectProvider<BuildProperties> build;

    ApiDocument(ObjectProvider<BuildProperties> build) {
        this.build = build;
    }

    @Override
    public void customise(OpenAPI api) {
        BuildProperties properties = build.getIfAvailable();
        api.info(new Info()
                .title("Conveyor")
                .description("Batches of jobs in, results out, in order. Errors are application/problem+json.")
                .version(properties == null ? "unknown" : properties.getVersion()));
        addSchemas(api);
        submit(operation(api, BatchController.PATH, PathItem.HttpMethod.POST));
        put(operation(api, BATCH, PathItem.HttpMethod.PUT));
        batch(operation(api, BATCH, PathItem.HttpMethod.GET));
        delete(operation(api, BATCH, PathItem.HttpMethod.DELETE));
        list(operation(api, BatchController.PATH, PathItem.HttpMethod.GET));
        results(operation(api, BATCH + "/results", PathItem.HttpMethod.GET));
        events(operation(api, BATCH + "/events", PathItem.HttpMethod.GET));
        result(operation(api, BATCH + "/results/{index}", PathItem.HttpMethod.GET));
        describe(operation(api, "/v1", PathItem.HttpMethod.GET), "service", "Service", "Links and limits in force")
                .setResponses(answers(ok("Service"), Map.of()));
        describe(operation(api, "/v1/job-kinds", PathItem.HttpMethod.GET), "listJobKinds", "Service", "Kinds of jobs")
                .setResponses(answers(ok("JobKinds"), Map.of()));
    }

    private static void addSchemas(OpenAPI api) {
        if (api.getComponents() == null) {
            api.setComponents(new Components());
        }
        for (Class<?> type : ApiSchemas.all()) {
            ModelConverters.getInstance(true).readAll(new AnnotatedType(type)).forEach(api.getComponents()::addSchemas);
        }
        ApiSchemas.anyJson()
                .forEach((schema, fields) -> fields.forEach((field, description) ->
                        schema(api, schema).addProperty(field, new Schema<>().description(description))));
        ApiSchemas.open().forEach(schema -> schema(api, schema).setAdditionalProperties(true));
        api.getComponents().addSchemas("BatchWithResults", batchWithResults(schema(api, "Batch")));
    }

    /** Not by {@code allOf}: two closed objects never fit one value. */
    private static Schema<?> batchWithResults(Schema<?> batch) {
        Schema<?> schema = new JsonSchema().description("A batch; with its results if it ended in the preferred wait");
        schema.setTypes(batch.getTypes());
        schema.setType(batch.getType());
        batch.getProperties().forEach(schema::addProperty);
        schema.addProperty("results", new ArraySchema().items(ref("Result")).description("In input order"));
        batch.getRequired().forEach(schema::addRequiredItem);
        return schema;
    }

    private static Schema<?> schema(OpenAPI api, String name) {
        return Objects.requireNonNull(api.getComponents().getSchemas().get(name), name);
    }

    private static Operation operation(OpenAPI api, String path, PathItem.HttpMethod method) {
        PathItem item = api.getPaths().get(path);
        Operation operation = item == null ? null : item.readOperationsMap().get(method);
        if (operation == null) {
            throw new IllegalStateException("There is no " + method + " " + path + " to be described");
        }
        return operation;
    }

    private static Operation describe(Operation operation, String id, String tag, String summary) {
        return operation.operationId(id).tags(List.of(tag)).summary(summary);
    }

    private static void submit(Operation operation) {
        describe(operation, "submitBatch", "Batches", "Submit a batch")
                .description("Taken whole or not at all, unless it starts immediately. An answer of 2xx means that the"
                        + " batch is on the disk.")
                .requestBody(batchBody())
                .addParametersItem(idempotencyKey())
                .addParametersItem(prefer("`wait=N`: answer with the results if they are there within N seconds, at"
                        + " most 60. `respond-async`: answer as soon as the batch is stored."))
                .setResponses(answers(
                        new ApiResponses()
                                .addApiResponse(
                                        "200",
                                        orLines(withResults(
                                                "It has ended within the preferred wait, or was there already")))
                                .addApiResponse("202", location(json("Batch", "Accepted; its jobs run"))),
                        withKeyProblems(submissionProblems())));
        describeOptions(operation);
    }

    private static Map<String, String> withKeyProblems(Map<String, String> problems) {
        Map<String, String> all = new TreeMap<>(problems);
        all.putIfAbsent("409", "The first request with this key is still arriving; see Retry-After");
        return all;
    }

    private static Parameter idempotencyKey() {
        return header(
                IdempotencyKeys.HEADER,
                "1 to 255 printable characters, bare or in quotation marks: the same request with the same key makes one"
                        + " batch, however often it is sent. Kept as long as the batch, and a day at the least.");
    }

    private static void describeOptions(Operation operation) {
        operation
                .addParametersItem(query(BatchOptions.NAME, new StringSchema(), "Name of the batch"))
                .addParametersItem(
                        query(BatchOptions.METADATA, new StringSchema(), "Any JSON; comes back with the batch"))
                .addParametersItem(query(
                        BatchOptions.TIMEOUT,
                        number(1, (int) JobReader.MAX_TIMEOUT_MILLIS),
                        "Limit for each job that has none of its own, milliseconds"))
                .addParametersItem(query(
                        BatchOptions.START,
                        new StringSchema(),
                        "`immediately`: NDJSON only; the batch starts with its first line and is read no faster than its"
                                + " jobs are run. `complete` (the default): when the upload is complete."))
                .addParametersItem(query(
                        "order",
                        orders(),
                        "With Accept: application/x-ndjson only: the order in which the results come back; completion by"
                                + " default"));
    }

    private static void put(Operation operation) {
        describe(operation, "putBatch", "Batches", "Submit a batch under an id of your own")
                .description("Repeating the same request never makes a second batch.")
                .requestBody(batchBody())
                .addParametersItem(idempotencyKey())
                .addParametersItem(prefer("`wait=N` and `respond-async` as for POST."))
                .addParametersItem(header("If-None-Match", "`*`: only if there is no such batch yet."));
        Map<String, String> problems = new TreeMap<>(submissionProblems());
        problems.put("409", "The id belongs to a batch that came from another request, or the key is in use just now");
        problems.put("412", "If-None-Match: * and the batch exists");
        operation.setResponses(answers(
                new ApiResponses()
                        .addApiResponse(
                                "200",
                                orLines(withResults(
                                        "It was there already, from the same request; or its results, in time")))
                        .addApiResponse("202", withResults("Accepted: it is on the disk")),
                problems));
        describeId(operation);
        describeOptions(operation);
    }

    private static Map<String, String> submissionProblems() {
        return Map.of(
                "400", "No JSON, or a parameter or header that cannot be used",
                "406", "Only application/json can be answered",
                "413", "The body is too large",
                "415", "The body is neither JSON nor NDJSON, or in an encoding that is not read",
                "422", "Values that cannot be used, each with a JSON pointer; or too many jobs",
                "429", "Too much is waiting or arriving; see Retry-After",
                "503", "The service stops, or its store does not work; see Retry-After",
                "507", "The disk is full; see Retry-After");
    }

    private static void batch(Operation operation) {
        describe(operation, "getBatch", "Batches", "Show a batch, or wait for its end")
                .addParametersItem(prefer("`wait=N` as the parameter of that name, capped at 60."))
                .addParametersItem(header("If-None-Match", "An ETag: 304 if nothing has changed since."))
                .setResponses(answers(
                        new ApiResponses()
                                .addApiResponse("200", json("Batch", "As it is now; Retry-After until it has ended"))
                                .addApiResponse("304", new ApiResponse().description("Unchanged")),
                        Map.of("400", "A parameter cannot be used", "404", "No such batch")));
        parameter(
                operation, "wait", number(0, LongPoll.MAX_SECONDS), "Seconds to wait for the end. " + ANSWERS_AT_ONCE);
        describeId(operation);
    }

    private static void delete(Operation operation) {
        describe(operation, "deleteBatch", "Batches", "Delete a batch that has ended")
                .setResponses(answers(
                        new ApiResponses().addApiResponse("204", new ApiResponse().description("Deleted")),
                        Map.of(
                                "400", "A parameter is unknown",
                                "404", "No such batch",
                                "409", "It has not ended",
                                "503", "The store does not work; see Retry-After",
                                "507", "The disk is full; see Retry-After")));
        describeId(operation);
    }

    private static void list(Operation operation) {
        describe(operation, "listBatches", "Batches", "List batches, newest first")
                .setResponses(answers(ok("BatchPage"), Map.of("400", "A parameter cannot be used")));
        parameter(operation, "state", new StringSchema(), "Only those in this state");
        parameter(operation, "name", new StringSchema(), "Only those of this name");
        parameter(operation, "limit", number(1, BatchController.MAX_LIMIT), "At most so many; 20 by default");
        parameter(operation, "cursor", new StringSchema(), "next_cursor of the page before");
    }

    private static void results(Operation operation) {
        ApiResponse found = json("ResultPage", "What there is now; complete if Batch-State is ended")
                .addHeaderObject("Batch-State", new Header().schema(new StringSchema()))
                .addHeaderObject(
                        "Batch-Job-Count",
                        new Header().schema(new IntegerSchema()).description("Not while the upload arrives"));
        found.getContent()
                .addMediaType(APPLICATION_NDJSON_VALUE, text("One Result a line. Swagger UI cannot show it; use curl."))
                .addMediaType(TEXT_EVENT_STREAM_VALUE, text("As /events, with the parameters of this path."));
        describe(operation, "listResults", "Results", "Results as NDJSON, in JSON pages, or as events")
                .description(
                        "A stream that cannot be completed ends with a broken connection, never as if it were whole:"
                                + " curl exits with 18.")
                .addParametersItem(query("order", orders(), "`input` by default; `completion` for events"))
                .addParametersItem(query(
                        "after",
                        number(0, null),
                        "Only those behind this index, or with order=completion behind this seq"))
                .addParametersItem(
                        query("state", new StringSchema(), "Only those in these states, separated by commas"))
                .addParametersItem(
                        query("limit", number(1, null), "At most so many; a page has 1000 by default, 10000 at most"))
                .addParametersItem(
                        query(
                                "follow",
                                new BooleanSchema(),
                                "Stay until the batch has ended. In input order a line comes as soon as all before it are there."))
                .addParametersItem(query("cursor", new StringSchema(), "next_cursor of the page before"))
                .setResponses(answers(
                        new ApiResponses().addApiResponse("200", found).addApiResponse("204", seenAll()),
                        streamProblems("NDJSON, JSON and events")));
        addLastEventId(operation);
        describeId(operation);
    }

    private static void events(Operation operation) {
        ApiResponse found = new ApiResponse()
                .description(
                        "`result` (a Result; its id is its seq), `progress` (the Batch, at most twice a second) and"
                                + " `ended` (the Batch), with a comment every 15 s")
                .content(new Content()
                        .addMediaType(TEXT_EVENT_STREAM_VALUE, text("Swagger UI cannot show it; use curl -N.")));
        describe(operation, "streamEvents", "Results", "Results and progress as server-sent events, to the end")
                .setResponses(answers(
                        new ApiResponses().addApiResponse("200", found).addApiResponse("204", seenAll()),
                        streamProblems("events")));
        addLastEventId(operation);
        describeId(operation);
    }

    private static ApiResponse seenAll() {
        return new ApiResponse().description("The batch has ended, and the client has seen every event");
    }

    private static void addLastEventId(Operation operation) {
        operation
                .addParametersItem(query(
                        "last_event_id", number(0, null), "Go on behind this event; for who cannot set Last-Event-ID"))
                .addParametersItem(header("Last-Event-ID", "Go on behind this event; browsers send it by themselves"));
    }

    private static Map<String, String> streamProblems(String formats) {
        return Map.of(
                "400", "A parameter cannot be used",
                "404", "No such batch",
                "406", "Of " + formats + " none is accepted",
                "429", "Too many streams are open; see Retry-After",
                "503", "The service stops, or its store does not work; see Retry-After");
    }

    private static Schema<?> orders() {
        return new StringSchema()._enum(List.of("input", "completion"));
    }

    private static MediaType text(String description) {
        return new MediaType().schema(new StringSchema().description(description));
    }

    private static void result(Operation operation) {
        describe(operation, "getResult", "Results", "The result of one job, or where the job stands")
                .setResponses(answers(
                        new ApiResponses().addApiResponse("200", json("Result", "pending or running until it is done")),
                        Map.of("400", "A parameter cannot be used", "404", "No such batch, or no such index")));
        parameter(operation, "wait", number(0, LongPoll.MAX_SECONDS), "Seconds to wait for it. " + ANSWERS_AT_ONCE);
        parameter(operation, "index", number(0, null), "Place of the job in the batch, from 0");
        describeId(operation);
    }

    private static RequestBody batchBody() {
        Schema<?> body = new Schema<>().oneOf(List.of(new ArraySchema().items(ref("Job")), ref("BatchRequest")));
        Content content = new Content()
                .addMediaType(
                        APPLICATION_JSON_VALUE, new MediaType().schema(body).example(JOBS_EXAMPLE))
                .addMediaType(APPLICATION_OCTET_STREAM_VALUE, text("Either, as curl -T sends it", "binary"));
        BodyType.NDJSON_NAMES.forEach(name -> content.addMediaType(name, text("One job a line", null)));
        return new RequestBody()
                .required(true)
                .description(
                        "An array of jobs, or an object with jobs and options; or one job a line. Without a type the"
                                + " first line decides. gzip is read.")
                .content(content);
    }

    private static MediaType text(String description, @Nullable String format) {
        return new MediaType().schema(new StringSchema().format(format).description(description));
    }

    private static ApiResponse withResults(String description) {
        return location(json("BatchWithResults", description));
    }

    /** The same, or the results alone for a client that accepts lines. */
    private static ApiResponse orLines(ApiResponse response) {
        response.getContent()
                .addMediaType(
                        APPLICATION_NDJSON_VALUE,
                        text("One Result a line, while the body still arrives and until the batch has ended", null));
        return response;
    }

    private static ApiResponse location(ApiResponse response) {
        return response.addHeaderObject(
                        "Location", new Header().schema(new StringSchema()).description("Its path"))
                .addHeaderObject("Preference-Applied", new Header().schema(new StringSchema()));
    }

    private static ApiResponse json(String schema, String description) {
        return new ApiResponse()
                .description(description)
                .content(new Content().addMediaType(APPLICATION_JSON_VALUE, new MediaType().schema(ref(schema))));
    }

    private static ApiResponses ok(String schema) {
        return new ApiResponses().addApiResponse("200", json(schema, "Found"));
    }

    private static ApiResponses answers(ApiResponses good, Map<String, String> problems) {
        new TreeMap<>(problems).forEach((status, description) -> good.addApiResponse(status, problem(description)));
        return good.addApiResponse("default", problem("Any other problem"));
    }

    private static ApiResponse problem(String description) {
        return new ApiResponse()
                .description(description)
                .content(new Content()
                        .addMediaType(APPLICATION_PROBLEM_JSON_VALUE, new MediaType().schema(ref("Problem"))));
    }

    private static Schema<?> ref(String schema) {
        return new Schema<>().$ref("#/components/schemas/" + schema);
    }

    private static Parameter prefer(String description) {
        return header("Prefer", description);
    }

    private static Parameter header(String name, String description) {
        return query(name, new StringSchema(), description).in("header");
    }

    private static Parameter query(String name, Schema<?> schema, String description) {
        return new Parameter()
                .in("query")
                .name(name)
                .required(false)
                .schema(schema)
                .description(description);
    }

    private static Schema<?> number(int min, @Nullable Integer max) {
        Schema<?> schema = new IntegerSchema().minimum(BigDecimal.valueOf(min));
        return max == null ? schema : schema.maximum(BigDecimal.valueOf(max));
    }

    private static void describeId(Operation operation) {
        parameter(operation, "id", new StringSchema(), "Id of the batch");
    }

    private static void parameter(Operation operation, String name, Schema<?> schema, String description) {
        operation.getParameters().stream()
                .filter(parameter -> name.equals(parameter.getName()))
                .findFirst()
                .orElseThrow(() -> new IllegalStateException("There is no parameter " + name + " to be described"))
                .schema(schema)
                .description(description);
    }
}
