package io.conveyor.batch;

import static io.conveyor.batch.ApiElements.answers;
import static io.conveyor.batch.ApiElements.describe;
import static io.conveyor.batch.ApiElements.describeId;
import static io.conveyor.batch.ApiElements.header;
import static io.conveyor.batch.ApiElements.json;
import static io.conveyor.batch.ApiElements.number;
import static io.conveyor.batch.ApiElements.ok;
import static io.conveyor.batch.ApiElements.operation;
import static io.conveyor.batch.ApiElements.orders;
import static io.conveyor.batch.ApiElements.parameter;
import static io.conveyor.batch.ApiElements.prefer;
import static io.conveyor.batch.ApiElements.query;
import static io.conveyor.batch.ApiElements.ref;
import static io.conveyor.batch.ApiElements.text;
import static org.springframework.http.MediaType.APPLICATION_JSON_VALUE;
import static org.springframework.http.MediaType.APPLICATION_NDJSON_VALUE;
import static org.springframework.http.MediaType.APPLICATION_OCTET_STREAM_VALUE;

import io.conveyor.job.BatchRules;
import io.conveyor.web.BodyType;
import io.swagger.v3.oas.models.OpenAPI;
import io.swagger.v3.oas.models.Operation;
import io.swagger.v3.oas.models.PathItem;
import io.swagger.v3.oas.models.headers.Header;
import io.swagger.v3.oas.models.media.ArraySchema;
import io.swagger.v3.oas.models.media.BooleanSchema;
import io.swagger.v3.oas.models.media.Content;
import io.swagger.v3.oas.models.media.MediaType;
import io.swagger.v3.oas.models.media.Schema;
import io.swagger.v3.oas.models.media.StringSchema;
import io.swagger.v3.oas.models.parameters.Parameter;
import io.swagger.v3.oas.models.parameters.RequestBody;
import io.swagger.v3.oas.models.responses.ApiResponse;
import io.swagger.v3.oas.models.responses.ApiResponses;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;

/** Describes what {@link BatchController} and {@link ControlController} do, for the OpenAPI document. Keeps nothing. */
final class BatchOperations {

    private static final String JOBS_EXAMPLE = "[{\"kind\": \"hash\", \"input\": {\"text\": \"hello\"}}]";

    private BatchOperations() {}

