package io.conveyor.batch;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import io.swagger.v3.oas.annotations.media.Schema;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.info.BuildProperties;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/** The entry point: where everything is, and which limits are in force. Thread-safe: its answer never changes. */
@RestController
final class ServiceController {

    private final Service service;

    ServiceController(IntakeProperties limits, ObjectProvider<BuildProperties> build) {
        BuildProperties properties = build.getIfAvailable();
        service = new Service(
                "conveyor",
                properties == null ? null : properties.getVersion(),
                new Links(
                        "/v1",
                        BatchController.PATH,
                        "/v1/job-kinds",
                        "/swagger-ui.html",
                        "/v3/api-docs",
                        "/actuator/health"),
                Limits.of(limits));
    }

    @GetMapping(path = "/v1", produces = MediaType.APPLICATION_JSON_VALUE)
    Service service() {
        return service;
    }

    /** The service as a whole. */
    @Schema(name = "Service")
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record Service(
            @Schema(requiredMode = Schema.RequiredMode.REQUIRED) @JsonProperty("name")
            String name,

            @JsonProperty("version") @Nullable String version,

            @Schema(requiredMode = Schema.RequiredMode.REQUIRED) @JsonProperty("links")
            Links links,

            @Schema(requiredMode = Schema.RequiredMode.REQUIRED) @JsonProperty("limits")
            Limits limits) {}

    /** Paths on this service. */
    @Schema(name = "ServiceLinks")
    record Links(
            @JsonProperty("self") String self,
            @JsonProperty("batches") String batches,
            @JsonProperty("job_kinds") String jobKinds,
            @JsonProperty("documentation") String documentation,
            @JsonProperty("openapi") String openapi,
            @JsonProperty("health") String health) {}

    /** What a request may not go beyond. */
    @Schema(name = "Limits")
    record Limits(
            @JsonProperty("max_jobs") int maxJobs,
            @JsonProperty("max_body_bytes") long maxBodyBytes,
            @JsonProperty("max_json_body_bytes") long maxJsonBodyBytes,
            @JsonProperty("max_job_bytes") long maxJobBytes,
            @JsonProperty("max_backlog_jobs") long maxBacklogJobs,
            @JsonProperty("max_submissions") int maxSubmissions,
            @JsonProperty("max_timeout_ms") long maxTimeoutMs,
            @JsonProperty("max_wait_seconds") int maxWaitSeconds,
            @JsonProperty("hold_ms") long holdMs) {

        static Limits of(IntakeProperties limits) {
            return new Limits(
                    limits.maxJobs(),
                    limits.maxBody().toBytes(),
                    limits.maxJsonBody().toBytes(),
                    limits.maxJobSize().toBytes(),
                    limits.maxBacklog(),
                    limits.maxSubmissions(),
                    JobReader.MAX_TIMEOUT_MILLIS,
                    LongPoll.MAX_SECONDS,
                    limits.hold().toMillis());
        }
    }
}
