package io.conveyor.web;

import org.apache.catalina.Context;
import org.apache.catalina.connector.Connector;
import org.apache.catalina.core.StandardHost;
import org.springframework.boot.tomcat.servlet.TomcatServletWebServerFactory;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.stereotype.Component;

/**
 * Sets up what Tomcat does and no property of Boot reaches. Runs after Boot's own customizers, so that our report valve
 * is the innermost and speaks first.
 */
@Component
@Order(Ordered.LOWEST_PRECEDENCE)
final class TomcatSetup implements WebServerFactoryCustomizer<TomcatServletWebServerFactory> {

    private final SlowClients clients;

    TomcatSetup(SlowClients clients) {
        this.clients = clients;
    }

    @Override
    public void customize(TomcatServletWebServerFactory factory) {
        factory.setProtocol(LeanProtocol.class.getName());
        factory.addConnectorCustomizers(this::connector);
        factory.addContextCustomizers(TomcatSetup::reportProblems);
    }

    private void connector(Connector connector) {
        if (connector.getProtocolHandler() instanceof LeanProtocol protocol) {
            protocol.watchedBy(clients);
        }
        // 100-continue is sent when the body is first read: a refusal before that costs no upload.
        connector.setProperty("continueResponseTiming", "onRead");
        // Bodies belong to the controllers: a form must never be read as if it were the query string.
        connector.setParseBodyMethods("");
    }

    private static void reportProblems(Context context) {
        if (context.getParent() instanceof StandardHost host) {
            ProblemReportValve valve = new ProblemReportValve();
            host.setErrorReportValveClass(valve.getClass().getName());
            host.getPipeline().addValve(valve);
        }
    }
}
