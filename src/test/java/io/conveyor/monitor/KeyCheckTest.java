package io.conveyor.monitor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.conveyor.ConveyorApplication;
import io.conveyor.belt.PoolProperties;
import io.conveyor.handler.command.CommandProperties;
import io.conveyor.handler.http.HttpJobProperties;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.core.env.MapPropertySource;
import org.springframework.core.env.SystemEnvironmentPropertySource;

class KeyCheckTest {

    private final ApplicationContextRunner service =
            new ApplicationContextRunner().withBean(KeyCheck.class).withUserConfiguration(Keys.class);

    @EnableConfigurationProperties({PoolProperties.class, HttpJobProperties.class, CommandProperties.class})
    static class Keys {}

    @ParameterizedTest
    @ValueSource(
            strings = {
                "conveyor.pool.queue-capacity=3",
                "conveyor.pool.queueCapacity=3",
                "conveyor.pool.queue_capacity=3",
                "conveyor.http.allow=a,b",
                "conveyor.http.allow[0]=a",
                "conveyor.commands.sort.env.TZ=UTC",
                "conveyor.commands[sort].program=sort",
                "conveyors.pool.wrokers=3",
                "server.prot=1"
            })
    void aKeyThatIsReadIsTakenAndOthersAreNoBusinessOfOurs(String property) {
        service.withPropertyValues("conveyor.commands.sort.program=sort", property)
                .run(context -> assertThat(context).hasNotFailed());
    }

    @ParameterizedTest
    @CsvSource({
        "conveyor.pool.queue-capacty=3, conveyor.pool.queue-capacity",
        "conveyor.queue-capacity=3, conveyor.pool.queue-capacity",
        "conveyor.http.alow[0]=a,    conveyor.http.allow",
        "conveyor.commands.sort.progarm=sort, conveyor.commands.sort.program"
    })
    void aKeyThatNobodyReadsStopsTheStartAndNamesTheNearest(String property, String nearest) {
        String key = property.substring(0, property.indexOf('='));

        service.withPropertyValues(property)
                .run(context -> assertThat(context.getStartupFailure())
                        .isInstanceOf(UnknownKeyException.class)
                        .hasMessageContaining("no configuration key '" + key + "'")
                        .hasMessageEndingWith("Did you mean '" + nearest + "'?"));
    }

    @Test
    void aKeyLikeNoOtherIsRefusedWithAllThatThereAre() {
        service.withPropertyValues("conveyor.warp.drive=on").run(context -> {
            FailureAnalysis analysis = new UnknownKeyFailureAnalyzer().analyze(context.getStartupFailure());
            assertThat(analysis.getDescription())
                    .startsWith("There is no configuration key 'conveyor.warp.drive'")
                    .doesNotContain("Did you mean");
            assertThat(analysis.getAction())
                    .contains(" conveyor.commands.*.env, ")
                    .endsWith("conveyor.pool.queue-bytes, conveyor.pool.queue-capacity, conveyor.pool.workers");
        });
    }

    @ParameterizedTest
    @CsvSource({
        "CONVEYOR_POOL_QUEUECAPACITY, true",
        "CONVEYOR_POOL_QUEUE_CAPACITY, true",
        "CONVEYOR_POOL_QUEUECAPACTY, false",
        "CONVEYOR_HTTP_ALLOW_0_, true",
        "CONVEYOR_HTTP_ALOW, false",
        "CONVEYOR_COMMANDS_SORT_ENV_TZ, true",
        "CONVEYOR_PORT, true",
        "CONVEYOR_SERVICE_HOST, true",
        "CONVEYOR_PORT_8080_TCP_ADDR, true"
    })
    void ofEnvironmentVariablesOnlyTheMisspeltKeysAreRefused(String variable, boolean taken) {
        service.withInitializer(context -> context.getEnvironment()
                        .getPropertySources()
                        .addLast(new SystemEnvironmentPropertySource("shell", Map.of(variable, "3"))))
                .run(context -> assertThat(context.getStartupFailure() == null).isEqualTo(taken));
    }

    @Test
    void theRefusalSaysWhereTheKeyStands() {
        service.withInitializer(context -> context.getEnvironment()
                        .getPropertySources()
                        .addLast(new MapPropertySource("my settings", Map.of("conveyor.pool.queue-capacty", 3))))
                .run(context -> assertThat(context.getStartupFailure()).hasMessageContaining("(found in my settings)"));
    }

    @Test
    void theWholeServiceRefusesAMisspeltKeyBeforeItOpensAnything() {
        SpringApplication application = new SpringApplication(ConveyorApplication.class);
        application.setWebApplicationType(WebApplicationType.NONE);

        Throwable refusal = catchThrowable(() -> application
                .run("--conveyor.pool.wrokers=8", "--spring.datasource.url=jdbc:nothing")
                .close());

        assertThat(refusal)
                .isInstanceOf(UnknownKeyException.class)
                .hasMessageEndingWith("Did you mean 'conveyor.pool.workers'?");
    }
}
