package io.conveyor.batch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;
import org.springframework.util.unit.DataSize;

class IntakePropertiesTest {

    private static IntakeProperties bind(Map<String, String> values) {
        return new Binder(new MapConfigurationPropertySource(values))
                .bindOrCreate("conveyor.intake", IntakeProperties.class);
    }

    @Test
    void hasItsDefaults() {
        assertThat(bind(Map.of()))
                .isEqualTo(new IntakeProperties(
                        Duration.ofSeconds(10),
                        10_000_000,
                        DataSize.ofGigabytes(4),
                        DataSize.ofMegabytes(32),
                        200,
                        DataSize.ofMegabytes(1),
                        50_000_000,
                        Duration.ofMinutes(2),
                        Duration.ofHours(1),
                        128,
                        64));
    }

    @ParameterizedTest
    @CsvSource({
        "hold, -1s",
        "max-jobs, 0",
        "max-body, 0B",
        "max-json-body, 5GB",
        "max-json-body, 0B",
        "max-gzip-ratio, 1",
        "max-job-size, 1023B",
        "max-job-size, 65MB",
        "max-backlog, 0",
        "max-pause, 999ms",
        "max-pause, 25h",
        "max-duration, 999ms",
        "max-duration, 8d",
        "max-submissions, 0",
        "max-live, -1"
    })
    void refusesWhatCannotWorkAndSaysHowToMendIt(String key, String value) {
        assertThatThrownBy(() -> bind(Map.of("conveyor.intake." + key, value)))
                .hasRootCauseInstanceOf(IllegalArgumentException.class)
                .rootCause()
                .hasMessageContaining("conveyor.intake." + key + " is ")
                .hasMessageContaining("it must be");
    }
}
