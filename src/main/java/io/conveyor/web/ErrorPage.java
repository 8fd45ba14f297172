package io.conveyor.web;

import io.swagger.v3.oas.annotations.Hidden;
import jakarta.servlet.RequestDispatcher;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.Collection;
import java.util.HashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.webmvc.error.ErrorController;
import org.springframework.http.HttpMethod;
import org.springframework.http.server.PathContainer;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestMethod;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.servlet.mvc.condition.PathPatternsRequestCondition;
import org.springframework.web.servlet.mvc.method.RequestMappingInfo;
import org.springframework.web.servlet.mvc.method.RequestMappingInfoHandlerMapping;

/**
 * What the container shows for errors that it finds inside the application, such as {@code sendError} of a filter or a
 * method that it refuses by itself. Takes the place of Boot's page. Safe for use by many threads.
 */
@RestController
@Hidden
final class ErrorPage implements ErrorController {

    private static final Logger log = LoggerFactory.getLogger(ErrorPage.class);

    private final ObjectProvider<RequestMappingInfoHandlerMapping> mappings;

    ErrorPage(ObjectProvider<RequestMappingInfoHandlerMapping> mappings) {
        this.mappings = mappings;
    }

    @RequestMapping("${spring.web.error.path:/error}")
    void show(HttpServletRequest request, HttpServletResponse response) throws IOException {
        // Tomcat also comes here for an answer that broke on its way; it is about to cut the connection, as it should.
        if (!response.isCommitted()) {
            ProblemWriter.write(request, response, problem(request));
        }
    }

    private ApiException problem(HttpServletRequest request) {
        if (!(request.getAttribute(RequestDispatcher.ERROR_STATUS_CODE) instanceof Integer status)) {
            return ApiException.notFound(Problem.NOT_FOUND.meaning());
        }
        if (status == 405) {
            Object method = request.getAttribute(RequestDispatcher.ERROR_METHOD);
            return ApiException.methodNotAllowed(String.valueOf(method), methodsOf(request));
        }
        return ofStatus(status, request, (Throwable) request.getAttribute(RequestDispatcher.ERROR_EXCEPTION));
    }

    /**
     * What a bare status of the container says to the client. The container has logged its own faults already, but not
     * under the id that the client gets.
     */
    static ApiException ofStatus(int status, HttpServletRequest request, @Nullable Throwable thrown) {
        Problem problem = Problem.ofStatus(status);
        if (problem == Problem.DRAINING) {
            return ApiException.draining(1);
        }
        if (problem != Problem.INTERNAL) {
            return ApiException.ofStatus(status, problem.meaning());
        }
        String traceId = RequestIds.of(request);
        log.error(
                "The container ended a request with {}; the client got a 500 with trace id {}",
                status,
                traceId,
                thrown);
        return ApiException.internal(traceId);
    }

    /** The container's own list names all methods of the dispatcher, not those of this path. */
    private Collection<HttpMethod> methodsOf(HttpServletRequest request) {
        Object uri = request.getAttribute(RequestDispatcher.ERROR_REQUEST_URI);
        PathContainer path = PathContainer.parsePath(String.valueOf(uri));
        Set<HttpMethod> methods = new HashSet<>();
        mappings.stream()
                .flatMap(mapping -> mapping.getHandlerMethods().keySet().stream())
                .filter(info -> matches(info, path))
                .flatMap(info -> info.getMethodsCondition().getMethods().stream())
                .map(RequestMethod::asHttpMethod)
                .forEach(methods::add);
        return ExceptionTranslator.allowed(methods);
    }

    private static boolean matches(RequestMappingInfo info, PathContainer path) {
        PathPatternsRequestCondition condition = info.getPathPatternsCondition();
        return condition != null && condition.getPatterns().stream().anyMatch(p -> p.matches(path));
    }
}
