package io.conveyor.batch;

import static org.assertj.core.api.Assertions.assertThat;

import io.conveyor.job.BatchRules;
import io.conveyor.job.BatchState;
import io.conveyor.job.OnError;
import io.conveyor.job.Tally;
import io.conveyor.store.BatchRef;
import io.conveyor.store.Origin;
import io.conveyor.store.StoredBatch;
import java.nio.charset.StandardCharsets;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.json.JsonMapper;

class BatchViewTest {

    private static final long CREATED = 1_790_000_000_000L;

    private static StoredBatch stored(Tally tally, BatchState state, @Nullable Long startedAt) {
        return stored(tally, state, startedAt, BatchRules.NONE, Origin.CLIENT);
    }

    private static StoredBatch stored(
            Tally tally, BatchState state, @Nullable Long startedAt, BatchRules rules, Origin origin) {
        return new StoredBatch(
                new BatchRef("default", 7, "b"),
                null,
                "{\"a\":  1.10}".getBytes(StandardCharsets.UTF_8),
                new byte[0],
                rules,
                origin,
                state,
                null,
                tally,
                tally.total(),
                CREATED,
                startedAt,
                null,
                null,
                null,
                null);
    }

    @ParameterizedTest
    @CsvSource({"0, 5, 0", "3, 2, 3", "5, 0, 5", "9, 0, 5", "-1, 5, 0"})
    void countsSumToTheTotalWhateverRuns(int running, int pending, int shown) {
        BatchView.Counts counts = BatchView.Counts.of(new Tally(10, 2, 1, 1, 1), running, false);

        assertThat(BatchView.Counts.of(new Tally(10, 2, 1, 1, 1), running, true).total())
                .isNull();
        assertThat(counts).isEqualTo(new BatchView.Counts(10, pending, shown, 2, 1, 1, 1));
    }

    @Test
    void writesItsFieldsInTheOrderOfTheContractAndLeavesNullsOut() {
        StoredBatch batch = stored(new Tally(4, 1, 0, 0, 0), BatchState.RUNNING, null);
        BatchView view = BatchView.of(batch, new BatchView.Live(1, OptionalLong.of(CREATED), CREATED + 2000));

        assertThat(new JsonMapper().writeValueAsString(view)).isEqualTo("""
                        {"id":"b","state":"running",\
                        "counts":{"total":4,"pending":2,"running":1,"succeeded":1,"failed":0,"cancelled":0,"expired":0},\
                        "progress":{"rate_per_second":0.5,"eta_seconds":6},"on_error":"continue","metadata":{"a":  1.10},\
                        "created_at":"2026-09-21T14:13:20.000Z","started_at":"2026-09-21T14:13:20.000Z",\
                        "links":{"self":"/v1/batches/b","results":"/v1/batches/b/results",\
                        "events":"/v1/batches/b/events","cancel":"/v1/batches/b/cancel"}}""");
    }

    @Test
    void showsRulesAndOriginWhereThereAreSome() {
        BatchRules rules = new BatchRules(5, 4, 3, 2000, OnError.ofText("tolerate_percent:5"));
        StoredBatch batch =
                stored(new Tally(1, 0, 0, 0, 0), BatchState.RUNNING, null, rules, new Origin("batch_1", "batch_2"));
        BatchView view = BatchView.of(batch, new BatchView.Live(0, OptionalLong.empty(), CREATED));

        assertThat(new JsonMapper().writeValueAsString(view)).contains("""
                        "on_error":{"tolerate_percent":5},"max_concurrency":3,"max_attempts":4,\
                        "deadline_at":"2026-09-21T14:13:22.000Z","metadata":{"a":  1.10},\
                        "retry_of":"batch_1","continuation_of":"batch_2","created_at":""");
    }

    @Test
    void tellsNoProgressBeforeTheFirstOutcomeOrAfterTheLast() {
        BatchView.Live live = new BatchView.Live(1, OptionalLong.of(CREATED), CREATED + 1);

        assertThat(BatchView.of(stored(new Tally(4, 0, 0, 0, 0), BatchState.RUNNING, CREATED), live)
                        .progress())
                .isNull();
        assertThat(BatchView.of(stored(new Tally(1, 1, 0, 0, 0), BatchState.ENDED, CREATED), live)
                        .progress())
                .isNull();
    }

    @Test
    void prefersTheStartThatIsOnTheDisk() {
        BatchView.Live live = new BatchView.Live(1, OptionalLong.of(CREATED + 5), CREATED + 9);

        assertThat(BatchView.of(stored(new Tally(4, 0, 0, 0, 0), BatchState.RUNNING, CREATED + 1), live)
                        .startedAt())
                .isEqualTo("2026-09-21T14:13:20.001Z");
    }
}
