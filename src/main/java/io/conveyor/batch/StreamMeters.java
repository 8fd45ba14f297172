package io.conveyor.batch;

import io.conveyor.web.stream.StreamPump;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;
import org.springframework.stereotype.Component;

/** Meters of the streams of results, by the form in which they go out. Thread-safe. */
@Component
final class StreamMeters implements MeterBinder {

    private final StreamPump pump;

    StreamMeters(StreamPump pump) {
        this.pump = pump;
    }

    @Override
    public void bindTo(MeterRegistry registry) {
        for (ResultStreams.Format format : ResultStreams.Format.values()) {
            Gauge.builder("conveyor.streams", pump, streams -> streams.open(format.wireName()))
                    .description("Streams of results that are open")
                    .tag("format", format.wireName())
                    .register(registry);
        }
        Gauge.builder("conveyor.streams.limit", pump, StreamPump::maxOpen)
                .description("Streams of results from which on no more are opened")
                .register(registry);
    }
}
