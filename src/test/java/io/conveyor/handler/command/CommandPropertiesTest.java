package io.conveyor.handler.command;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.conveyor.handler.HandlerRegistry;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.annotation.Configuration;
import org.springframework.util.unit.DataSize;

class CommandPropertiesTest {

    private final ApplicationContextRunner context = new ApplicationContextRunner()
            .withUserConfiguration(Properties.class, CommandConfiguration.class, HandlerRegistry.class);

    @Test
    void defaults() {
        assertThat(bind(Map.of()).commands()).isEmpty();
        assertThat(bind(Map.of("conveyor.commands.it.program", "sh")).commands())
                .containsExactly(Map.entry(
                        "it",
                        new CommandProperties.Command(
                                "sh",
                                List.of(),
                                CommandProperties.Mode.PROCESS,
                                Duration.ofSeconds(60),
                                DataSize.ofMegabytes(1),
                                null,
                                Duration.ofSeconds(60),
                                Map.of(),
                                null)));
    }

    @Test
    void everyKey() {
        assertThat(bind(Map.of(
                                "conveyor.commands.to-upper.program", "/bin/sh",
                                "conveyor.commands.to-upper.args", "-c,tr a-z A-Z",
                                "conveyor.commands.to-upper.mode", "resident",
                                "conveyor.commands.to-upper.timeout", "2s",
                                "conveyor.commands.to-upper.max-output", "3KB",
                                "conveyor.commands.to-upper.recycle-after", "1000",
                                "conveyor.commands.to-upper.idle-timeout", "5m",
                                "conveyor.commands.to-upper.env.API_KEY", "secret",
                                "conveyor.commands.to-upper.directory", "/"))
                        .commands())
                .containsExactly(Map.entry(
                        "to-upper",
                        new CommandProperties.Command(
                                "/bin/sh",
                                List.of("-c", "tr a-z A-Z"),
                                CommandProperties.Mode.RESIDENT,
                                Duration.ofSeconds(2),
                                DataSize.ofKilobytes(3),
                                1000,
                                Duration.ofMinutes(5),
                                Map.of("API_KEY", "secret"),
                                "/")));
    }

    @Test
    void secretsAreNotInItsText() {
        assertThat(bind(Map.of("conveyor.commands.it.program", "sh", "conveyor.commands.it.env.KEY", "secret"))
                        .toString())
                .contains("KEY")
                .doesNotContain("secret");
    }

    @ParameterizedTest
    @CsvSource({
        "program, /no/such/program, absolute path",
        "program, no-such-program, on the PATH",
        "program, ./sh, absolute path",
        "program, /bin, not an executable file",
        "program, /etc/passwd, not an executable file",
        "timeout, 0s, 1ms or more",
        "max-output, 0B, from 1B to 1GB",
        "max-output, 2GB, from 1B to 1GB",
        "directory, /no/such/directory, make it",
        "directory, /etc/passwd, not a directory",
        "recycle-after, 0, 1 or more",
        "recycle-after, 5, conveyor.commands.it.mode=resident",
        "idle-timeout, 0s, 1ms or more",
    })
    void badValuesKeepTheServiceFromStarting(String key, String value, String sentence) {
        Map<String, String> values = new HashMap<>(Map.of("conveyor.commands.it.program", "sh"));
        values.put("conveyor.commands.it." + key, value);

        assertThatThrownBy(() -> bind(values))
                .rootCause()
                .hasMessageContaining("conveyor.commands.it." + key)
                .hasMessageContaining(sentence);
    }

    @Test
    void aResidentProcessHasNoPlaceForTheArgumentsOfAJob() {
        assertThatThrownBy(() -> bind(Map.of(
                        "conveyor.commands.it.program", "sh",
                        "conveyor.commands.it.args", "-c,{args}",
                        "conveyor.commands.it.mode", "resident")))
                .rootCause()
                .hasMessageContaining("conveyor.commands.it.args")
                .hasMessageContaining("take {args} out");
    }

    @ParameterizedTest
    @ValueSource(strings = {"1st", "Upper", "-a", "under_score"})
    void badNamesKeepTheServiceFromStarting(String name) {
        assertThatThrownBy(() -> new CommandProperties(Map.of(name, command())))
                .hasMessageContaining("conveyor.commands." + name + " needs another name");
    }

    @Test
    void withoutADeclaredProgramThereIsNoSuchKind() {
        context.run(started -> assertThat(started.getBean(HandlerRegistry.class).find("command"))
                .isEmpty());
    }

    @Test
    void withADeclaredProgramThereIs(@TempDir Path directory) {
        context.withPropertyValues("conveyor.commands.it.program=sh", "conveyor.commands.it.directory=" + directory)
                .run(started -> assertThat(
                                started.getBean(HandlerRegistry.class).find("command"))
                        .isPresent());
    }

    private static CommandProperties.Command command() {
        return new CommandProperties.Command(
                "sh",
                List.of(),
                CommandProperties.Mode.PROCESS,
                Duration.ofSeconds(1),
                DataSize.ofKilobytes(1),
                null,
                Duration.ofSeconds(1),
                Map.of(),
                null);
    }

    private static CommandProperties bind(Map<String, String> values) {
        return new Binder(new MapConfigurationPropertySource(values)).bindOrCreate("conveyor", CommandProperties.class);
    }

    @Configuration(proxyBeanMethods = false)
    @EnableConfigurationProperties(CommandProperties.class)
    static class Properties {}
}
