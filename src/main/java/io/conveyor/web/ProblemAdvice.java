package io.conveyor.web;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.EOFException;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.util.Optional;
import org.apache.catalina.connector.ClientAbortException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.RestControllerAdvice;
import org.springframework.web.context.request.async.AsyncRequestNotUsableException;

/**
 * Turns every exception of a request into a problem. Once a part of the answer is on its way the exception goes on to
 * the container instead, which breaks the connection: a cut answer must never look complete. A fault of ours is logged
 * here, once, with the id that the client gets to see. Safe for use by many threads; keeps nothing.
 *
 * <p>It writes the answer itself and leaves nothing to content negotiation, because a client that accepts only
 * {@code application/x-ndjson}, or sends an {@code Accept} that cannot be read, must learn what is wrong as well.
 */
@RestControllerAdvice
@Order(Ordered.HIGHEST_PRECEDENCE)
final class ProblemAdvice {

    private static final Logger log = LoggerFactory.getLogger(ProblemAdvice.class);

    @ExceptionHandler
    void answer(Exception thrown, HttpServletRequest request, HttpServletResponse response) throws Exception {
        if (!answered(thrown, request, response)) {
            throw thrown;
        }
    }

    /** Answers if that is still possible; if not, says so, and the exception must go on to the container. */
    static boolean answered(Exception thrown, HttpServletRequest request, HttpServletResponse response)
            throws IOException {
        if (isGone(thrown)) {
            log.debug("The client of {} {} is gone", request.getMethod(), request.getRequestURI());
            if (!response.isCommitted()) {
                // Nobody reads it, but the metrics should not count a success.
                response.setStatus(400);
                return true;
            }
            return thrown instanceof AsyncRequestNotUsableException;
        }
        if (response.isCommitted()) {
            return false;
        }
        Optional<ApiException> problem = ExceptionTranslator.translate(thrown);
        ProblemWriter.write(request, response, problem.orElseGet(() -> internal(thrown, request)));
        return true;
    }

    private static ApiException internal(Exception thrown, HttpServletRequest request) {
        String traceId = RequestIds.of(request);
        log.error(
                "{} {} failed; the client got a 500 with trace id {}",
                request.getMethod(),
                request.getRequestURI(),
                traceId,
                thrown);
        return ApiException.internal(traceId);
    }

    /** Whether nobody is there to read an answer. A body that merely stops coming still has a reader. */
    private static boolean isGone(Exception thrown) {
        if (ExceptionTranslator.causeOf(thrown, AsyncRequestNotUsableException.class) != null) {
            return true;
        }
        ClientAbortException abort = ExceptionTranslator.causeOf(thrown, ClientAbortException.class);
        return abort != null
                && ExceptionTranslator.causeOf(abort, SocketTimeoutException.class) == null
                && ExceptionTranslator.causeOf(abort, EOFException.class) == null;
    }
}
