package io.conveyor.web;

import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.MDC;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.flyway.autoconfigure.FlywayAutoConfiguration;
import org.springframework.boot.jdbc.autoconfigure.DataSourceAutoConfiguration;
import org.springframework.boot.test.context.TestComponent;
import org.springframework.boot.web.servlet.FilterRegistrationBean;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.ComponentScan;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.CacheControl;
import org.springframework.http.HttpStatusCode;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.PutMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.context.request.ServletWebRequest;
import org.springframework.web.context.request.async.DeferredResult;
import org.springframework.web.filter.OncePerRequestFilter;
import org.springframework.web.server.ResponseStatusException;

/** This package on a real Tomcat, with a controller that does everything wrong that a controller can do. */
@TestComponent
final class WebTestApplication {

    static final long LIMIT = 1000;
    static final List<MediaType> READ = List.of(MediaType.APPLICATION_JSON);

    private WebTestApplication() {}

    @Configuration(proxyBeanMethods = false)
    @EnableAutoConfiguration(exclude = {DataSourceAutoConfiguration.class, FlywayAutoConfiguration.class})
    @ComponentScan
    static class App {

        /** Knows what an exception of somebody else's means. */
        @Bean
        ProblemSource arithmetic() {
            return thrown -> thrown instanceof ArithmeticException
                    ? Optional.of(ApiException.storageFull(10))
                    : Optional.empty();
        }

        @Bean
        FilterRegistrationBean<OncePerRequestFilter> faultyFilter() {
            return new FilterRegistrationBean<>(new OncePerRequestFilter() {
                @Override
                protected void doFilterInternal(
                        HttpServletRequest request, HttpServletResponse response, FilterChain chain)
                        throws ServletException, IOException {
                    switch (String.valueOf(request.getHeader("X-Filter"))) {
                        case "throw" -> throw new IllegalStateException("secret of a filter");
                        case "refuse" -> throw ApiException.of(Problem.FORBIDDEN, "Not you.");
                        case "prepare" -> {
                            response.getOutputStream().write('x');
                            throw ApiException.unknownBatch("b");
                        }
                        case "send-500" -> response.sendError(500, "secret message");
                        case "send-503" -> response.sendError(503, "secret message");
                        case "throw-error" -> throw new AssertionError("secret error of a filter");
                        case "send-error" -> response.sendError(403, "secret message");
                        default -> chain.doFilter(request, response);
                    }
                }
            });
        }
    }

    enum Colour {
        RED,
        DARK_GREEN
    }

    record Typed(
            @Nullable String name,
            @Nullable Integer count,
            @Nullable List<Integer> numbers) {

        Typed {
            if ("refused".equals(name)) {
                throw new IllegalArgumentException("A thing cannot be called refused.");
            }
        }
    }

    @RestController
    @RequestMapping("/v1")
    static class Sample {

        @GetMapping("/parameters")
        @QueryParameters("further")
        Map<String, Object> parameters(
                @RequestParam(defaultValue = "20") int limit,
                @RequestParam(name = "flag", required = false) @Nullable Boolean flag,
                @RequestParam(required = false) @Nullable Colour colour,
                @RequestParam(required = false) @Nullable List<String> tag) {
            return Map.of("limit", limit, "tags", tag == null ? List.of() : tag);
        }

        @GetMapping("/sums")
        Map<String, Object> sum() {
            throw new ArithmeticException("secret sum");
        }

        @GetMapping("/required")
        Map<String, Object> required(@RequestParam String name) {
            return Map.of("name", name);
        }

        @GetMapping("/items/{index}")
        Map<String, Object> item(@PathVariable int index) {
            return Map.of("index", index);
        }

        /** Reads its body as the submission does. */
        @PostMapping("/bodies")
        Map<String, Object> body(HttpServletRequest request, @RequestParam(required = false) @Nullable String name)
                throws IOException {
            BodyType type = BodyType.of(request, READ);
            byte[] body =
                    BodyLimit.of(request, request.getInputStream(), LIMIT, 10).readAllBytes();
            return Map.of("type", type.name(), "size", body.length, "name", name == null ? "none" : name);
        }

        @PutMapping("/bodies/{id}")
        Map<String, Object> put(
                HttpServletRequest request, @PathVariable String id, @RequestParam(required = false) String name)
                throws IOException {
            return body(request, name);
        }

        @PostMapping(path = "/typed", consumes = MediaType.APPLICATION_JSON_VALUE)
        Typed typed(@RequestBody Typed typed) {
            return typed;
        }

        @GetMapping(path = "/json", produces = MediaType.APPLICATION_JSON_VALUE)
        Map<String, Object> json() {
            return Map.of("log_id", String.valueOf(MDC.get("request_id")));
        }

        @GetMapping("/fault")
        String fault() {
            throw new IllegalStateException("secret of a controller");
        }

        @GetMapping("/error")
        String error() {
            throw new AssertionError("secret of an error");
        }

        @GetMapping("/status/{status}")
        String status(@PathVariable int status) {
            throw new ResponseStatusException(HttpStatusCode.valueOf(status), "Said so.");
        }

        @GetMapping("/overloaded")
        String overloaded() {
            throw ApiException.overloaded("Too much waits.", 7);
        }

        /** Fails after it has prepared another answer. */
        @GetMapping("/prepared")
        void prepared(HttpServletResponse response) throws IOException {
            response.setContentType("application/x-ndjson");
            response.setHeader("ETag", "\"1\"");
            response.setHeader("Location", "/nowhere");
            response.getOutputStream().write("{\"row\":1}\n".getBytes(StandardCharsets.UTF_8));
            throw ApiException.unknownBatch("b");
        }

        /** Fails after a part of its answer is on the way. */
        @GetMapping("/cut")
        void cut(HttpServletResponse response) throws IOException {
            response.setContentType("application/x-ndjson");
            response.getOutputStream().write("{\"row\":1}\n".getBytes(StandardCharsets.UTF_8));
            response.flushBuffer();
            throw ApiException.unknownBatch("b");
        }

        @GetMapping("/never")
        DeferredResult<String> never() {
            return new DeferredResult<>(1L);
        }

        @GetMapping("/later")
        DeferredResult<Map<String, Object>> later() {
            DeferredResult<Map<String, Object>> result = new DeferredResult<>(0L);
            new Thread(() -> result.setResult(Map.of("done", true))).start();
            return result;
        }

        @GetMapping("/later-fault")
        DeferredResult<String> laterFault() {
            DeferredResult<String> result = new DeferredResult<>(0L);
            new Thread(() -> result.setErrorResult(new IllegalStateException("secret of a worker"))).start();
            return result;
        }

        @GetMapping("/tagged")
        ResponseEntity<Map<String, Object>> tagged(ServletWebRequest request) {
            return request.checkNotModified("W/\"7\"")
                    ? ResponseEntity.status(304).build()
                    : ResponseEntity.ok(Map.of("version", 7));
        }

        @PutMapping("/tagged")
        Map<String, Object> replace(ServletWebRequest request) {
            if (request.checkNotModified("W/\"7\"")) {
                throw ApiException.preconditionFailed("It exists.");
            }
            return Map.of("version", 8);
        }

        @GetMapping("/cached")
        ResponseEntity<Map<String, Object>> cached() {
            return ResponseEntity.ok().cacheControl(CacheControl.noCache()).body(Map.of());
        }
    }
}
