package io.conveyor.web;

import io.swagger.v3.oas.annotations.Hidden;
import jakarta.servlet.RequestDispatcher;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.Collection;
import java.util.HashSet;
import java.util.Set;
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

    private final ObjectProvider<RequestMappingInfoHandlerMapping> mappings;

    ErrorPage(ObjectProvider<RequestMappingInfoHandlerMapping> mappings) {
        this.mappings = mappings;
    }

    @RequestMapping("${spring.web.error.path:/error}")
    void show(HttpServletRequest request, HttpServletResponse response) throws IOException {
        ProblemWriter.write(request, response, problem(request));
    }

    private ApiException problem(HttpServletRequest request) {
        if (!(request.getAttribute(RequestDispatcher.ERROR_STATUS_CODE) instanceof Integer status)) {
            return ApiException.notFound(Problem.NOT_FOUND.meaning());
        }
        if (status == 405) {
            Object method = request.getAttribute(RequestDispatcher.ERROR_METHOD);
            return ApiException.methodNotAllowed(String.valueOf(method), methodsOf(request));
        }
        return ofStatus(status, request);
    }

    /** What a bare status of the container says to the client. */
    static ApiException ofStatus(int status, HttpServletRequest request) {
        Problem problem = Problem.ofStatus(status);
        return problem == Problem.INTERNAL
                ? ApiException.internal(RequestIds.of(request))
                : ApiException.ofStatus(status, problem.meaning());
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
