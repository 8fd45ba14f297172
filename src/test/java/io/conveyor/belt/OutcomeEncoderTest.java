package io.conveyor.belt;

import static org.assertj.core.api.Assertions.assertThat;

import io.conveyor.handler.JobOutput;
import io.conveyor.job.Job;
import io.conveyor.job.JobError;
import io.conveyor.job.JobState;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A result line, as far as the thread that ran the job writes it. */
class OutcomeEncoderTest {

    private static final OutcomeEncoder.Run RUN =
            new OutcomeEncoder.Run(1, 20, 30, 1_700_000_000_007L, 1_700_000_000_037L, "crew-1");

    @Test
    void writesEveryFieldInTheOrderOfTheContract() {
        assertThat(tail("a-1", output("1.10"), RUN))
                .isEqualTo(",\"custom_id\":\"a-1\",\"kind\":\"echo\",\"state\":\"succeeded\",\"output\":1.10,"
                        + "\"attempts\":1,\"wait_ms\":20,\"duration_ms\":30,\"started_at\":\"2023-11-14T22:13:20.007Z\","
                        + "\"ended_at\":\"2023-11-14T22:13:20.037Z\",\"worker\":\"crew-1\"}");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"plain", "", "with \"quotes\"", "back\\slash", "line\nbreak", "nul\0", "Grüße, 日本", "~\u007f"})
    void namesComeBackAsTheyWere(String name) {
        JsonNode line = JsonMapper.shared()
                .readTree("{\"index\":0" + tail(name, output("true"), new OutcomeEncoder.Run(1, 0, 0, 0, 0, name)));

        assertThat(line.get("custom_id").asString()).isEqualTo(name);
        assertThat(line.get("worker").asString()).isEqualTo(name);
    }

    @ParameterizedTest
    @ValueSource(strings = {"{\n  \"a\": 1\n}", "[1,\r\n2]"})
    void aResultIsOneLineWhateverTheOutputLooksLike(String json) {
        assertThat(tail(null, output(json), RUN)).doesNotContain("\n", "\r");
    }

    @Test
    void anErrorIsAProblem() {
        OutcomeEncoder.Outcome failed =
                new OutcomeEncoder.Outcome(JobState.FAILED, null, JobError.failed("a\nb", false));

        assertThat(tail(null, failed, RUN))
                .contains("\"error\":{\"type\":\"/problems/job-failed\"")
                .doesNotContain("\n");
    }

    private static OutcomeEncoder.Outcome output(String json) {
        return new OutcomeEncoder.Outcome(
                JobState.SUCCEEDED, JobOutput.ofJson(json).json(), null);
    }

    private static String tail(String customId, OutcomeEncoder.Outcome outcome, OutcomeEncoder.Run run) {
        Job job = new Job(0, "echo", customId, 0, null, null);
        return new String(new OutcomeEncoder().tail(job, outcome, run), StandardCharsets.UTF_8);
    }
}