    static void describeIn(OpenAPI api) {
        submit(operation(api, BatchController.PATH, PathItem.HttpMethod.POST));
        put(operation(api, ApiElements.BATCH, PathItem.HttpMethod.PUT));
        batch(operation(api, ApiElements.BATCH, PathItem.HttpMethod.GET));
        delete(operation(api, ApiElements.BATCH, PathItem.HttpMethod.DELETE));
        cancel(operation(api, ApiElements.BATCH + "/cancel", PathItem.HttpMethod.POST));
        change(
                operation(api, ApiElements.BATCH + "/pause", PathItem.HttpMethod.POST),
                "pauseBatch",
                "Pause a batch",
                "From the answer on no job of it starts; what runs goes on. It stays paused, over a restart as well.");
        change(
                operation(api, ApiElements.BATCH + "/resume", PathItem.HttpMethod.POST),
                "resumeBatch",
                "Have a paused batch go on",
                "Its jobs start again where they were.");
        retry(operation(api, ApiElements.BATCH + "/retry", PathItem.HttpMethod.POST));
        list(operation(api, BatchController.PATH, PathItem.HttpMethod.GET));
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
                                        orLines(orCheck(withResults(
                                                "It has ended within the preferred wait, or was there already; or what"
                                                        + " would become of it"))))
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
                .addParametersItem(query(
                        SubmissionCheck.PARAMETER,
                        new BooleanSchema(),
                        "`true`: says what would become of it; nothing is kept, and nothing runs"))
                .addParametersItem(query(Envelope.NAME, new StringSchema(), "Name of the batch"))
                .addParametersItem(query(Envelope.METADATA, new StringSchema(), "Any JSON; comes back with the batch"))
                .addParametersItem(query(
                        Envelope.TIMEOUT,
                        number(1, JobReader.MAX_TIMEOUT_MILLIS),
                        "Limit for each job that has none of its own, milliseconds"))
                .addParametersItem(query(
                        Envelope.MAX_ATTEMPTS,
                        number(1, BatchRules.MAX_ATTEMPTS),
                        "Attempts at the most for each job that says nothing itself"))
                .addParametersItem(query(
                        Envelope.MAX_CONCURRENCY,
                        number(1, BatchRules.MAX_CONCURRENCY),
                        "How many of its jobs may run at once"))
                .addParametersItem(query(
                        Envelope.DEADLINE,
                        number(1, BatchRules.MAX_DEADLINE_MILLIS),
                        "Milliseconds from its acceptance on; what has not started by then becomes `expired`, and what"
                                + " runs is interrupted"))
                .addParametersItem(
                        query(
                                Envelope.ON_ERROR,
                                new StringSchema(),
                                "`continue` (the default), `cancel_rest`, `{\"tolerate\":10}` or `{\"tolerate_percent\":5}`, the"
                                        + " last two in percent escapes: when more jobs have failed than that, the rest is cancelled"))
                .addParametersItem(query(
                        Envelope.THEN,
                        new StringSchema(),
                        "JSON in percent escapes: jobs of a batch that is made when this one has ended, as in a body"))
                .addParametersItem(query(
                        Envelope.CALLBACK,
                        new StringSchema(),
                        "JSON in percent escapes, `{\"url\":\"https://example.com/\"}`: whom to tell of the end, as in a"
                                + " body"))
                .addParametersItem(query(
                        BatchOptions.START,
                        new StringSchema(),
                        "`immediately`: NDJSON only; the batch starts with its first line and is read no faster than its"
                                + " jobs are run. `complete` (the default): when the upload is complete."))
                .addParametersItem(query(
                        BatchOptions.ORDER,
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
                                orLines(orCheck(withResults(
                                        "It was there already, from the same request; or its results, in time; or what"
                                                + " would become of it"))))
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

    private static RequestBody batchBody() {
        Schema<?> body = new Schema<>().oneOf(List.of(new ArraySchema().items(ref("Job")), ref("BatchRequest")));
        Content content = new Content()
                .addMediaType(
                        APPLICATION_JSON_VALUE, new MediaType().schema(body).example(JOBS_EXAMPLE))
                .addMediaType(APPLICATION_OCTET_STREAM_VALUE, text("Either, as curl -T sends it", "binary"));
        BodyType.NDJSON_NAMES.forEach(name -> content.addMediaType(name, text("One job a line")));
        return new RequestBody()
                .required(true)
                .description(
                        "An array of jobs, or an object with jobs and options; or one job a line. Without a type the"
                                + " first line decides. gzip is read.")
                .content(content);
    }

    private static ApiResponse withResults(String description) {
        return location(json("BatchWithResults", description));
    }

    /** The same, or what would become of a submission that was only to be looked at. */
    private static ApiResponse orCheck(ApiResponse response) {
        MediaType json = Objects.requireNonNull(response.getContent().get(APPLICATION_JSON_VALUE));
        json.setSchema(new Schema<>().oneOf(List.of(json.getSchema(), ref("Check"))));
        return response;
    }

    /** The same, or the results alone for a client that accepts lines. */
    private static ApiResponse orLines(ApiResponse response) {
        response.getContent()
                .addMediaType(
                        APPLICATION_NDJSON_VALUE,
                        text("One Result a line, while the body still arrives and until the batch has ended"));
        return response;
    }

    private static ApiResponse location(ApiResponse response) {
        return response.addHeaderObject("Location", path())
                .addHeaderObject("Preference-Applied", new Header().schema(new StringSchema()));
    }

    private static Header path() {
        return new Header().schema(new StringSchema()).description("Its path");
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
                operation,
                "wait",
                number(0, LongPoll.MAX_SECONDS),
                "Seconds to wait for the end. " + ApiElements.ANSWERS_AT_ONCE);
        describeId(operation);
    }

