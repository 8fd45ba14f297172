package io.conveyor.batch;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import io.conveyor.web.Violation;
import io.swagger.v3.oas.annotations.media.ArraySchema;
import io.swagger.v3.oas.annotations.media.Schema;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What would become of a submission that was only to be looked at.
 *
 * @param accepted whether it would make a batch, or find the one that it made before
 * @param total jobs of it, those that cannot be used included; null if it would be refused
 * @param errors what is wrong with jobs, each with its place; in NDJSON such jobs would fail, and the others run
 * @param errorsTruncated true if there are more errors than are shown, else null
 * @param problem what the submission would be answered with, if it would be refused
 */
@Schema(
        name = "Check",
        description = "What would become of a submission with `validate_only=true`, of which nothing is kept")
@JsonInclude(JsonInclude.Include.NON_NULL)
record CheckView(
        @Schema(
                requiredMode = Schema.RequiredMode.REQUIRED,
                description = "Whether it would be taken; lines that are no jobs refuse nothing, they fail alone")
        @JsonProperty("accepted")
        boolean accepted,

        @Schema(description = "Jobs of it, if it would be taken", minimum = "0") @JsonProperty("total") @Nullable
        Integer total,

        @ArraySchema(
                arraySchema =
                        @Schema(
                                requiredMode = Schema.RequiredMode.REQUIRED,
                                description = "At most 100; of lines with their `line`, from 1"),
                schema = @Schema(implementation = ApiSchemas.ProblemError.class))
        @JsonProperty("errors")
        List<Violation> errors,

        @JsonProperty("errors_truncated") @Nullable Boolean errorsTruncated,

        @Schema(description = "The problem that would be the answer", implementation = ApiSchemas.ProblemObject.class)
        @JsonProperty("problem")
        @Nullable
        Map<String, Object> problem) {

    CheckView {
        errors = List.copyOf(errors);
    }
}
