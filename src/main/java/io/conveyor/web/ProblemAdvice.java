package io.conveyor.web;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import org.apache.coyote.BadRequestException;
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

    private final List<ProblemSource> sources;

    ProblemAdvice(List<ProblemSource> sources) {
        this.sources = List.copyOf(sources);
    }

    @ExceptionHandler
    void answer(Exception thrown, HttpServletRequest request, HttpServletResponse response) throws Exception {
        if (!answered(meant(thrown), request, response)) {
            throw thrown;
        }
    }

    private Exception meant(Exception thrown) {
        for (ProblemSource source : sources) {
            Optional<ApiException> problem = source.problemOf(thrown);
            if (problem.isPresent()) {
                return problem.get();
            }
        }
        return thrown;
    }

    /** Answers if that is still possible; if not, says so, and the exception must go on to the container. */
    static boolean answered(Exception thrown, HttpServletRequest request, HttpServletResponse response)
            throws IOException {
        if (isOfTheConnection(thrown)) {
            log.debug("The connection of {} {} failed", request.getMethod(), request.getRequestURI(), thrown);
            return !response.isCommitted() || thrown instanceof AsyncRequestNotUsableException;
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

    /**
     * Whether Tomcat found that the connection or the framing of the body is broken, or that the body stopped coming. It
     * has then noted the status of its answer (400, 408) already, and {@link ErrorPage} gives it if anybody is there.
     */
    private static boolean isOfTheConnection(Exception thrown) {
        return ExceptionTranslator.causeOf(thrown, BadRequestException.class) != null
                || ExceptionTranslator.causeOf(thrown, AsyncRequestNotUsableException.class) != null;
    }
}
