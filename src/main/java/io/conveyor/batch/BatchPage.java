package io.conveyor.batch;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import io.swagger.v3.oas.annotations.media.Schema;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Some of the batches, newest first, and the way to those that follow. */
@Schema(name = "BatchPage", description = "Batches, newest first; without next_cursor there are no more")
@JsonInclude(JsonInclude.Include.NON_NULL)
record BatchPage(
        @Schema(requiredMode = Schema.RequiredMode.REQUIRED) @JsonProperty("items")
        List<BatchView> items,

        @JsonProperty("next_cursor") @Nullable String nextCursor,
        @JsonProperty("next") @Nullable String next) {}
