package io.conveyor.handler;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.conveyor.job.JobKind;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.json.JsonMapper;

class HandlerRegistryTest {

    private final HandlerRegistry registry =
            new HandlerRegistry(List.of(new SleepHandler(), new HashHandler(), new EchoHandler()));

    @Test
    void findsAHandlerByTheNameOfItsKind() {
        assertThat(registry.find("hash")).containsInstanceOf(HashHandler.class);
        assertThat(registry.find("nothing")).isEmpty();
    }

    @Test
    void listsItsKindsByName() {
        assertThat(registry.kinds()).extracting(JobKind::name).containsExactly("echo", "hash", "sleep");
    }

    @Test
    void twoHandlersOfOneNameKeepTheServiceFromStarting() {
        List<JobHandler> twice = List.of(new EchoHandler(), new EchoHandler());

        assertThatExceptionOfType(HandlerStartException.class)
                .isThrownBy(() -> new HandlerRegistry(twice))
                .withMessageContaining("'echo'")
                .satisfies(refusal -> assertThat(refusal.remedy()).contains("Give one of them another name"));
    }

    static List<JobHandler> kinds() {
        return List.of(new SleepHandler(), new HashHandler(), new EchoHandler());
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void schemasAreJson(JobHandler handler) {
        assertThat(JsonMapper.shared().readTree(handler.kind().inputSchema()).isMissingNode())
                .isFalse();
    }
}
