package io.conveyor.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class OnErrorTest {

    @ParameterizedTest
    @CsvSource({
        "continue, 10, 10, true, false",
        "cancel_rest, 0, 10, true, false",
        "cancel_rest, 1, 10, false, true",
        "tolerate:0, 1, 10, false, true",
        "tolerate:3, 3, 10, true, false",
        "tolerate:3, 4, 10, false, true",
        "tolerate_percent:5, 5, 100, true, false",
        "tolerate_percent:5, 6, 100, true, true",
        "tolerate_percent:5, 6, 100, false, false",
        "tolerate_percent:5, 1, 19, true, true",
        "tolerate_percent:5, 1, 20, true, false",
        "tolerate_percent:0, 1, 10000000, true, true",
        "tolerate_percent:100, 10, 10, true, false",
        "tolerate_percent:99, 2147483647, 2147483647, true, true"
    })
    void isExceededByOneMoreThanIsTolerated(String rule, int failed, int total, boolean complete, boolean exceeded) {
        assertThat(OnError.ofText(rule).isExceededBy(failed, total, complete)).isEqualTo(exceeded);
    }

    @ParameterizedTest
    @ValueSource(strings = {"continue", "cancel_rest", "tolerate:0", "tolerate:1000000000", "tolerate_percent:100"})
    void comesBackFromItsText(String text) {
        assertThat(OnError.ofText(text).text()).isEqualTo(text);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "stop", "tolerate:", "tolerate:-1", "tolerate_percent:101", "cancel_rest:1"})
    void isNoneOfAnotherText(String text) {
        assertThatThrownBy(() -> OnError.ofText(text)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void isAWordOrAnObjectOnTheWire() {
        assertThat(OnError.CANCEL_REST.wireForm()).isEqualTo("cancel_rest");
        assertThat(new OnError(OnError.Rule.TOLERATE, 0).wireForm()).isEqualTo(Map.of("tolerate", 0));
    }
}
