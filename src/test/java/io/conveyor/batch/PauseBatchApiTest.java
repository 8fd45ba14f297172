package io.conveyor.batch;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.test.context.TestPropertySource;

/** Pausing and resuming batches, as clients see them. */
@TestPropertySource(
        properties = {"conveyor.pool.workers=1", "conveyor.pool.caller-runs=0", "conveyor.intake.hold=200ms"})
class PauseBatchApiTest extends ServiceTest {

    private static final String GATE = "{\"kind\":\"gate\",\"input\":false}";

    @SuppressWarnings("NullAway.Init")
    PauseBatchApiTest() {}

    private Api.Reply ask(String path) {
        return api.send("POST", path, null).join();
    }

    private void begin(String id, int jobs) throws InterruptedException {
        String body = "[" + (GATE + ",").repeat(jobs - 1) + GATE + "]";
        assertThat(api.put(id, body, "Prefer", "respond-async").status()).isEqualTo(202);
        assertThat(gate.begun.tryAcquire(60, TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void aPausedBatchStartsNothingUntilItIsResumedAndBothAreSafeToRepeat() throws Exception {
        begin("pausing", 5);

        for (int time = 0; time < 2; time++) {
            Api.Reply paused = ask("/v1/batches/pausing/pause");
            assertThat(paused.status()).isEqualTo(200);
            assertThat(paused.header("Location")).isEqualTo("/v1/batches/pausing");
            assertThat(paused.at("/state").asString()).isEqualTo("paused");
        }
        gate.open.release(5);
        // The one that ran ends; the worker is free for another batch, and not for the paused one.
        assertThat(api.post("[{\"kind\":\"echo\"}]", "Prefer", "wait=60").status())
                .isEqualTo(200);
        Api.Reply meanwhile = api.get("/v1/batches/pausing");
        assertThat(meanwhile.at("/state").asString()).isEqualTo("paused");
        assertThat(meanwhile.at("/counts/succeeded").asInt()).isEqualTo(1);
        assertThat(meanwhile.at("/counts/pending").asInt()).isEqualTo(4);
        assertThat(api.get("/v1/batches?state=paused").at("/items").size()).isEqualTo(1);

        assertThat(ask("/v1/batches/pausing/resume").at("/state").asString()).isEqualTo("running");
        Api.Reply ended = api.get("/v1/batches/pausing?wait=60");
        assertThat(ended.at("/outcome").asString()).isEqualTo("succeeded");
        assertThat(ended.at("/counts/succeeded").asInt()).isEqualTo(5);
    }

    @ParameterizedTest
    @ValueSource(strings = {"pause", "resume"})
    void whatHasEndedOrIsNotThereCannotBeChanged(String change) {
        api.put("over-" + change, "[{\"kind\":\"echo\"}]", "Prefer", "wait=60");

        Api.Reply refused = ask("/v1/batches/over-" + change + "/" + change);

        assertThat(refused.status()).isEqualTo(409);
        assertThat(refused.problem()).isEqualTo("batch-not-running");
        assertThat(refused.at("/state").asString()).isEqualTo("ended");
        assertThat(ask("/v1/batches/nobody/" + change).problem()).isEqualTo("batch-not-found");
        assertThat(ask("/v1/batches/over-" + change + "/" + change + "?now=1").problem())
                .isEqualTo("invalid-parameter");
    }
}
