package io.conveyor.batch;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonRawValue;
import io.conveyor.belt.Belt;
import io.conveyor.job.JobKind;
import io.swagger.v3.oas.annotations.media.Schema;
import java.util.List;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/** Lists the kinds of jobs that this service runs. Thread-safe: keeps nothing. */
@RestController
final class JobKindController {

    private final Belt belt;

    JobKindController(Belt belt) {
        this.belt = belt;
    }

    @GetMapping(path = "/v1/job-kinds", produces = MediaType.APPLICATION_JSON_VALUE)
    JobKinds kinds() {
        return new JobKinds(belt.kinds().stream().map(JobKindView::of).toList());
    }

    /** All kinds, by name. */
    @Schema(name = "JobKinds")
    record JobKinds(
            @Schema(requiredMode = Schema.RequiredMode.REQUIRED) @JsonProperty("items")
            List<JobKindView> items) {}

    /**
     * One kind.
     *
     * @param inputSchema JSON Schema (2020-12) of {@code input}
     */
    @Schema(name = "JobKind")
    record JobKindView(
            @Schema(requiredMode = Schema.RequiredMode.REQUIRED, example = "hash") @JsonProperty("name")
            String name,

            @Schema(requiredMode = Schema.RequiredMode.REQUIRED) @JsonProperty("description")
            String description,

            @Schema(
                    requiredMode = Schema.RequiredMode.REQUIRED,
                    description = "JSON Schema (2020-12) of the input",
                    type = "object",
                    implementation = Object.class)
            @JsonRawValue
            @JsonProperty("input_schema")
            String inputSchema) {

        /** A schema that allows everything has two forms; clients get the one that is an object. */
        static JobKindView of(JobKind kind) {
            String schema = kind.inputSchema().equals("true") ? "{}" : kind.inputSchema();
            return new JobKindView(kind.name(), kind.description(), schema);
        }
    }
}
