package io.conveyor.job;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.Test;

class JobErrorTest {

    @Test
    void anErrorIsAProblemWhoseOwnMembersExtensionsCannotReplace() {
        Map<String, Object> members = new JobError(
                        "job-failed", "The job failed", "No.", true, Map.of("type", "forged", "exit_code", 3))
                .members();
        assertThat(members)
                .containsEntry("type", "/problems/job-failed")
                .containsEntry("detail", "No.")
                .containsEntry("retryable", true)
                .containsEntry("exit_code", 3);
    }
}
