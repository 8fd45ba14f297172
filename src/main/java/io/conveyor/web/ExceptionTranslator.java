package io.conveyor.web;

import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.apache.tomcat.util.http.InvalidParameterException;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpMethod;
import org.springframework.http.HttpStatusCode;
import org.springframework.http.ProblemDetail;
import org.springframework.http.converter.HttpMessageNotReadableException;
import org.springframework.web.ErrorResponse;
import org.springframework.web.HttpMediaTypeNotAcceptableException;
import org.springframework.web.HttpMediaTypeNotSupportedException;
import org.springframework.web.HttpRequestMethodNotSupportedException;
import org.springframework.web.bind.MissingServletRequestParameterException;
import org.springframework.web.method.annotation.MethodArgumentTypeMismatchException;
import tools.jackson.core.JacksonException;

/**
 * Says which problem an exception of Spring or Tomcat is for the client, with a detail that helps to mend the request.
 * What it does not know is a fault of ours. Keeps nothing.
 */
final class ExceptionTranslator {

    private ExceptionTranslator() {}

    /** The answer, or empty for a fault of ours. */
    static Optional<ApiException> translate(Throwable thrown) {
        ApiException meant = causeOf(thrown, ApiException.class);
        if (meant != null) {
            return Optional.of(meant);
        }
        if (thrown instanceof HttpRequestMethodNotSupportedException e) {
            return Optional.of(ApiException.methodNotAllowed(e.getMethod(), allowed(e.getSupportedHttpMethods())));
        }
        if (thrown instanceof HttpMediaTypeNotSupportedException e) {
            String found = e.getContentType() == null
                    ? "The Content-Type cannot be read."
                    : "A body of type " + Texts.excerpt(e.getContentType().toString()) + " is not read here.";
            return Optional.of(ApiException.unsupportedMediaType(found, e.getSupportedMediaTypes()));
        }
        if (thrown instanceof HttpMediaTypeNotAcceptableException e) {
            return Optional.of(ApiException.notAcceptable(e.getSupportedMediaTypes()));
        }
        return ofParameter(thrown).or(() -> ofStatus(thrown));
    }

    private static Optional<ApiException> ofParameter(Throwable thrown) {
        if (thrown instanceof MissingServletRequestParameterException e) {
            return Optional.of(ApiException.invalidParameter(
                    e.getParameterName(), "Parameter '" + e.getParameterName() + "' is missing."));
        }
        if (thrown instanceof MethodArgumentTypeMismatchException e) {
            return Optional.of(ofMismatch(e));
        }
        if (thrown instanceof HttpMessageNotReadableException) {
            JacksonException json = causeOf(thrown, JacksonException.class);
            return Optional.of(
                    json == null
                            ? ApiException.of(Problem.BAD_REQUEST, "The body is missing or cannot be read.")
                            : JsonProblems.of(json));
        }
        if (thrown instanceof InvalidParameterException) {
            return Optional.of(ApiException.of(Problem.BAD_REQUEST, "The query string cannot be read."));
        }
        return Optional.empty();
    }

    /** Everything else of Spring MVC that knows its status; of the others, a 5xx is a fault of ours. */
    private static Optional<ApiException> ofStatus(Throwable thrown) {
        if (!(thrown instanceof ErrorResponse e) || !e.getStatusCode().is4xxClientError()) {
            return Optional.empty();
        }
        HttpStatusCode status = e.getStatusCode();
        ProblemDetail body = e.getBody();
        Problem problem = Problem.ofStatus(status.value());
        String detail = problem == Problem.NOT_FOUND || body.getDetail() == null ? problem.meaning() : body.getDetail();
        return Optional.of(ApiException.ofStatus(status.value(), detail));
    }

    private static ApiException ofMismatch(MethodArgumentTypeMismatchException e) {
        String name = e.getName();
        String found = "Parameter '" + name + "' is '" + Texts.excerpt(String.valueOf(e.getValue())) + "'";
        Class<?> type = e.getRequiredType();
        if (type != null && type.isEnum()) {
            List<String> values = Arrays.stream(type.getEnumConstants())
                    .map(c -> WireNames.of((Enum<?>) c))
                    .toList();
            return ApiException.invalidParameter(
                    name, found + "; it can be " + String.join(", ", values) + ".", values);
        }
        if (type == boolean.class || type == Boolean.class) {
            return ApiException.invalidParameter(name, found + "; it can be true or false.", List.of("true", "false"));
        }
        if (type != null && (type.isPrimitive() || Number.class.isAssignableFrom(type))) {
            return ApiException.invalidParameter(name, found + "; it must be an integer.");
        }
        return ApiException.invalidParameter(name, found + ", which cannot be read.");
    }

    /** Spring answers HEAD where it answers GET, and OPTIONS everywhere. */
    static Set<HttpMethod> allowed(@Nullable Collection<HttpMethod> declared) {
        Set<HttpMethod> all = new TreeSet<>(declared == null ? List.of() : declared);
        if (all.contains(HttpMethod.GET)) {
            all.add(HttpMethod.HEAD);
        }
        all.add(HttpMethod.OPTIONS);
        return all;
    }

    static <T extends Throwable> @Nullable T causeOf(Throwable thrown, Class<T> type) {
        Throwable t = thrown;
        // A chain of causes has no loop in practice; the bound keeps a strange one from holding the thread.
        for (int depth = 0; t != null && depth < 32; depth++, t = t.getCause()) {
            if (type.isInstance(t)) {
                return type.cast(t);
            }
        }
        return null;
    }
}
