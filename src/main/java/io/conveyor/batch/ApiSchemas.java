package io.conveyor.batch;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.swagger.v3.oas.annotations.media.ArraySchema;
import io.swagger.v3.oas.annotations.media.Schema;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What goes over the wire without ever being an object here, written down for the OpenAPI document: bodies that are read
 * as a stream, and results that are passed on as bytes. Used by {@link ApiDocument} only.
 */
final class ApiSchemas {

    private ApiSchemas() {}

    @Schema(name = "Job", description = "A job of a batch; other fields are refused")
    record JobBody(
            @Schema(
                    requiredMode = Schema.RequiredMode.REQUIRED,
                    description = "One of those that GET /v1/job-kinds lists",
                    example = "hash")
            @JsonProperty("kind")
            String kind,

            @Schema(description = "Any JSON; passed on byte for byte", implementation = Object.class)
            @JsonProperty("input")
            @Nullable
            Object input,

            @Schema(minLength = 1, maxLength = 64, description = "Echoed with the result", example = "order-7")
            @JsonProperty("custom_id")
            @Nullable
            String customId,

            @Schema(
                    minimum = "1",
                    maximum = "86400000",
                    description = "Limit for one attempt in milliseconds; that of the batch if left out")
            @JsonProperty("timeout_ms")
            @Nullable
            Integer timeoutMs,

            @Schema(
                    minimum = "1",
                    maximum = "100",
                    description = "Attempts at the most; as many as the batch allows if left out")
            @JsonProperty("max_attempts")
            @Nullable
            Integer maxAttempts,

            @Schema(description = "Any JSON", implementation = Object.class) @JsonProperty("metadata") @Nullable
            Object metadata) {}

    @Schema(name = "BatchRequest", description = "Jobs with options for all of them; other fields are refused")
    record BatchBody(
            @Schema(requiredMode = Schema.RequiredMode.REQUIRED) @JsonProperty("jobs")
            List<JobBody> jobs,

            @Schema(minLength = 1, maxLength = 200, example = "nightly") @JsonProperty("name") @Nullable
            String name,

            @Schema(description = "Any JSON; shown with the batch", implementation = Object.class)
            @JsonProperty("metadata")
            @Nullable
            Object metadata,

            @Schema(minimum = "1", maximum = "86400000", description = "For jobs without their own, in milliseconds")
            @JsonProperty("timeout_ms")
            @Nullable
            Integer timeoutMs,

            @Schema(minimum = "1", maximum = "100", description = "For jobs without their own")
            @JsonProperty("max_attempts")
            @Nullable
            Integer maxAttempts,

            @Schema(minimum = "1", maximum = "1000000", description = "How many of its jobs may run at once")
            @JsonProperty("max_concurrency")
            @Nullable
            Integer maxConcurrency,

            @Schema(
                    minimum = "1",
                    maximum = "31536000000",
                    description =
                            "From the acceptance on: what has not started by then becomes expired, and what runs is"
                                    + " interrupted")
            @JsonProperty("deadline_ms")
            @Nullable
            Long deadlineMs,

            @Schema(description = "What failed jobs mean for the others", implementation = OnErrorRule.class)
            @JsonProperty("on_error")
            @Nullable
            Object onError,

            @ArraySchema(
                    minItems = 1,
                    maxItems = 100,
                    arraySchema =
                            @Schema(
                                    description =
                                            "Jobs of a batch that is made when this one has ended; the input of each, an"
                                                    + " object or absent, gets `batch`: id, outcome, counts, ended_at, links"),
                    schema = @Schema(implementation = JobBody.class))
            @JsonProperty("then")
            @Nullable
            List<JobBody> then,

            @JsonProperty("callback") @Nullable CallbackRequest callback) {}

    @Schema(
            name = "Callback",
            description =
                    "Whom to tell of the end of the batch, by a signed `batch.ended` message (Standard Webhooks 1.0)")
    record CallbackRequest(
            @Schema(
                    requiredMode = Schema.RequiredMode.REQUIRED,
                    maxLength = 2048,
                    example = "https://example.com/hooks/conveyor")
            @JsonProperty("url")
            String url,

            @Schema(maxLength = 64, description = "The operator's name of the secret that signs it")
            @JsonProperty("secret_name")
            @Nullable
            String secretName) {}

    @Schema(
            name = "OnError",
            description = "When more jobs have failed than that, the rest of the batch is cancelled; continue: never",
            oneOf = {OnErrorWord.class, Tolerate.class, ToleratePercent.class})
    interface OnErrorRule {}

    @Schema(
            name = "OnErrorWord",
            type = "string",
            allowableValues = {"continue", "cancel_rest"})
    interface OnErrorWord {}

    @Schema(name = "Tolerate", description = "So many failed jobs are tolerated")
    record Tolerate(
            @Schema(requiredMode = Schema.RequiredMode.REQUIRED, minimum = "0", example = "10")
            @JsonProperty("tolerate")
            int tolerate) {}

    @Schema(name = "ToleratePercent", description = "So many per cent of all jobs may fail")
    record ToleratePercent(
            @Schema(requiredMode = Schema.RequiredMode.REQUIRED, minimum = "0", maximum = "100", example = "5")
            @JsonProperty("tolerate_percent")
            int toleratePercent) {}

