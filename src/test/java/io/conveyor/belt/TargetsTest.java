package io.conveyor.belt;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** How often what fails may be tried again, and when. */
class TargetsTest {

    private static final Duration LONGEST = Duration.ofMinutes(5);
    private static final String HOST = "host:80";

    private final ManualClock time = new ManualClock();

    /** A fifth of the calls, and one a second beside: 10 saved at the most. */
    private final Targets targets = targets(20, 16);

    private Targets targets(int percent, int capacity) {
        return new Targets(
                new BeltProperties.RetryBudget(percent, 1), LONGEST, time.clock(), bound -> bound - 1, capacity);
    }

    /** How many may go before the first that may not. */
    private int goes() {
        int count = 0;
        while (targets.ask(HOST) == Targets.NOW) {
            count++;
        }
        return count;
    }

    @Test
    void aTargetThatFailsGetsWhatIsSavedAndThenOneASecond() {
        assertThat(goes()).isEqualTo(10);
        time.advance(Duration.ofSeconds(3));
        assertThat(goes()).isEqualTo(3);
        time.advance(Duration.ofHours(1));
        assertThat(goes()).isEqualTo(10);
    }

    @Test
    void firstAttemptsPayForAFifthOfAFurtherOne() {
        goes();
        for (int call = 0; call < 15; call++) {
            targets.called(HOST);
        }
        assertThat(goes()).isEqualTo(3);
    }

    @Test
    void aSuccessAllowsOneMore() {
        goes();
        targets.succeeded(HOST);
        targets.succeeded(HOST);
        assertThat(goes()).isEqualTo(2);
    }

    @Test
    void whatIsPutOffComesOneBehindTheOtherAndNotForEver() {
        goes();
        TreeSet<Long> places = new TreeSet<>();
        for (int n = 0; n < 200; n++) {
            places.add(targets.ask(HOST));
        }
        assertThat(places).hasSize(200);
        assertThat(places.first()).isGreaterThan(time.millis());
        assertThat(places.last() - places.first()).isBetween(199_000L, 200_000L);
        for (int n = 0; n < 1000; n++) {
            assertThat(targets.ask(HOST)).isLessThanOrEqualTo(time.millis() + LONGEST.toMillis());
        }
    }

    @Test
    void nothingGoesBeforeTheMomentThatTheTargetHasNamedAndThenOneBehindTheOther() {
        targets.failed(HOST, Duration.ofMinutes(30));
        targets.failed(HOST, Duration.ofMinutes(1)); // the longer one stands
        long then = time.millis() + Duration.ofMinutes(30).toMillis();

        long first = targets.ask(HOST);
        long second = targets.ask(HOST);

        assertThat(first).isGreaterThanOrEqualTo(then);
        assertThat(second).isGreaterThan(first);
        time.advance(Duration.ofMinutes(30));
        assertThat(targets.ask(HOST)).isEqualTo(Targets.NOW);
    }

    @Test
    void targetsDoNotBearForEachOtherAndThoseWithoutOneForNobody() {
        goes();
        targets.failed(HOST, Duration.ofMinutes(1));
        targets.failed(null, Duration.ofMinutes(1));

        assertThat(targets.ask("other:80")).isEqualTo(Targets.NOW);
        for (int n = 0; n < 100; n++) {
            assertThat(targets.ask(null)).isEqualTo(Targets.NOW);
        }
    }

    @Test
    void knowsSoManyTargetsAndForgetsTheOneThatWasMetLeastRecently() {
        goes();
        for (int n = 0; n < 15; n++) {
            targets.called("other-" + n);
        }
        targets.called("other-0");
        assertThat(goes()).isZero();
        targets.called("one-more"); // other-1 goes, the host does not
        assertThat(goes()).isZero();
        for (int n = 0; n < 100; n++) {
            targets.called("more-" + n);
        }
        assertThat(targets.size()).isEqualTo(16);
        assertThat(goes()).isEqualTo(10);
    }
}
