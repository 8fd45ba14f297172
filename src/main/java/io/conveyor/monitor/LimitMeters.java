package io.conveyor.monitor;

import io.conveyor.limit.Limit;
import io.conveyor.limit.Limits;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import org.springframework.stereotype.Component;

/** Meters of the operator's limits: how much of each is used, and who waits for it. */
@Component
final class LimitMeters {

    LimitMeters(Limits limits, MeterRegistry registry) {
        limits.byName().forEach((name, limit) -> {
            Gauge.builder("conveyor.limit.jobs", limit, Limit::taken)
                    .description("Jobs that hold a place in the limit")
                    .baseUnit("jobs")
                    .tag("limit", name)
                    .register(registry);
            Gauge.builder("conveyor.limit.waiting", limit, Limit::waiting)
                    .description("Batches that wait for a place in the limit")
                    .baseUnit("batches")
                    .tag("limit", name)
                    .register(registry);
        });
    }
}
