package io.conveyor.web;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.OptionalInt;
import java.util.SplittableRandom;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PreferencesTest {

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "wait=10 | 10 | false",
                "WAIT = 10 | 10 | false",
                "wait=\"10\" | 10 | false",
                "wait=0 | 0 | false",
                "respond-async | | true",
                "Respond-Async, wait=10 | 10 | true",
                "respond-async; wait=3 | | true",
                "wait=10; foo=bar | 10 | false",
                "wait=\"10\";foo=\"a,b\", respond-async | 10 | true",
                "wait=5, wait=10 | 5 | false",
                "wait=oops, wait=10 | | false",
                "foo=\"a, wait=7\" | | false",
                "foo; x=\"respond-async\", , return=minimal | | false",
                "wait | | false",
                "wait= | | false",
                "wait=-1 | | false",
                "wait=1.5 | | false",
                "wait=99999999999 | | false",
                "wait=\"10 | | false",
                "=;, | | false",
            })
    void preferencesAreReadAsTheRfcSays(String header, Integer wait, boolean async) {
        OptionalInt seconds = wait == null ? OptionalInt.empty() : OptionalInt.of(wait);
        assertThat(Preferences.of(List.of(header))).isEqualTo(new Preferences(seconds, async));
    }

    @Test
    void severalHeadersAreOneList() {
        assertThat(Preferences.of(List.of("respond-async", "wait=4")))
                .isEqualTo(new Preferences(OptionalInt.of(4), true));
        assertThat(Preferences.of(List.of())).isEqualTo(new Preferences(OptionalInt.empty(), false));
    }

    @RepeatedTest(200)
    void noHeaderFails(RepetitionInfo repetition) {
        // The seed is the number of the repetition, which a failure shows.
        SplittableRandom random = new SplittableRandom(repetition.getCurrentRepetition());
        String[] parts = {"wait", "respond-async", "=", ";", ",", "\"", "\\", " ", "10", "\t", "é"};
        StringBuilder header = new StringBuilder();
        for (int i = random.nextInt(12); i > 0; i--) {
            header.append(parts[random.nextInt(parts.length)]);
        }
        Preferences found = Preferences.of(List.of(header.toString()));
        found.waitSeconds().ifPresent(s -> assertThat(s).as(header.toString()).isNotNegative());
    }
}
