package io.conveyor.monitor;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.function.ToDoubleFunction;
import org.apache.coyote.AbstractProtocol;
import org.apache.tomcat.util.threads.ThreadPoolExecutor;
import org.springframework.boot.tomcat.TomcatWebServer;
import org.springframework.boot.web.server.context.WebServerInitializedEvent;
import org.springframework.context.event.EventListener;
import org.springframework.stereotype.Component;

/**
 * Connections and threads of the web server, under the names that Micrometer has for them. Micrometer reads them from
 * Tomcat's management beans, whose registry costs every start a megabyte of memory that is never given back. Thread-safe.
 */
@Component
final class WebServerMeters {

    private final MeterRegistry registry;

    WebServerMeters(MeterRegistry registry) {
        this.registry = registry;
    }

    @EventListener
    void started(WebServerInitializedEvent event) {
        if (event.getWebServer() instanceof TomcatWebServer server
                && server.getTomcat().getConnector().getProtocolHandler() instanceof AbstractProtocol<?> protocol) {
            bind(protocol);
        }
    }

    private void bind(AbstractProtocol<?> protocol) {
        gauge("tomcat.connections.current", "connections", protocol, AbstractProtocol::getConnectionCount);
        gauge("tomcat.connections.config.max", "connections", protocol, AbstractProtocol::getMaxConnections);
        gauge("tomcat.threads.config.max", "threads", protocol, AbstractProtocol::getMaxThreads);
        gauge("tomcat.threads.current", "threads", protocol, p -> threads(p, ThreadPoolExecutor::getPoolSize));
        gauge("tomcat.threads.busy", "threads", protocol, p -> threads(p, ThreadPoolExecutor::getActiveCount));
    }

    private void gauge(
            String name, String unit, AbstractProtocol<?> protocol, ToDoubleFunction<AbstractProtocol<?>> value) {
        Gauge.builder(name, protocol, value)
                .baseUnit(unit)
                .tag("name", protocol.getName().replace("\"", ""))
                .register(registry);
    }

    private static double threads(AbstractProtocol<?> protocol, ToDoubleFunction<ThreadPoolExecutor> value) {
        return protocol.getExecutor() instanceof ThreadPoolExecutor pool ? value.applyAsDouble(pool) : Double.NaN;
    }
}
