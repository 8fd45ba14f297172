package io.conveyor.handler.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;
import org.springframework.util.unit.DataSize;

class HttpJobPropertiesTest {

    @Test
    void defaults() {
        assertThat(bind(Map.of()))
                .isEqualTo(
                        new HttpJobProperties(List.of(), DataSize.ofMegabytes(1), Duration.ofSeconds(5), "conveyor"));
    }

    @Test
    void everyKey() {
        assertThat(bind(Map.of(
                        "conveyor.http.allow", "10.0.0.0/8,files.internal",
                        "conveyor.http.max-response", "2KB",
                        "conveyor.http.connect-timeout", "1s",
                        "conveyor.http.user-agent", "ua/1")))
                .isEqualTo(new HttpJobProperties(
                        List.of("10.0.0.0/8", "files.internal"),
                        DataSize.ofKilobytes(2),
                        Duration.ofSeconds(1),
                        "ua/1"));
    }

    @ParameterizedTest
    @CsvSource({
        "conveyor.http.allow, 10.0.0.0/33, CIDR block",
        "conveyor.http.max-response, 0B, from 1B to 1GB",
        "conveyor.http.max-response, 2GB, from 1B to 1GB",
        "conveyor.http.connect-timeout, 0ms, 1ms or more",
        "conveyor.http.user-agent, é, printable ASCII",
    })
    void badValuesKeepTheServiceFromStarting(String key, String value, String sentence) {
        assertThatThrownBy(() -> bind(Map.of(key, value)))
                .rootCause()
                .hasMessageContaining(key)
                .hasMessageContaining(sentence);
    }

    private static HttpJobProperties bind(Map<String, String> values) {
        return new Binder(new MapConfigurationPropertySource(values))
                .bindOrCreate("conveyor.http", HttpJobProperties.class);
    }
}
