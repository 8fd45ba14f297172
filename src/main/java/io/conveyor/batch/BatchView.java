package io.conveyor.batch;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonRawValue;
import io.conveyor.job.BatchOutcome;
import io.conveyor.job.BatchRules;
import io.conveyor.job.BatchState;
import io.conveyor.job.Tally;
import io.conveyor.store.StoredBatch;
import io.swagger.v3.oas.annotations.media.Schema;
import java.nio.charset.StandardCharsets;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * A batch as clients see it. Times are RFC 3339 in UTC with milliseconds.
 *
 * @param metadata the client's JSON, byte for byte
 */
@Schema(name = "Batch", description = "A batch: where it stands, and what has come of its jobs")
@JsonInclude(JsonInclude.Include.NON_NULL)
record BatchView(
        @Schema(example = "batch_01k9x3v1c2e6pt9k0m4d7r8s5z", requiredMode = Schema.RequiredMode.REQUIRED)
        @JsonProperty("id")
        String id,

        @JsonProperty("name") @Nullable String name,

        @Schema(
                description = "The list is open-ended",
                example = "running",
                requiredMode = Schema.RequiredMode.REQUIRED)
        @JsonProperty("state")
        String state,

        @Schema(description = "Only once ended: succeeded, partial, failed, …", example = "succeeded")
        @JsonProperty("outcome")
        @Nullable
        String outcome,

        @Schema(requiredMode = Schema.RequiredMode.REQUIRED) @JsonProperty("counts")
        Counts counts,

        @JsonProperty("progress") @Nullable Progress progress,

        @Schema(
                description = "What failed jobs mean for the others",
                implementation = ApiSchemas.OnErrorRule.class,
                requiredMode = Schema.RequiredMode.REQUIRED)
        @JsonProperty("on_error")
        Object onError,

        @Schema(description = "How many of its jobs may run at once, if it says so")
        @JsonProperty("max_concurrency")
        @Nullable
        Integer maxConcurrency,

        @Schema(description = "Attempts at the most for jobs without their own, if it says so")
        @JsonProperty("max_attempts")
        @Nullable
        Integer maxAttempts,

        @Schema(format = "date-time", description = "From then on none of its jobs starts")
        @JsonProperty("deadline_at")
        @Nullable
        String deadlineAt,

        @Schema(description = "The client's own JSON, as it was sent", implementation = Object.class)
        @JsonRawValue
        @JsonProperty("metadata")
        @Nullable
        String metadata,

        @Schema(description = "Id of the batch of which it repeats jobs") @JsonProperty("retry_of") @Nullable
        String retryOf,

        @Schema(description = "Id of the batch whose end began it") @JsonProperty("continuation_of") @Nullable
        String continuationOf,

        @Schema(format = "date-time", requiredMode = Schema.RequiredMode.REQUIRED) @JsonProperty("created_at")
        String createdAt,

        @Schema(format = "date-time") @JsonProperty("started_at") @Nullable
        String startedAt,

        @Schema(format = "date-time") @JsonProperty("cancel_requested_at") @Nullable
        String cancelRequestedAt,

        @Schema(format = "date-time") @JsonProperty("ended_at") @Nullable
        String endedAt,

        @Schema(format = "date-time", description = "When it is deleted") @JsonProperty("expires_at") @Nullable
        String expiresAt,

        @Schema(requiredMode = Schema.RequiredMode.REQUIRED) @JsonProperty("links")
        Links links) {

    /**
     * What the belt knows of a batch at this moment.
     *
     * @param running jobs that run, before it is held against what the store knows
     * @param startedAt when its first job started, if that is known
     * @param now the present, milliseconds since the epoch
     */
    record Live(int running, OptionalLong startedAt, long now) {}

    static BatchView of(StoredBatch batch, Live live) {
        byte[] metadata = batch.metadata();
        BatchOutcome outcome = batch.outcome();
        BatchRules rules = batch.rules();
        Long startedAt = batch.startedAt();
        if (startedAt == null && live.startedAt().isPresent()) {
            startedAt = live.startedAt().getAsLong();
        }
        return new BatchView(
                batch.ref().id(),
                batch.name(),
                batch.state().wireName(),
                outcome == null ? null : outcome.wireName(),
                Counts.of(batch.tally(), live.running(), batch.state() == BatchState.OPEN),
                Progress.of(batch, startedAt, live.now()),
                rules.onError().wireForm(),
                rules.maxConcurrency() == 0 ? null : rules.maxConcurrency(),
                rules.maxAttempts() == 0 ? null : rules.maxAttempts(),
                Timestamps.ofNullable(batch.deadlineAt()),
                metadata == null ? null : new String(metadata, StandardCharsets.UTF_8),
                batch.origin().retryOf(),
                batch.origin().continuationOf(),
                Timestamps.of(batch.createdAt()),
                Timestamps.ofNullable(startedAt),
                Timestamps.ofNullable(batch.cancelRequestedAt()),
                Timestamps.ofNullable(batch.endedAt()),
                Timestamps.ofNullable(batch.expiresAt()),
                Links.of(batch.ref().id()));
    }

    /** How many jobs are in each state; they always sum to {@code total}, which is not known while the upload arrives. */
    @Schema(name = "Counts", description = "Jobs by state; they always sum to the total")
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record Counts(
            @Schema(description = "Left out while the upload arrives") @JsonProperty("total") @Nullable
            Integer total,

            @Schema(requiredMode = Schema.RequiredMode.REQUIRED) @JsonProperty("pending")
            int pending,

            @Schema(requiredMode = Schema.RequiredMode.REQUIRED) @JsonProperty("running")
            int running,

            @Schema(requiredMode = Schema.RequiredMode.REQUIRED) @JsonProperty("succeeded")
            int succeeded,

            @Schema(requiredMode = Schema.RequiredMode.REQUIRED) @JsonProperty("failed")
            int failed,

            @Schema(requiredMode = Schema.RequiredMode.REQUIRED) @JsonProperty("cancelled")
            int cancelled,

            @Schema(requiredMode = Schema.RequiredMode.REQUIRED) @JsonProperty("expired")
            int expired) {

        /** The tally decides; what runs was counted at another moment and gives way. */
        static Counts of(Tally tally, int running, boolean open) {
            int runningNow = Math.max(0, Math.min(running, tally.open()));
            return new Counts(
                    open ? null : tally.total(),
                    tally.open() - runningNow,
                    runningNow,
                    tally.succeeded(),
                    tally.failed(),
                    tally.cancelled(),
                    tally.expired());
        }
    }

    /** How fast a running batch has been so far, and what follows from it. */
    @Schema(name = "Progress", description = "While the batch runs and something of it is done")
    record Progress(
            @Schema(requiredMode = Schema.RequiredMode.REQUIRED, description = "Outcomes a second since the start")
            @JsonProperty("rate_per_second")
            double ratePerSecond,

            @Schema(requiredMode = Schema.RequiredMode.REQUIRED) @JsonProperty("eta_seconds")
            long etaSeconds) {

        static @Nullable Progress of(StoredBatch batch, @Nullable Long startedAt, long now) {
            int recorded = batch.tally().recorded();
            if (batch.ended() || batch.state() == BatchState.OPEN || startedAt == null || recorded == 0) {
                return null;
            }
            double rate = recorded * 1000.0 / Math.max(1, now - startedAt);
            double shown = rate >= 100 ? Math.round(rate) : Math.round(rate * 1000) / 1000.0;
            return new Progress(shown, (long) Math.ceil(batch.tally().open() / rate));
        }
    }

    /** Where to go from here: paths on this service. */
    @Schema(name = "BatchLinks")
    record Links(
            @Schema(requiredMode = Schema.RequiredMode.REQUIRED, example = "/v1/batches/nightly-1")
            @JsonProperty("self")
            String self,

            @Schema(requiredMode = Schema.RequiredMode.REQUIRED, example = "/v1/batches/nightly-1/results")
            @JsonProperty("results")
            String results,

            @Schema(
                    requiredMode = Schema.RequiredMode.REQUIRED,
                    description = "Results and progress as server-sent events",
                    example = "/v1/batches/nightly-1/events")
            @JsonProperty("events")
            String events,

            @Schema(
                    requiredMode = Schema.RequiredMode.REQUIRED,
                    description = "POST here to cancel the batch",
                    example = "/v1/batches/nightly-1/cancel")
            @JsonProperty("cancel")
            String cancel) {

        /** An id needs no escapes: its characters are safe in a path. */
        static Links of(String id) {
            String self = "/v1/batches/" + id;
            return new Links(self, self + "/results", self + "/events", self + "/cancel");
        }
    }
}
