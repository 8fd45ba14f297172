package io.conveyor.web;

import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.ServletRequest;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.UUID;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.MDC;
import org.springframework.web.filter.OncePerRequestFilter;

/**
 * Gives each request an id: the client's {@code X-Request-Id} if it is well-formed, else a new one. It goes back in the
 * answer, stands in the log context as {@code request_id} while a thread works on the request, and is the
 * {@code trace_id} of an {@code internal} problem. Safe for use by many threads; keeps nothing.
 */
public final class RequestIds extends OncePerRequestFilter {

    static final String HEADER = "X-Request-Id";
    private static final String MDC_KEY = "request_id";
    private static final String ATTRIBUTE = RequestIds.class.getName();

    /** What may go into a log line unchanged. */
    private static final Pattern WELL_FORMED = Pattern.compile("[A-Za-z0-9._-]{1,64}");

    RequestIds() {}

    /** The id of the request; the first call gives it one. */
    public static String of(HttpServletRequest request) {
        return of(request, request.getHeader(HEADER));
    }

    private static String of(ServletRequest request, @Nullable String proposed) {
        if (request.getAttribute(ATTRIBUTE) instanceof String known) {
            return known;
        }
        String id = proposed != null && WELL_FORMED.matcher(proposed).matches()
                ? proposed
                : UUID.randomUUID().toString();
        request.setAttribute(ATTRIBUTE, id);
        return id;
    }

    @Override
    protected void doFilterInternal(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws ServletException, IOException {
        String id = of(request);
        if (!response.isCommitted()) {
            response.setHeader(HEADER, id);
        }
        MDC.put(MDC_KEY, id);
        try {
            chain.doFilter(request, response);
        } finally {
            MDC.remove(MDC_KEY);
        }
    }

    /** A later thread of the same request logs under the same id. */
    @Override
    protected boolean shouldNotFilterAsyncDispatch() {
        return false;
    }

    /** What the container itself refuses meets the filters only here. */
    @Override
    protected boolean shouldNotFilterErrorDispatch() {
        return false;
    }
}
