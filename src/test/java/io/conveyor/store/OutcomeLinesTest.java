package io.conveyor.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.conveyor.job.JobState;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

class OutcomeLinesTest {

    private static final BatchRef BATCH = new BatchRef("t", 1, "b");

    @RepeatedTest(20)
    void blocksHoldTheLinesInOrderAndTheDirectoryFindsThem() {
        SplittableRandom random = BatchStoreContract.seeded();
        int firstIndex = random.nextInt(1_000_000_000);
        int firstSeq = 1 + random.nextInt(1_000_000_000);
        SegmentRef segment = SegmentRef.fresh(BATCH, firstIndex);
        List<OutcomeEntry> outcomes = new ArrayList<>();
        for (int place = 0; place < 1 + random.nextInt(256); place++) {
            outcomes.add(Batches.outcome(
                    segment,
                    firstIndex + place,
                    random.nextBoolean() ? JobState.FAILED : JobState.EXPIRED,
                    random.nextInt(30) == 0 ? random.nextInt(200_000) : random.nextInt(100)));
        }
        Batches.shuffle(outcomes, random);

        int n = 0;
        for (OutcomeLines block : OutcomeLines.blocks(outcomes, firstSeq)) {
            assertThat(block.count() == 1 || block.lines().length <= OutcomeLines.FULL_BYTES)
                    .isTrue();
            int offset = 0;
            for (int entry = 0; entry < block.count(); entry++, n++) {
                OutcomeEntry outcome = outcomes.get(n);
                byte[] directory = block.directory();
                assertThat(OutcomeLines.place(directory, entry)).isEqualTo(outcome.index() - firstIndex);
                assertThat(OutcomeLines.state(directory, entry)).isEqualTo(outcome.state());
                int length = OutcomeLines.length(directory, entry);
                assertThat(new String(
                                Arrays.copyOfRange(block.lines(), offset, offset + length), StandardCharsets.UTF_8))
                        .isEqualTo("{\"index\":" + outcome.index() + ",\"seq\":" + (firstSeq + n)
                                + new String(outcome.tail(), StandardCharsets.UTF_8) + "\n");
                offset += length;
            }
            assertThat(offset).isEqualTo(block.lines().length);
        }
        assertThat(n).isEqualTo(outcomes.size());
    }

    @Test
    void numbersAreWrittenAtTheirLimits() {
        SegmentRef segment = SegmentRef.fresh(BATCH, Integer.MAX_VALUE - 255);
        OutcomeEntry last = Batches.outcome(segment, Integer.MAX_VALUE);

        byte[] lines =
                OutcomeLines.blocks(List.of(last), Integer.MAX_VALUE).get(0).lines();

        assertThat(new String(lines, StandardCharsets.UTF_8))
                .startsWith("{\"index\":2147483647,\"seq\":2147483647,\"state\"")
                .endsWith("}\n");
        byte[] first = OutcomeLines.blocks(List.of(Batches.outcome(SegmentRef.fresh(BATCH, 0), 0)), 1)
                .get(0)
                .lines();
        assertThat(new String(first, StandardCharsets.UTF_8)).startsWith("{\"index\":0,\"seq\":1,\"state\"");
    }
}
