package io.conveyor.batch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.conveyor.web.ApiException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.mock.web.MockHttpServletRequest;

class ParametersTest {

    @ParameterizedTest
    @ValueSource(strings = {"", " 1", "007", "+5", "-0x1", "1e2", "1.0", "\u0663", "99999999999999999999", "0", "101"})
    void whatIsNoPlainNumberInItsRangeIsRefused(String value) {
        assertThatThrownBy(() -> Parameters.number("limit", value, 1, 100, 7))
                .isInstanceOf(ApiException.class)
                .hasMessageContaining("it is a plain number, from 1 to 100.");
    }

    @Test
    void aPlainNumberIsRead() {
        assertThat(Parameters.number("limit", "100", 1, 100, 7)).isEqualTo(100);
        assertThat(Parameters.number("limit", "0", 0, 100, 7)).isZero();
        assertThat(Parameters.number("limit", null, 1, 100, 7)).isEqualTo(7);
    }

    /** What a parameter says is looked at even where something else counts more. */
    @ParameterizedTest
    @CsvSource({"last_event_id,x", "after,x"})
    void whatIsOverruledIsNotIgnored(String name, String value) {
        MockHttpServletRequest request = new MockHttpServletRequest();
        request.addHeader("Last-Event-ID", "4");
        request.setParameter(name, value);

        assertThatThrownBy(() -> ResultRequest.of(request, ResultStreams.Format.EVENTS))
                .isInstanceOf(ApiException.class)
                .hasMessageContaining(name);
    }
}
