package io.conveyor.web;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.catalina.connector.Connector;
import org.apache.catalina.core.StandardHost;
import org.apache.catalina.startup.Tomcat;
import org.apache.coyote.http11.Http11NioProtocol;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a client is told that comes at the very moment of the stop. */
class StoppingContainerTest {

    private static final AtomicInteger ASKED = new AtomicInteger();

    @TempDir
    private Path directory;

    /** Has stopped to take requests between the first line of the first one and its headers. */
    public static final class StopsAfterTheRequestLine extends Http11NioProtocol {

        @Override
        public boolean isPaused() {
            return ASKED.incrementAndGet() > 1;
        }
    }

    @Test
    void aRequestThatComesAtTheMomentOfTheStopIsTemporarilyRefused() throws Exception {
        ASKED.set(0);
        Tomcat tomcat = new Tomcat();
        tomcat.setBaseDir(directory.toString());
        Connector connector = new Connector(StopsAfterTheRequestLine.class.getName());
        connector.setPort(0);
        tomcat.setConnector(connector);
        tomcat.addContext("", directory.toString());
        ((StandardHost) tomcat.getHost()).setErrorReportValveClass(ProblemReportValve.class.getName());
        tomcat.getHost().getPipeline().addValve(new ProblemReportValve());
        tomcat.start();
        try {
            Wire.Answer answer =
                    Wire.exchange(connector.getLocalPort(), "PUT /v1/batches/b HTTP/1.1\r\nHost: a\r\n\r\n");

            assertThat(answer.status()).as(answer.text()).isEqualTo(503);
            assertThat(answer.text()).contains("/problems/draining");
        } finally {
            tomcat.stop();
            tomcat.destroy();
        }
    }
}
