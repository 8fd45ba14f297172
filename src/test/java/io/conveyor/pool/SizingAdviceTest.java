package io.conveyor.pool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.Test;

class SizingAdviceTest {

    private static final long MILLI = 1_000_000;

    private final SizingAdvice sizing = new SizingAdvice();

    @Test
    void advisesProcessorsTimesOnePlusWaitOverCompute() {
        sizing.record("http", 90 * MILLI, 15 * MILLI);
        sizing.record("http", 110 * MILLI, 5 * MILLI);

        SizingAdvice.Advice advice = sizing.advice(2).get(0);

        assertThat(advice.kind()).isEqualTo("http");
        assertThat(advice.jobs()).isEqualTo(2);
        assertThat(advice.meanWallMillis()).isCloseTo(100, within(1e-9));
        assertThat(advice.meanCpuMillis()).isCloseTo(10, within(1e-9));
        assertThat(advice.waitShare()).isCloseTo(0.9, within(1e-9));
        assertThat(advice.suggestedWorkers()).isEqualTo(20);
        assertThat(advice.because())
                .isEqualTo("2 processors x (1 + 90.000 ms waiting / 10.000 ms computing), the means of 2 jobs");
    }

    @Test
    void isBoundedForPureWaitingPureComputingAndNothing() {
        sizing.record("compute", 10, 12);
        sizing.record("nothing", 0, 0);
        sizing.record("sleep", 10 * MILLI, 0);

        assertThat(sizing.advice(4))
                .extracting(SizingAdvice.Advice::suggestedWorkers)
                .containsExactly(4, 4, 10_000);
        assertThatThrownBy(() -> sizing.advice(0)).hasMessageContaining("give 1 or more");
        assertThatThrownBy(() -> sizing.record("x", -1, 0)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void tellsAThousandKindsApartAndCountsTheRestTogether() {
        for (int i = 0; i < 1003; i++) {
            sizing.record("kind-" + i, MILLI, MILLI);
        }
        List<SizingAdvice.Advice> advice = sizing.advice(1);
        assertThat(advice).hasSize(1001);
        assertThat(advice.get(1000).kind()).isEqualTo(SizingAdvice.OTHER_KINDS);
        assertThat(advice.get(1000).jobs()).isEqualTo(3);
    }
}
