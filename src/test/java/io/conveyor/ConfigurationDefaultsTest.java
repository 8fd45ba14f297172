package io.conveyor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.entry;

import java.lang.reflect.Method;
import java.lang.reflect.RecordComponent;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.Bindable;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;
import org.springframework.context.annotation.ClassPathScanningCandidateComponentProvider;
import org.springframework.core.type.filter.AnnotationTypeFilter;

/** Pins every key and every default: an operator's configuration goes on meaning what it meant. */
class ConfigurationDefaultsTest {

    @Test
    void everyKeyHasTheDefaultThatItAlwaysHad() throws Exception {
        assertThat(bound(Map.of()))
                .containsOnly(
                        entry("conveyor.clients.min-rate", "1024B"),
                        entry("conveyor.commands", "{}"),
                        entry("conveyor.drain", "PT30S"),
                        entry("conveyor.callback.secret", "[]"),
                        entry("conveyor.callback.secrets", "{}"),
                        entry("conveyor.http.allow", "[]"),
                        entry("conveyor.http.connect-timeout", "PT5S"),
                        entry("conveyor.http.max-response", "1048576B"),
                        entry("conveyor.http.user-agent", "conveyor"),
                        entry("conveyor.intake.hold", "PT10S"),
                        entry("conveyor.intake.max-backlog", "50000000"),
                        entry("conveyor.intake.max-body", "4294967296B"),
                        entry("conveyor.intake.max-gzip-ratio", "200"),
                        entry("conveyor.intake.max-job-size", "1048576B"),
                        entry("conveyor.intake.max-jobs", "10000000"),
                        entry("conveyor.intake.max-json-body", "33554432B"),
                        entry("conveyor.intake.max-live", "64"),
                        entry("conveyor.intake.max-duration", "PT1H"),
                        entry("conveyor.intake.max-pause", "PT2M"),
                        entry("conveyor.intake.max-submissions", "128"),
                        entry("conveyor.job.alone", "PT5S"),
                        entry("conveyor.job.backoff.first", "PT1S"),
                        entry("conveyor.job.backoff.longest", "PT5M"),
                        entry("conveyor.job.backoff.longest-retry-after", "PT1H"),
                        entry("conveyor.job.max-attempts", "1"),
                        entry("conveyor.job.retry-budget.per-second", "10"),
                        entry("conveyor.job.retry-budget.percent", "20"),
                        entry("conveyor.job.timeout", "PT1M"),
                        entry("conveyor.limits", "{}"),
                        entry("conveyor.plugins.directory", "plugins"),
                        entry("conveyor.pool.caller-runs", "null"),
                        entry("conveyor.pool.queue-bytes", "67108864B"),
                        entry("conveyor.pool.queue-capacity", "256"),
                        entry("conveyor.pool.workers", "null"),
                        entry("conveyor.reserve", "67108864B"),
                        entry("conveyor.retention", "PT168H"),
                        entry("conveyor.stream.max-open", "4096"));
    }

    @Test
    void aDeclaredCommandHasTheDefaultsThatItAlwaysHad() throws Exception {
        Map<String, String> command = bound(Map.of("conveyor.commands.sort.program", "sort"));
        command.keySet().removeIf(key -> !key.startsWith("conveyor.commands"));

        assertThat(command)
                .containsOnly(
                        entry("conveyor.commands.sort.program", "sort"),
                        entry("conveyor.commands.sort.args", "[]"),
                        entry("conveyor.commands.sort.mode", "PROCESS"),
                        entry("conveyor.commands.sort.timeout", "PT1M"),
                        entry("conveyor.commands.sort.max-output", "1048576B"),
                        entry("conveyor.commands.sort.recycle-after", "null"),
                        entry("conveyor.commands.sort.idle-timeout", "PT1M"),
                        entry("conveyor.commands.sort.env", "{}"),
                        entry("conveyor.commands.sort.directory", "null"));
    }

    /** Every key of every property record, with the value that it has when these properties are given. */
    private static Map<String, String> bound(Map<String, String> properties) throws Exception {
        ClassPathScanningCandidateComponentProvider scanner = new ClassPathScanningCandidateComponentProvider(false);
        scanner.addIncludeFilter(new AnnotationTypeFilter(ConfigurationProperties.class));
        Binder binder = new Binder(new MapConfigurationPropertySource(properties));
        Map<String, String> values = new TreeMap<>();
        for (var found : scanner.findCandidateComponents("io.conveyor")) {
            Class<?> type = Class.forName(found.getBeanClassName());
            String prefix = type.getAnnotation(ConfigurationProperties.class).value();
            flatten(prefix, binder.bindOrCreate(prefix, Bindable.of(type)), values);
        }
        return values;
    }

    private static void flatten(String prefix, Object value, Map<String, String> values) throws Exception {
        if (value instanceof Record) {
            for (RecordComponent component : value.getClass().getRecordComponents()) {
                Method accessor = component.getAccessor();
                accessor.setAccessible(true);
                String name = component.getName().replaceAll("([A-Z])", "-$1").toLowerCase(Locale.ROOT);
                flatten(prefix + "." + name, accessor.invoke(value), values);
            }
        } else if (value instanceof Map<?, ?> map && map.values().stream().anyMatch(Record.class::isInstance)) {
            for (Map.Entry<?, ?> entry : map.entrySet()) {
                flatten(prefix + "." + entry.getKey(), entry.getValue(), values);
            }
        } else {
            values.put(prefix, String.valueOf(value));
        }
    }
}