    private static void cancel(Operation operation) {
        describe(operation, "cancelBatch", "Batches", "Cancel a batch")
                .description(
                        "What waits is cancelled without being run. What runs is interrupted; a job that ends well all"
                                + " the same keeps its outcome. The batch ends when nothing of it runs any more.")
                .setResponses(answers(
                        new ApiResponses()
                                .addApiResponse("200", atPath("It had ended already, and is unchanged"))
                                .addApiResponse("202", atPath("It is cancelled; wait for its end")),
                        Map.of(
                                "400", "A parameter is unknown",
                                "404", "No such batch",
                                "503", "The store does not work; see Retry-After",
                                "507", "The disk is full; see Retry-After")));
        describeId(operation);
    }

    private static void change(Operation operation, String id, String summary, String description) {
        describe(operation, id, "Batches", summary)
                .description(description + " Safe to repeat.")
                .setResponses(answers(
                        new ApiResponses().addApiResponse("200", atPath("The batch as it is now")),
                        Map.of(
                                "400", "A parameter is unknown",
                                "404", "No such batch",
                                "409", "It is open, cancelled, or has ended",
                                "503", "The store does not work, or the service stops; see Retry-After",
                                "507", "The disk is full; see Retry-After")));
        describeId(operation);
    }

    private static void retry(Operation operation) {
        Map<String, String> problems = new TreeMap<>(submissionProblems());
        problems.keySet().removeAll(List.of("406", "413", "415"));
        problems.put("404", "No such batch");
        problems.put("409", "The batch has not ended, has no such jobs, or the key is in use just now");
        problems.put("422", "The key was used for another request");
        describe(operation, "retryBatch", "Batches", "Make a new batch of the jobs that did not succeed")
                .description(
                        "The new batch has the options of the other, but for its deadline, `then` and `callback`; each"
                                + " job has the `index` and the `custom_id` that it has there, so indexes have gaps. Lines that"
                                + " could not be read as jobs are left out.")
                .addParametersItem(idempotencyKey())
                .addParametersItem(prefer("`wait=N` and `respond-async` as for a submission."))
                .setResponses(answers(
                        new ApiResponses()
                                .addApiResponse(
                                        "200", withResults("It has ended in time, or was there already by its key"))
                                .addApiResponse("202", location(json("Batch", "Accepted; its jobs run"))),
                        problems));
        parameter(
                operation,
                "state",
                new StringSchema(),
                "Only jobs in these states, separated by commas: failed, cancelled, expired; all by default");
        parameter(
                operation,
                Envelope.DEADLINE,
                number(1, BatchRules.MAX_DEADLINE_MILLIS),
                "What has not started by then, milliseconds after the acceptance, becomes expired");
        describeId(operation);
    }

    private static ApiResponse atPath(String description) {
        return json("Batch", description).addHeaderObject("Location", path());
    }

    private static void delete(Operation operation) {
        describe(operation, "deleteBatch", "Batches", "Delete a batch that has ended, or force its end")
                .addParametersItem(
                        prefer("`wait=N`, with `force=true`: how long to wait for jobs that have been interrupted,"
                                + " at most 60 seconds; " + ControlController.FORCE_SECONDS + " by default."))
                .setResponses(answers(
                        new ApiResponses().addApiResponse("204", new ApiResponse().description("Deleted")),
                        Map.of(
                                "400", "A parameter is unknown, or cannot be used",
                                "404", "No such batch",
                                "409", "It has not ended; with force=true it is cancelled, and jobs of it still run",
                                "503", "The store does not work; see Retry-After",
                                "507", "The disk is full; see Retry-After")));
        parameter(
                operation,
                "force",
                new BooleanSchema(),
                "`true`: cancels the batch first, and deletes it when the last of its jobs has come to its end");
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
}
