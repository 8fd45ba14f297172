package io.conveyor.belt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.conveyor.handler.HandlerRegistry;
import io.conveyor.handler.HandlerStartException;
import io.conveyor.handler.JobOutput;
import io.conveyor.limit.LimitProperties;
import io.conveyor.limit.Limits;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** A limit that is spelled wrong does not leave a target without one. */
class LimitedKindsTest {

    private final HandlerRegistry handlers =
            new HandlerRegistry(List.of(BeltHarness.handler("call", job -> new JobOutput(job.input()))));

    @SuppressWarnings("NullAway.Init")
    LimitedKindsTest() {}

    private static Limits limits(List<String> kinds, List<String> hosts) {
        return Limits.of(Map.of("crm", new LimitProperties.Rule(kinds, hosts, 4, null, Duration.ofSeconds(1))));
    }

    @Test
    void aLimitForAKindThatNobodyHasStopsTheStart() {
        try (Limits limits = limits(List.of("call", "cal"), List.of())) {
            assertThatExceptionOfType(HandlerStartException.class)
                    .isThrownBy(() -> BeltConfiguration.requireKinds(limits, handlers))
                    .withMessageContaining("conveyor.limits.crm.kinds names 'cal'")
                    .satisfies(refusal -> assertThat(refusal.remedy()).contains("call"));
        }
    }

    @Test
    void aLimitForOneThatIsThereOrForAHostDoesNot() {
        for (Limits each : List.of(limits(List.of("call"), List.of()), limits(List.of(), List.of("example.com")))) {
            try (Limits limits = each) {
                assertThatCode(() -> BeltConfiguration.requireKinds(limits, handlers))
                        .doesNotThrowAnyException();
            }
        }
    }
}
