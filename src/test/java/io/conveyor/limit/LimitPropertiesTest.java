package io.conveyor.limit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;

class LimitPropertiesTest {

    private static LimitProperties bind(Map<String, String> keys) {
        return new Binder(new MapConfigurationPropertySource(keys)).bindOrCreate("conveyor", LimitProperties.class);
    }

    @Test
    void everyKey() {
        assertThat(bind(Map.of()).limits()).isEmpty();
        assertThat(bind(Map.of(
                                "conveyor.limits.crm.kinds", "http,call",
                                "conveyor.limits.crm.hosts", "CRM.example.com",
                                "conveyor.limits.crm.concurrency", "4",
                                "conveyor.limits.crm.rate", "20",
                                "conveyor.limits.crm.per", "1m"))
                        .limits())
                .containsExactly(Map.entry(
                        "crm",
                        new LimitProperties.Rule(
                                List.of("http", "call"), List.of("crm.example.com"), 4, 20, Duration.ofMinutes(1))));
    }

    @ParameterizedTest
    @CsvSource({
        "kinds, http, limits nothing",
        "concurrency, 4, says for no job that it holds for it",
        "hosts, https://api.example.com, conveyor.limits.it.hosts has 'https://api.example.com'",
        "concurrency, 0, conveyor.limits.it.concurrency is 0; set it from 1 to 1000000",
        "rate, 1000001, conveyor.limits.it.rate is 1000001; set it from 1 to 1000000",
        "per, 0s, conveyor.limits.it.per is PT0S; set it from 1ms to 1d",
        "per, 25h, conveyor.limits.it.per is PT25H; set it from 1ms to 1d"
    })
    void whatCannotBeMeantStopsTheStart(String key, String value, String sentence) {
        Map<String, String> keys = new HashMap<>();
        if (!key.equals("concurrency") || !value.equals("4")) {
            keys.put("conveyor.limits.it.kinds", "http");
        }
        if (key.equals("per") || key.equals("hosts")) {
            keys.put("conveyor.limits.it.rate", "1");
        }
        keys.put("conveyor.limits.it." + key, value);

        assertThatThrownBy(() -> bind(keys)).rootCause().hasMessageContaining(sentence);
    }

    @Test
    void aNameIsOneThatFitsMetersAndKeys() {
        assertThatThrownBy(() -> bind(Map.of("conveyor.limits.[1st].kinds", "http")))
                .rootCause()
                .hasMessageContaining("needs another name");
    }

    @ParameterizedTest
    @CsvSource({
        "http, , api.example.com:443, true",
        "echo, , api.example.com:443, false",
        ", api.example.com, api.example.com:443, true",
        ", api.example.com, api.example.com:8443, true",
        ", api.example.com:443, api.example.com:443, true",
        ", API.example.com., api.example.com:443, true",
        ", api.example.com.:443, api.example.com:443, true",
        ", api.example.com:443, api.example.com:8443, false",
        ", api.example.com, example.com:443, false",
        ", api.example.com, , false",
        "http, api.example.com, api.example.com:443, true",
        "echo, api.example.com, api.example.com:443, false"
    })
    void aRuleHoldsForItsKindsAndHosts(String kind, String host, String target, boolean holds) {
        LimitProperties.Rule rule = new LimitProperties.Rule(
                kind == null ? List.of() : List.of(kind),
                host == null ? List.of() : List.of(host),
                1,
                null,
                Duration.ofSeconds(1));

        assertThat(rule.holdsFor("http", target)).isEqualTo(holds);
    }
}
