package io.conveyor.web;

import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import org.springframework.web.filter.OncePerRequestFilter;

/**
 * Answers for exceptions of the filters behind it as {@link ProblemAdvice} does for those of controllers, so that they
 * are logged under the id of the request and never reach the container's own error page. Keeps nothing.
 */
final class FaultBarrier extends OncePerRequestFilter {

    @Override
    protected void doFilterInternal(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws ServletException, IOException {
        try {
            chain.doFilter(request, response);
        } catch (ServletException | IOException | RuntimeException e) {
            if (!ProblemAdvice.answered(e, request, response)) {
                throw e;
            }
        }
    }
}
