package io.conveyor.batch;

import static io.conveyor.batch.ApiElements.answers;
import static io.conveyor.batch.ApiElements.describe;
import static io.conveyor.batch.ApiElements.ok;
import static io.conveyor.batch.ApiElements.operation;
import static io.conveyor.batch.ApiElements.ref;

import io.swagger.v3.core.converter.AnnotatedType;
import io.swagger.v3.core.converter.ModelConverters;
import io.swagger.v3.oas.models.Components;
import io.swagger.v3.oas.models.OpenAPI;
import io.swagger.v3.oas.models.PathItem;
import io.swagger.v3.oas.models.info.Info;
import io.swagger.v3.oas.models.media.ArraySchema;
import io.swagger.v3.oas.models.media.JsonSchema;
import io.swagger.v3.oas.models.media.Schema;
import java.util.Map;
import java.util.Objects;
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
        BatchOperations.describeIn(api);
        ResultOperations.describeIn(api);
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
}
