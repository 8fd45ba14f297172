package io.conveyor.web;

import java.io.IOException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.catalina.connector.Request;
import org.apache.catalina.connector.Response;
import org.apache.catalina.valves.ErrorReportValve;
import org.apache.coyote.ActionCode;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Answers errors that Tomcat finds before any application is chosen (a request line, path or header that is not valid)
 * as problems, in place of its HTML page. Safe for use by many threads; keeps nothing.
 */
final class ProblemReportValve extends ErrorReportValve {

    private static final Logger log = LoggerFactory.getLogger(ProblemReportValve.class);

    @Override
    protected void report(Request request, Response response, @Nullable Throwable thrown) {
        int status = response.getStatus();
        if (status < 400 || response.getContentWritten() > 0 || !response.setErrorReported()) {
            return;
        }
        AtomicBoolean canWrite = new AtomicBoolean();
        response.getCoyoteResponse().action(ActionCode.IS_IO_ALLOWED, canWrite);
        if (!canWrite.get()) {
            return;
        }
        response.setHeader(RequestIds.HEADER, RequestIds.of(request));
        response.setHeader("X-Content-Type-Options", "nosniff");
        if (thrown != null) {
            log.error(
                    "The request of trace id {} ended with what the container logged: {}",
                    RequestIds.of(request),
                    thrown.toString());
        }
        try {
            ProblemWriter.write(request, response, ErrorPage.ofStatus(status, request));
            response.finishResponse();
        } catch (IOException | IllegalStateException e) {
            log.debug("The answer {} could not be written", status, e);
        }
    }
}
