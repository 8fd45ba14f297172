package io.conveyor.soak;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/** What the verdict says of series that are made up. */
final class VerdictTest {

    /** Half an hour, less the time to warm up. */
    private static final int SAMPLES = 150;

    private static final List<Allowance> ALLOWANCES =
            List.of(new Allowance("share ", 0, 0.10, 1000), new Allowance("", 3, 0, 100));

    private final long seed = System.nanoTime();
    private final SplittableRandom random = new SplittableRandom(seed);

    private static Verdict.Row on(String name, IntToDoubleFunction series) {
        double[] values = IntStream.range(0, SAMPLES).mapToDouble(series).toArray();
        return Verdict.on(Map.of(name, values), ALLOWANCES).rows().get(0);
    }

    @Test
    void whatStandsStillIsGreen() {
        assertThat(on("threads", n -> 40).red()).isFalse();
    }

    @RepeatedTest(20)
    void whatIsNoisyIsGreen() {
        assertThat(on("threads", n -> 40 + random.nextInt(10)).red())
                .as("seed %d", seed)
                .isFalse();
    }

    @RepeatedTest(20)
    void whatLeaksSlowlyIsRedHoweverNoisy() {
        Verdict.Row row = on("threads", n -> 40 + random.nextInt(10) + n / 15.0);

        assertThat(row.grows()).as("seed %d", seed).isTrue();
        assertThat(row.tooMuch()).isFalse();
    }

    @Test
    void whatSawsIsGreenWhateverItsPeriodAndPhase() {
        for (int period = 2; period <= SAMPLES / 8; period++) {
            for (int phase = 0; phase < period; phase++) {
                int teeth = period;
                int shift = phase;
                Verdict.Row row = on("memory", n -> 20 + 15.0 * ((n + shift) % teeth) / teeth);
                assertThat(row.red()).as("period %d, phase %d", period, phase).isFalse();
            }
        }
    }

    @Test
    void whatSawsAndLeaksIsRed() {
        for (int period = 2; period <= SAMPLES / 8; period++) {
            int teeth = period;
            assertThat(on("memory", n -> 20 + 15.0 * (n % teeth) / teeth + n / 10.0)
                            .grows())
                    .as("period %d", period)
                    .isTrue();
        }
    }

    @Test
    void whatComesOnceAndGoesIsGreen() {
        assertThat(on("threads", n -> n > 140 && n < 150 ? 60 : 40).red()).isFalse();
    }

    @Test
    void whatComesOnceAndStaysIsRed() {
        assertThat(on("threads", n -> n > 90 ? 45 : 40).grows()).isTrue();
    }

    @Test
    void whatShrinksIsGreen() {
        assertThat(on("memory", n -> 90 - n / 3.0).red()).isFalse();
    }

    @Test
    void oneSampleAboveTheCeilingIsRed() {
        Verdict.Row row = on("threads", n -> n == 77 ? 101 : 40);

        assertThat(row.tooMuch()).isTrue();
        assertThat(row.grows()).isFalse();
    }

    @Test
    void aShareOfTheBeginIsAllowed() {
        assertThat(on("share of much", n -> 500 + n / 4.0).red()).isFalse();
        assertThat(on("share of little", n -> 50 + n / 4.0).grows()).isTrue();
    }

    @Test
    void whatIsRedStandsFirstInTheTable() {
        double[] flat = new double[SAMPLES];
        double[] growing = IntStream.range(0, SAMPLES).asDoubleStream().toArray();
        Verdict verdict = Verdict.on(
                Map.of(
                        "flat",
                        flat,
                        "growing",
                        Arrays.stream(growing).map(v -> v / 2).toArray()),
                ALLOWANCES);

        assertThat(verdict.red()).extracting(Verdict.Row::series).containsExactly("growing");
        assertThat(verdict.table().lines().skip(1))
                .first()
                .asString()
                .startsWith("growing")
                .endsWith("GROWS");
    }

    @Test
    void tooFewSamplesTellNothing() {
        assertThatThrownBy(() -> Verdict.on(Map.of("threads", new double[Verdict.FEWEST - 1]), ALLOWANCES))
                .hasMessageContaining("tell nothing");
    }

    @Test
    void aSeriesThatNobodyKnowsIsNotPassedOver() {
        assertThatThrownBy(() -> Verdict.on(Map.of("novelty", new double[SAMPLES]), Allowance.OF_A_SERVICE))
                .hasMessageContaining("novelty");
    }
}
