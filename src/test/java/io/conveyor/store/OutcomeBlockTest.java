package io.conveyor.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.conveyor.job.JobState;
import io.conveyor.job.Run;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class OutcomeBlockTest {

    private static final JsonMapper JSON = JsonMapper.shared();
    private static final BatchRef BATCH = new BatchRef("t", 1, "b");
    private static final SegmentRef FIRST = SegmentRef.fresh(BATCH, 0);
    private static final long STARTED =
            Instant.parse("2026-11-23T07:12:44.005Z").toEpochMilli();
    private static final Run RUN = new Run(1, 12, 345_000_000, STARTED, STARTED + 345, "conveyor-worker-1");

    private final ResultRenderer renderer = new ResultRenderer();

    /** The lines of a block, also cut by the lengths that are known without the values. */
    private List<String> lines(OutcomeBlock block, int firstIndex, int firstSeq) {
        ResultRenderer.Lines lines =
                renderer.render(firstIndex, firstSeq, block.directory(), block.facts(), block.values());
        ResultRenderer.Lines lengths = renderer.render(firstIndex, firstSeq, block.directory(), block.facts(), null);
        assertThat(lengths.bytes()).isNull();
        assertThat(lengths.lengths()).containsExactly(lines.lengths());
        byte[] bytes = Objects.requireNonNull(lines.bytes());
        List<String> cut = new ArrayList<>();
        int offset = 0;
        for (int length : lines.lengths()) {
            cut.add(new String(bytes, offset, length, StandardCharsets.UTF_8));
            offset += length;
        }
        return cut;
    }

    private String line(@Nullable String customId, JobState state, String value, Run run) {
        byte[] bytes = value.getBytes(StandardCharsets.UTF_8);
        OutcomeEntry outcome = new OutcomeEntry(FIRST, 0, "echo", customId, state, bytes, run);
        return lines(OutcomeBlock.blocks(List.of(outcome)).get(0), 0, 1).get(0);
    }

    @RepeatedTest(20)
    void blocksHoldTheOutcomesInOrderAndTheDirectoryFindsThem() {
        SplittableRandom random = Batches.seeded();
        int firstIndex = random.nextInt(1_000_000_000);
        int firstSeq = 1 + random.nextInt(1_000_000_000);
        SegmentRef segment = SegmentRef.fresh(BATCH, firstIndex);
        List<OutcomeEntry> outcomes = new ArrayList<>();
        for (int place = 0; place < 1 + random.nextInt(256); place++) {
            outcomes.add(Batches.outcome(
                    segment,
                    firstIndex + place,
                    random.nextBoolean() ? JobState.FAILED : JobState.SUCCEEDED,
                    random.nextInt(30) == 0 ? random.nextInt(200_000) : random.nextInt(100)));
        }
        Batches.shuffle(outcomes, random);

        int n = 0;
        for (OutcomeBlock block : OutcomeBlock.blocks(outcomes)) {
            assertThat(block.count() == 1 || block.values().length <= OutcomeBlock.FULL_BYTES)
                    .isTrue();
            List<String> lines = lines(block, firstIndex, firstSeq + n);
            for (int entry = 0; entry < block.count(); entry++, n++) {
                OutcomeEntry outcome = outcomes.get(n);
                assertThat(OutcomeBlock.place(block.directory(), entry)).isEqualTo(outcome.index() - firstIndex);
                assertThat(OutcomeBlock.state(block.directory(), entry)).isEqualTo(outcome.state());
                assertThat(lines.get(entry))
                        .isEqualTo("{\"index\":" + outcome.index() + ",\"seq\":" + (firstSeq + n)
                                + Batches.tail(outcome) + "\n");
            }
        }
        assertThat(n).isEqualTo(outcomes.size());
    }

    /** Names that come, go and come back, a clock that goes back, waits and attempts of any size. */
    @RepeatedTest(20)
    void factsComeBackWhateverWasBeforeThem() {
        SplittableRandom random = Batches.seeded();
        List<OutcomeEntry> outcomes = new ArrayList<>();
        for (int place = 0; place < 256; place++) {
            Run run = new Run(
                    random.nextInt(4),
                    random.nextBoolean() ? 7 : random.nextLong(1L << 40),
                    random.nextLong(1L << random.nextInt(1, 42)) * 1_000_000,
                    STARTED + random.nextLong(-1L << 35, 1L << 35),
                    STARTED + random.nextLong(-1L << 35, 1L << 35),
                    "worker-" + random.nextInt(6));
            String customId = random.nextBoolean() ? null : "id \"" + place + "\"";
            outcomes.add(new OutcomeEntry(
                    FIRST, place, "kind-" + random.nextInt(3), customId, JobState.FAILED, new byte[0], run));
        }
        OutcomeFacts.Packer packer = new OutcomeFacts.Packer(1);
        outcomes.forEach(outcome -> packer.add(outcome, false));
        OutcomeFacts.Cursor cursor = new OutcomeFacts.Cursor(packer.take());
        for (OutcomeEntry outcome : outcomes) {
            cursor.next();
            assertThat(cursor.kind()).isEqualTo(outcome.kind());
            assertThat(cursor.customId()).isEqualTo(outcome.customId());
            assertThat(new Run(
                            cursor.attempts(),
                            cursor.waitMillis(),
                            cursor.durationMillis() * 1_000_000,
                            cursor.startedAt(),
                            cursor.endedAt(),
                            cursor.worker()))
                    .isEqualTo(outcome.run());
        }
    }

    /** Few different values, so that neighbours often have all of them in common, and often all but one. */
    @RepeatedTest(20)
    void linesAreRightWhereNeighboursHaveMuchInCommon() {
        SplittableRandom random = Batches.seeded();
        List<OutcomeEntry> outcomes = new ArrayList<>();
        for (int place = 0; place < 256; place++) {
            boolean same = random.nextInt(3) > 0;
            Run run = new Run(
                    same ? 1 : random.nextInt(3),
                    same ? 5 : random.nextInt(2),
                    same ? 0 : random.nextInt(2) * 1_000_000L,
                    STARTED + (same ? 0 : random.nextInt(2)),
                    STARTED + (same ? 1 : random.nextInt(2)),
                    same ? "w" : "v");
            byte[] value = new byte[] {(byte) ('0' + place % 10)};
            outcomes.add(new OutcomeEntry(FIRST, place, "echo", null, JobState.SUCCEEDED, value, run));
        }
        List<String> lines = lines(OutcomeBlock.blocks(outcomes).get(0), 0, 1);
        for (int place = 0; place < 256; place++) {
            assertThat(lines.get(place))
                    .isEqualTo("{\"index\":" + place + ",\"seq\":" + (place + 1) + Batches.tail(outcomes.get(place))
                            + "\n");
        }
    }

    @Test
    void aValueThatManyHaveInCommonIsStoredOnce() {
        byte[] common = "{\"type\":\"/problems/job-cancelled\"}".getBytes(StandardCharsets.UTF_8);
        List<OutcomeEntry> outcomes = new ArrayList<>();
        for (int place = 0; place < 256; place++) {
            byte[] value = place % 50 == 7 ? new byte[] {'1'} : common;
            outcomes.add(new OutcomeEntry(FIRST, place, "echo", null, JobState.CANCELLED, value, RUN));
        }
        OutcomeBlock block = OutcomeBlock.blocks(outcomes).get(0);

        assertThat(block.values().length).isLessThan(8 * common.length);
        List<String> lines = lines(block, 0, 1);
        for (int place = 0; place < 256; place++) {
            assertThat(lines.get(place)).contains(Batches.tail(outcomes.get(place)));
        }
    }

    /** A job that waited for another attempt when its batch was cancelled. */
    @Test
    void anEndWithoutAnAttemptTellsOfTheLastOneAndNamesNoWorker() {
        Run run = new WaitingAttempt(0, 2, STARTED, 30, null).endedAt(STARTED + 5000, STARTED - 100);

        assertThat(line(null, JobState.CANCELLED, "{}", run))
                .contains("\"error\":{},\"attempts\":2,\"wait_ms\":100,\"duration_ms\":30,\"started_at\":")
                .endsWith("\"}");
        assertThat(JSON.readTree(line(null, JobState.CANCELLED, "{}", run)).has("worker"))
                .isFalse();
    }

    @Test
    void namesOfAnyLengthFit() {
        List<OutcomeEntry> outcomes = new ArrayList<>();
        for (int place = 0; place < 100; place++) {
            Run run = new Run(1, Long.MAX_VALUE >> 2, 0, STARTED, STARTED + place, "w".repeat(1 + place * 10));
            outcomes.add(new OutcomeEntry(
                    FIRST,
                    place,
                    "k".repeat(1 + place * 10),
                    "c".repeat(place * 10),
                    JobState.FAILED,
                    new byte[] {'1'},
                    run));
        }
        List<String> lines = lines(OutcomeBlock.blocks(outcomes).get(0), 0, 1);
        for (OutcomeEntry outcome : outcomes) {
            JsonNode line = JSON.readTree(lines.get(outcome.index()));
            assertThat(line.get("kind").asString()).isEqualTo(outcome.kind());
            assertThat(line.get("custom_id").asString()).isEqualTo(outcome.customId());
            assertThat(line.get("worker").asString()).isEqualTo(outcome.run().worker());
        }
    }

    @Test
    void aUsualOutcomeTakesAFewBytesBesideItsValue() {
        List<OutcomeEntry> outcomes = new ArrayList<>();
        for (int place = 0; place < 256; place++) {
            Run run =
                    new Run(1, 1500 + place / 50, 0, STARTED + place / 50, STARTED + place / 50, "worker-" + place % 4);
            outcomes.add(new OutcomeEntry(FIRST, place, "echo", null, JobState.SUCCEEDED, new byte[30], run));
        }
        OutcomeBlock block = OutcomeBlock.blocks(outcomes).get(0);
        assertThat(block.directory().length + block.facts().length).isLessThan(256 * 12);
    }

    @Test
    void theLineHasTheFieldsOfTheContractInTheirOrder() {
        assertThat(line("a", JobState.SUCCEEDED, "1.10", RUN))
                .isEqualTo("{\"index\":0,\"seq\":1,\"custom_id\":\"a\",\"kind\":\"echo\",\"state\":\"succeeded\","
                        + "\"output\":1.10,\"attempts\":1,\"wait_ms\":12,\"duration_ms\":345,"
                        + "\"started_at\":\"2026-11-23T07:12:44.005Z\",\"ended_at\":\"2026-11-23T07:12:44.350Z\","
                        + "\"worker\":\"conveyor-worker-1\"}\n");
    }

    @Test
    void aFailureHasAnErrorAndAKindThatCouldNotBeReadIsLeftOut() {
        OutcomeEntry outcome = new OutcomeEntry(
                FIRST, 3, "", null, JobState.FAILED, "{\"type\":1}".getBytes(StandardCharsets.UTF_8), RUN);
        assertThat(lines(OutcomeBlock.blocks(List.of(outcome)).get(0), 0, 9).get(0))
                .startsWith("{\"index\":3,\"seq\":9,\"state\":\"failed\",\"error\":{\"type\":1},\"attempts\":1,");
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
        assertThat(line(null, JobState.SUCCEEDED, json, RUN)).contains("\"output\":" + json + ",\"attempts\"");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"plain", "", "with \"quotes\"", "back\\slash", "line\nbreak", "nul\0", "Grüße, 日本 😀", "~\u007f"
            })
    void namesComeBackAsTheyWere(String name) {
        JsonNode line = JSON.readTree(line(name, JobState.SUCCEEDED, "1", new Run(1, 0, 0, 0, 0, name)));
        assertThat(line.get("custom_id").asString()).isEqualTo(name);
        assertThat(line.path("worker").asString("")).isEqualTo(name);
    }

    @Test
    void timesBeforeAndAcrossASecondAreRight() {
        List<OutcomeEntry> outcomes = new ArrayList<>();
        for (long millis : new long[] {STARTED, STARTED + 994, STARTED + 995, STARTED - 5, -1, 0, STARTED}) {
            Run run = new Run(1, 0, 0, millis, millis + 1, "w");
            outcomes.add(
                    new OutcomeEntry(FIRST, outcomes.size(), "echo", null, JobState.SUCCEEDED, new byte[] {'1'}, run));
        }
        List<String> lines = lines(OutcomeBlock.blocks(outcomes).get(0), 0, 1);
        for (OutcomeEntry outcome : outcomes) {
            JsonNode line = JSON.readTree(lines.get(outcome.index()));
            assertThat(Instant.parse(line.get("started_at").asString()).toEpochMilli())
                    .isEqualTo(outcome.run().startedAt());
            assertThat(Instant.parse(line.get("ended_at").asString()).toEpochMilli())
                    .isEqualTo(outcome.run().endedAt());
        }
    }

    @Test
    void numbersAreWrittenAtTheirLimits() {
        for (long number : new long[] {0, 9, 10, 99, 100, 12_345, Integer.MAX_VALUE, Long.MAX_VALUE >> 1}) {
            Run run = new Run((int) Math.min(Math.max(number, 1), Integer.MAX_VALUE), number, number, 0, 0, "w");
            assertThat(line(null, JobState.SUCCEEDED, "1", run))
                    .contains(",\"attempts\":" + run.attempts() + ",\"wait_ms\":" + number + ",\"duration_ms\":"
                            + number / 1_000_000 + ",\"started_at\":");
        }
        SegmentRef segment = SegmentRef.fresh(BATCH, Integer.MAX_VALUE - 255);
        OutcomeBlock last = OutcomeBlock.blocks(List.of(Batches.outcome(segment, Integer.MAX_VALUE)))
                .get(0);
        assertThat(lines(last, segment.firstIndex(), Integer.MAX_VALUE).get(0))
                .startsWith("{\"index\":2147483647,\"seq\":2147483647,\"kind\"")
                .endsWith("}\n");
    }
}
