package io.conveyor.web;

import jakarta.servlet.ServletException;
import java.io.IOException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.catalina.connector.Request;
import org.apache.catalina.connector.Response;
import org.apache.catalina.valves.ErrorReportValve;
import org.apache.coyote.AbstractProtocol;
import org.apache.coyote.ActionCode;
import org.apache.tomcat.util.res.StringManager;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Answers errors that Tomcat finds before any application is chosen (a request line, path or header that is not valid)
 * as problems, in place of its HTML page, and lets streams cut their connection. Safe for use by many threads; keeps nothing.
 */
final class ProblemReportValve extends ErrorReportValve {

    private static final Logger log = LoggerFactory.getLogger(ProblemReportValve.class);

    /** Asked from Tomcat, as its words depend on its locale. */
    private static final String TOO_LARGE =
            StringManager.getManager("org.apache.coyote.http11").getString("iib.requestheadertoolarge.error");

    @Override
    public void invoke(Request request, Response response) throws IOException, ServletException {
        ContainerResponse.attach(request);
        super.invoke(request, response);
    }

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
        try {
            ProblemWriter.write(request, response, ErrorPage.ofStatus(meant(status, request, thrown), request, thrown));
            response.finishResponse();
        } catch (IOException | IllegalStateException e) {
            log.debug("The answer {} could not be written", status, e);
        }
    }

    /**
     * Tomcat says 400 to headers that are too large; only its words tell them from a broken request. To a request whose first
     * line comes at the moment of the stop it says 503, reads no headers, and then misses them: 400.
     */
    private static int meant(int status, Request request, @Nullable Throwable thrown) {
        if (thrown != null && TOO_LARGE.equals(thrown.getMessage())) {
            return 431;
        }
        boolean stopping =
                request.getConnector().getProtocolHandler() instanceof AbstractProtocol<?> http && http.isPaused();
        boolean unread = request.getCoyoteRequest().getMimeHeaders().size() == 0;
        return status == 400 && stopping && unread ? 503 : status;
    }
}
