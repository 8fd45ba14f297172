package io.conveyor.belt;

import static org.assertj.core.api.Assertions.assertThat;

import io.conveyor.belt.OutcomeEncoder.Outcome;
import io.conveyor.belt.OutcomeEncoder.Run;
import io.conveyor.handler.JobOutput;
import io.conveyor.job.Job;
import io.conveyor.job.JobError;
import io.conveyor.job.JobState;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class OutcomeEncoderTest {

    private static final JsonMapper JSON = JsonMapper.shared();
    private static final long STARTED =
            Instant.parse("2026-11-23T07:12:44.005Z").toEpochMilli();
    private static final Run RUN = new Run(1, 12, 345, STARTED, STARTED + 345, "conveyor-worker-1");

    private final OutcomeEncoder encoder = new OutcomeEncoder();

    private String line(Job job, Outcome outcome) {
        return "{\"index\":0,\"seq\":1" + new String(encoder.tail(job, outcome, RUN), StandardCharsets.UTF_8);
    }

    private static Job job(String customId) {
        return new Job(0, "echo", customId, 0, null, null);
    }

    private static Outcome output(String json) {
        return new Outcome(JobState.SUCCEEDED, JobOutput.ofJson(json).json(), null);
    }

    @Test
    void theLineHasTheFieldsOfTheContractInTheirOrder() {
        assertThat(line(job("a"), output("1.10")))
                .isEqualTo("{\"index\":0,\"seq\":1,\"custom_id\":\"a\",\"kind\":\"echo\",\"state\":\"succeeded\","
                        + "\"output\":1.10,\"attempts\":1,\"wait_ms\":12,\"duration_ms\":345,"
                        + "\"started_at\":\"2026-11-23T07:12:44.005Z\",\"ended_at\":\"2026-11-23T07:12:44.350Z\","
                        + "\"worker\":\"conveyor-worker-1\"}");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "12345678901234567890",
                "1.10",
                "-0.0",
                "1e400",
                "\"\\u00e4\\/\"",
                "[ 1 , 2 ]",
                "{\"a\":\"ä\"}",
                "null"
            })
    void outputsComeBackByteForByte(String json) {
        assertThat(line(job(null), output(json))).contains("\"output\":" + json + ",\"attempts\"");
    }

    @Test
    void aResultIsOneLineWhateverTheOutputLooksLike() {
        String line = line(job(null), output("{\r\n  \"a\": \"x\\ny\"\n}"));
        assertThat(line).doesNotContain("\n", "\r").contains("\"output\":{    \"a\": \"x\\ny\" }");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"plain", "", "with \"quotes\"", "back\\slash", "line\nbreak", "nul\0", "Grüße, 日本 😀", "~\u007f"
            })
    void namesComeBackAsTheyWere(String name) {
        Run run = new Run(1, 0, 0, 0, 0, name);
        String tail = new String(encoder.tail(job(name), output("1"), run), StandardCharsets.UTF_8);
        JsonNode line = JSON.readTree("{\"index\":0" + tail);
        assertThat(line.get("custom_id").asString()).isEqualTo(name);
        assertThat(line.get("worker").asString()).isEqualTo(name);
    }

    @Test
    void anErrorIsAProblemWhoseOwnMembersExtensionsCannotReplace() {
        JobError error = new JobError(
                "job-failed", "The job failed", "No.", true, java.util.Map.of("type", "forged", "exit_code", 3));
        JsonNode problem = JSON.readTree(line(job(null), new Outcome(JobState.FAILED, null, error)))
                .get("error");
        assertThat(problem.get("type").asString()).isEqualTo("/problems/job-failed");
        assertThat(problem.get("detail").asString()).isEqualTo("No.");
        assertThat(problem.get("retryable").asBoolean()).isTrue();
        assertThat(problem.get("exit_code").asInt()).isEqualTo(3);
    }

    @Test
    void timesBeforeAndAcrossASecondAreRight() {
        for (long millis : new long[] {STARTED, STARTED + 994, STARTED + 995, STARTED - 5, -1, 0}) {
            Run run = new Run(1, 0, 0, millis, millis, "w");
            String tail = new String(encoder.tail(job(null), output("1"), run), StandardCharsets.UTF_8);
            String text = tail.replaceAll(".*\"started_at\":\"([^\"]*)\".*", "$1");
            assertThat(Instant.parse(text).toEpochMilli()).isEqualTo(millis);
        }
    }

    @Test
    void numbersOfEveryLengthAreRight() {
        for (long number : new long[] {0, 9, 10, 99, 100, 12_345, Integer.MAX_VALUE, Long.MAX_VALUE}) {
            Run run = new Run((int) Math.min(number, Integer.MAX_VALUE), number, number, 0, 0, "w");
            assertThat(new String(encoder.tail(job(null), output("1"), run), StandardCharsets.UTF_8))
                    .contains(",\"attempts\":" + run.attempts() + ",\"wait_ms\":" + number + ",\"duration_ms\":"
                            + number + ",\"started_at\":");
        }
    }
}
