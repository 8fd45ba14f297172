package io.conveyor.batch;

import org.springframework.boot.tomcat.servlet.TomcatServletWebServerFactory;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.stereotype.Component;

/** Lets a body pause for longer than a connection may be silent otherwise: whoever pipes work in may have to think. */
@Component
final class UploadPause implements WebServerFactoryCustomizer<TomcatServletWebServerFactory> {

    private final IntakeProperties limits;

    UploadPause(IntakeProperties limits) {
        this.limits = limits;
    }

    @Override
    public void customize(TomcatServletWebServerFactory factory) {
        String millis = Long.toString(limits.maxPause().toMillis());
        factory.addConnectorCustomizers(connector -> {
            connector.setProperty("disableUploadTimeout", "false");
            connector.setProperty("connectionUploadTimeout", millis);
        });
    }
}
