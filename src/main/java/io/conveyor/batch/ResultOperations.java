package io.conveyor.batch;

import static io.conveyor.batch.ApiElements.answers;
import static io.conveyor.batch.ApiElements.describe;
import static io.conveyor.batch.ApiElements.describeId;
import static io.conveyor.batch.ApiElements.header;
import static io.conveyor.batch.ApiElements.json;
import static io.conveyor.batch.ApiElements.number;
import static io.conveyor.batch.ApiElements.operation;
import static io.conveyor.batch.ApiElements.orders;
import static io.conveyor.batch.ApiElements.parameter;
import static io.conveyor.batch.ApiElements.query;
import static io.conveyor.batch.ApiElements.text;
import static org.springframework.http.MediaType.APPLICATION_NDJSON_VALUE;
import static org.springframework.http.MediaType.TEXT_EVENT_STREAM_VALUE;

import io.swagger.v3.oas.models.OpenAPI;
import io.swagger.v3.oas.models.Operation;
import io.swagger.v3.oas.models.PathItem;
import io.swagger.v3.oas.models.headers.Header;
import io.swagger.v3.oas.models.media.BooleanSchema;
import io.swagger.v3.oas.models.media.Content;
import io.swagger.v3.oas.models.media.IntegerSchema;
import io.swagger.v3.oas.models.media.StringSchema;
import io.swagger.v3.oas.models.responses.ApiResponse;
import io.swagger.v3.oas.models.responses.ApiResponses;
import java.util.Map;

/** Describes what {@link ResultController} does, for the OpenAPI document. Keeps nothing. */
final class ResultOperations {

    private ResultOperations() {}

    static void describeIn(OpenAPI api) {
        results(operation(api, ApiElements.BATCH + "/results", PathItem.HttpMethod.GET));
        events(operation(api, ApiElements.BATCH + "/events", PathItem.HttpMethod.GET));
        result(operation(api, ApiElements.BATCH + "/results/{index}", PathItem.HttpMethod.GET));
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

    private static void result(Operation operation) {
        describe(operation, "getResult", "Results", "The result of one job, or where the job stands")
                .setResponses(answers(
                        new ApiResponses().addApiResponse("200", json("Result", "pending or running until it is done")),
                        Map.of("400", "A parameter cannot be used", "404", "No such batch, or no such index")));
        parameter(
                operation,
                "wait",
                number(0, LongPoll.MAX_SECONDS),
                "Seconds to wait for it. " + ApiElements.ANSWERS_AT_ONCE);
        parameter(operation, "index", number(0, null), "Place of the job in the batch, from 0");
        describeId(operation);
    }
}