    @Schema(name = "Result", description = "What has come of one job")
    record ResultLine(
            @Schema(requiredMode = Schema.RequiredMode.REQUIRED, minimum = "0", description = "Place in the batch")
            @JsonProperty("index")
            int index,

            @Schema(minimum = "1", description = "Completion number within the batch, without gaps")
            @JsonProperty("seq")
            @Nullable
            Integer seq,

            @JsonProperty("custom_id") @Nullable String customId,

            @Schema(description = "Left out of a line that could not be read", example = "hash")
            @JsonProperty("kind")
            @Nullable
            String kind,

            @Schema(
                    requiredMode = Schema.RequiredMode.REQUIRED,
                    description = "pending, running, succeeded, failed, cancelled or expired",
                    example = "succeeded")
            @JsonProperty("state")
            String state,

            @Schema(description = "If it succeeded: any JSON", implementation = Object.class)
            @JsonProperty("output")
            @Nullable
            Object output,

            @Schema(description = "If it did not") @JsonProperty("error") @Nullable
            JobProblem error,

            @Schema(
                    minimum = "0",
                    description =
                            "Attempts that were made; one that a crash or a stop of the service cut short does not"
                                    + " count, and is made again")
            @JsonProperty("attempts")
            @Nullable
            Integer attempts,

            @Schema(
                    minimum = "0",
                    description =
                            "From the acceptance of the batch to the start of the last attempt, with earlier attempts"
                                    + " and the pauses between them")
            @JsonProperty("wait_ms")
            @Nullable
            Long waitMs,

            @Schema(minimum = "0", description = "Time of the last attempt") @JsonProperty("duration_ms") @Nullable
            Long durationMs,

            @Schema(format = "date-time", description = "Start of the last attempt")
            @JsonProperty("started_at")
            @Nullable
            String startedAt,

            @Schema(format = "date-time") @JsonProperty("ended_at") @Nullable
            String endedAt,

            @Schema(description = "Who made the last attempt; left out if the job did not end with it")
            @JsonProperty("worker")
            @Nullable
            String worker) {}

    @Schema(name = "JobProblem", description = "Why a job has no output (RFC 9457); may have further members")
    record JobProblem(
            @Schema(requiredMode = Schema.RequiredMode.REQUIRED, example = "/problems/job-failed") @JsonProperty("type")
            String type,

            @Schema(requiredMode = Schema.RequiredMode.REQUIRED) @JsonProperty("title")
            String title,

            @Schema(requiredMode = Schema.RequiredMode.REQUIRED) @JsonProperty("detail")
            String detail,

            @Schema(requiredMode = Schema.RequiredMode.REQUIRED, description = "Whether another attempt may succeed")
            @JsonProperty("retryable")
            boolean retryable) {}

    @Schema(name = "ResultPage", description = "Results; without next_cursor there are no more now")
    record ResultPage(
            @Schema(requiredMode = Schema.RequiredMode.REQUIRED) @JsonProperty("items")
            List<ResultLine> items,

            @JsonProperty("next_cursor") @Nullable String nextCursor,
            @JsonProperty("next") @Nullable String next) {}

    @Schema(name = "Problem", description = "What went wrong (RFC 9457); may have further members")
    record ProblemObject(
            @Schema(requiredMode = Schema.RequiredMode.REQUIRED, example = "/problems/validation-failed")
            @JsonProperty("type")
            String type,

            @Schema(requiredMode = Schema.RequiredMode.REQUIRED) @JsonProperty("title")
            String title,

            @Schema(requiredMode = Schema.RequiredMode.REQUIRED) @JsonProperty("status")
            int status,

            @Schema(requiredMode = Schema.RequiredMode.REQUIRED) @JsonProperty("detail")
            String detail,

            @JsonProperty("instance") @Nullable String instance,

            @Schema(description = "What is wrong with a body, at most 100 entries") @JsonProperty("errors") @Nullable
            List<ProblemError> errors,

            @JsonProperty("errors_truncated") @Nullable Boolean errorsTruncated,
            @JsonProperty("line") @Nullable Long line,
            @JsonProperty("column") @Nullable Long column,
            @JsonProperty("retry_after_seconds") @Nullable Long retryAfterSeconds,

            @Schema(
                    description = "How much of a refused submission is there all the same; nothing, if it is left out",
                    allowableValues = {"in-part", "unknown"})
            @JsonProperty("kept")
            @Nullable
            String kept) {}

    @Schema(name = "ProblemError", description = "One thing that is wrong with a body")
    record ProblemError(
            @Schema(requiredMode = Schema.RequiredMode.REQUIRED, example = "/jobs/3/kind") @JsonProperty("pointer")
            String pointer,

            @Schema(requiredMode = Schema.RequiredMode.REQUIRED, example = "unknown-kind") @JsonProperty("code")
            String code,

            @Schema(requiredMode = Schema.RequiredMode.REQUIRED) @JsonProperty("detail")
            String detail) {}

    /** The records above and the views, whose schemas the document names. */
    static List<Class<?>> all() {
        return List.of(
                JobBody.class,
                BatchBody.class,
                ResultLine.class,
                ResultPage.class,
                ProblemObject.class,
                BatchView.class,
                BatchPage.class,
                CheckView.class,
                JobKindController.JobKinds.class,
                ServiceController.Service.class);
    }

    /** Schemas of objects that may have more members than those named. */
    static List<String> open() {
        return List.of("Problem", "ProblemError", "JobProblem");
    }

    /** Fields that hold any JSON, by schema, with their descriptions. */
    static Map<String, Map<String, String>> anyJson() {
        return Map.of(
                "Job", Map.of("input", "Any JSON; passed on byte for byte", "metadata", "Any JSON"),
                "BatchRequest", Map.of("metadata", "Any JSON; shown with the batch"),
                "Batch", Map.of("metadata", "The client's own JSON, as it was sent"),
                "Result", Map.of("output", "If it succeeded: any JSON"),
                "JobKind", Map.of("input_schema", "JSON Schema (2020-12) of the input"));
    }
}
