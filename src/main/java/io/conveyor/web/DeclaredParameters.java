package io.conveyor.web;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.lang.reflect.Method;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.springframework.core.MethodParameter;
import org.springframework.core.annotation.MergedAnnotation;
import org.springframework.core.annotation.MergedAnnotations;
import org.springframework.http.HttpMethod;
import org.springframework.util.StringUtils;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.method.HandlerMethod;
import org.springframework.web.servlet.HandlerInterceptor;

/**
 * Refuses query parameters that the controller method does not declare, and repeated ones that it takes once: a
 * misspelt option must never be ignored silently. Reads the query string only, never the body. Safe for use by many
 * threads: what a method declares is found once and kept.
 */
final class DeclaredParameters implements HandlerInterceptor {

    /** By controller method: the names that it takes, in order, and whether each may be repeated. */
    private final Map<Method, Map<String, Boolean>> declared = new ConcurrentHashMap<>();

    @Override
    public boolean preHandle(HttpServletRequest request, HttpServletResponse response, Object handler) {
        String query = request.getQueryString();
        if (query != null
                && handler instanceof HandlerMethod method
                && !HttpMethod.OPTIONS.matches(request.getMethod())) {
            check(query, declared.computeIfAbsent(method.getMethod(), m -> namesOf(method)));
        }
        return true;
    }

    private static void check(String query, Map<String, Boolean> names) {
        Set<String> seen = new HashSet<>();
        for (String pair : query.split("&", -1)) {
            if (pair.isEmpty()) {
                continue;
            }
            int equals = pair.indexOf('=');
            String name = decode(equals < 0 ? pair : pair.substring(0, equals));
            decode(pair.substring(equals + 1));
            Boolean repeatable = names.get(name);
            if (repeatable == null) {
                throw unknown(name, names.keySet());
            }
            if (!seen.add(name) && !repeatable) {
                throw ApiException.invalidParameter(name, "Parameter '" + name + "' may be given once only.");
            }
        }
    }

    private static ApiException unknown(String name, Set<String> allowed) {
        String quoted = Texts.excerpt(name);
        String hint = allowed.isEmpty() ? "; there are none." : "; there are " + String.join(", ", allowed) + ".";
        return ApiException.invalidParameter(quoted, "There is no parameter '" + quoted + "' here" + hint, allowed);
    }

    private static String decode(String text) {
        try {
            return URLDecoder.decode(text, StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            throw ApiException.of(
                    Problem.BAD_REQUEST,
                    "The query string has a broken escape in '" + Texts.excerpt(text)
                            + "'; a percent sign is followed by two hex digits.");
        }
    }

    private static Map<String, Boolean> namesOf(HandlerMethod method) {
        Map<String, Boolean> names = new TreeMap<>();
        for (MethodParameter parameter : method.getMethodParameters()) {
            RequestParam annotation = parameter.getParameterAnnotation(RequestParam.class);
            if (annotation != null) {
                names.put(nameOf(annotation, parameter), isRepeatable(parameter));
            }
        }
        MergedAnnotations.from(method.getMethod(), MergedAnnotations.SearchStrategy.TYPE_HIERARCHY).stream(
                        QueryParameters.class)
                .flatMap(further -> Arrays.stream(further.getStringArray(MergedAnnotation.VALUE)))
                .forEach(name -> names.putIfAbsent(name, false));
        return names;
    }

    private static String nameOf(RequestParam annotation, MethodParameter parameter) {
        @Nullable String inferred = parameter.getParameterName();
        if (StringUtils.hasText(annotation.name())) {
            return annotation.name();
        }
        if (inferred == null) {
            throw new IllegalStateException("compile with -parameters, or name the @RequestParam of " + parameter);
        }
        return inferred;
    }

    private static boolean isRepeatable(MethodParameter parameter) {
        Class<?> type = parameter.getParameterType();
        return type.isArray() || Collection.class.isAssignableFrom(type);
    }
}
