package io.conveyor.batch;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;
import org.springframework.stereotype.Component;

/**
 * Meters of what is refused, and of the limit that the backlog is held against. They live here and not with the other
 * meters, so that limits and counts stay inside the package. Thread-safe.
 */
@Component
final class IntakeMeters implements MeterBinder {

    private final Refusals refusals;
    private final IntakeProperties limits;

    IntakeMeters(Refusals refusals, IntakeProperties limits) {
        this.refusals = refusals;
        this.limits = limits;
    }

    @Override
    public void bindTo(MeterRegistry registry) {
        for (Refusals.Reason reason : Refusals.Reason.values()) {
            FunctionCounter.builder("conveyor.refused", refusals, counts -> counts.count(reason))
                    .description("Submissions that were refused at a limit")
                    .tag("reason", reason.wireName())
                    .register(registry);
        }
        Gauge.builder("conveyor.backlog.limit", limits, IntakeProperties::maxBacklog)
                .description("Accepted jobs without an outcome from which on no more are taken")
                .baseUnit("jobs")
                .register(registry);
    }
}
