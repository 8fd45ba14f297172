package io.conveyor.batch;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import io.conveyor.job.Job;
import io.conveyor.job.JobState;
import org.jspecify.annotations.Nullable;

/** A result that is not there yet: what can be said of a job that is pending or running. */
@JsonInclude(JsonInclude.Include.NON_NULL)
record JobView(
        @JsonProperty("index") int index,
        @JsonProperty("custom_id") @Nullable String customId,
        @JsonProperty("kind") String kind,
        @JsonProperty("state") String state) {

    static JobView of(Job job, boolean running) {
        JobState state = running ? JobState.RUNNING : JobState.PENDING;
        return new JobView(job.index(), job.customId(), job.kind(), state.wireName());
    }
}
