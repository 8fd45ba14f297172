package io.conveyor.batch;

import static org.springframework.http.MediaType.APPLICATION_JSON_VALUE;
import static org.springframework.http.MediaType.APPLICATION_PROBLEM_JSON_VALUE;

import io.swagger.v3.oas.models.OpenAPI;
import io.swagger.v3.oas.models.Operation;
import io.swagger.v3.oas.models.PathItem;
import io.swagger.v3.oas.models.media.Content;
import io.swagger.v3.oas.models.media.IntegerSchema;
import io.swagger.v3.oas.models.media.MediaType;
import io.swagger.v3.oas.models.media.Schema;
import io.swagger.v3.oas.models.media.StringSchema;
import io.swagger.v3.oas.models.parameters.Parameter;
import io.swagger.v3.oas.models.responses.ApiResponse;
import io.swagger.v3.oas.models.responses.ApiResponses;
import java.math.BigDecimal;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** What descriptions of operations are made of: parameters, contents and answers, in the forms that recur. Keeps nothing. */
final class ApiElements {

    /** The path of a batch. */
    static final String BATCH = BatchController.PATH + "/{id}";

    static final String ANSWERS_AT_ONCE = "Answers at once without it.";

    private ApiElements() {}

    static Operation operation(OpenAPI api, String path, PathItem.HttpMethod method) {
        PathItem item = api.getPaths().get(path);
        Operation operation = item == null ? null : item.readOperationsMap().get(method);
        if (operation == null) {
            throw new IllegalStateException("There is no " + method + " " + path + " to be described");
        }
        return operation;
    }

    static Operation describe(Operation operation, String id, String tag, String summary) {
        return operation.operationId(id).tags(List.of(tag)).summary(summary);
    }

    static void describeId(Operation operation) {
        parameter(operation, "id", new StringSchema(), "Id of the batch");
    }

    static void parameter(Operation operation, String name, Schema<?> schema, String description) {
        operation.getParameters().stream()
                .filter(parameter -> name.equals(parameter.getName()))
                .findFirst()
                .orElseThrow(() -> new IllegalStateException("There is no parameter " + name + " to be described"))
                .schema(schema)
                .description(description);
    }

    static Parameter query(String name, Schema<?> schema, String description) {
        return new Parameter()
                .in("query")
                .name(name)
                .required(false)
                .schema(schema)
                .description(description);
    }

    static Parameter header(String name, String description) {
        return query(name, new StringSchema(), description).in("header");
    }

    static Parameter prefer(String description) {
        return header("Prefer", description);
    }

    static Schema<?> number(int min, @Nullable Number max) {
        Schema<?> schema = new IntegerSchema().minimum(BigDecimal.valueOf(min));
        if (max == null) {
            return schema;
        }
        if (max.longValue() > Integer.MAX_VALUE) {
            schema.format("int64"); // int32 is what the library says when nobody else does
        }
        return schema.maximum(BigDecimal.valueOf(max.longValue()));
    }

    static Schema<?> orders() {
        return new StringSchema()._enum(List.of("input", "completion"));
    }

    static MediaType text(String description) {
        return new MediaType().schema(new StringSchema().description(description));
    }

    static MediaType text(String description, String format) {
        return new MediaType().schema(new StringSchema().format(format).description(description));
    }

    static Schema<?> ref(String schema) {
        return new Schema<>().$ref("#/components/schemas/" + schema);
    }

    static ApiResponse json(String schema, String description) {
        return new ApiResponse()
                .description(description)
                .content(new Content().addMediaType(APPLICATION_JSON_VALUE, new MediaType().schema(ref(schema))));
    }

    static ApiResponses ok(String schema) {
        return new ApiResponses().addApiResponse("200", json(schema, "Found"));
    }

    static ApiResponses answers(ApiResponses good, Map<String, String> problems) {
        new TreeMap<>(problems).forEach((status, description) -> good.addApiResponse(status, problem(description)));
        return good.addApiResponse("default", problem("Any other problem"));
    }

    private static ApiResponse problem(String description) {
        return new ApiResponse()
                .description(description)
                .content(new Content()
                        .addMediaType(APPLICATION_PROBLEM_JSON_VALUE, new MediaType().schema(ref("Problem"))));
    }
}
