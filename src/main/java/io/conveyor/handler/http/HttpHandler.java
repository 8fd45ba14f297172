package io.conveyor.handler.http;

import io.conveyor.handler.JobContext;
import io.conveyor.handler.JobFailure;
import io.conveyor.handler.JobHandler;
import io.conveyor.handler.JobOutput;
import io.conveyor.job.JobError;
import io.conveyor.job.JobKind;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import org.apache.hc.client5.http.DnsResolver;
import org.apache.hc.client5.http.SystemDefaultDnsResolver;
import org.apache.hc.client5.http.classic.methods.HttpUriRequestBase;
import org.apache.hc.client5.http.impl.classic.CloseableHttpClient;
import org.apache.hc.core5.http.ClassicHttpRequest;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.http.client.ClientHttpResponse;
import org.springframework.http.client.HttpComponentsClientHttpRequestFactory;
import org.springframework.stereotype.Component;
import org.springframework.web.client.ResourceAccessException;
import org.springframework.web.client.RestClient;

/**
 * The kind {@code http}: sends one request and hands back the answer. It reaches only what {@link AddressGuard} lets it
 * reach, holds at most {@code conveyor.http.max-response} of an answer, and ends within a moment of the job's time limit
 * or of an interrupt, whatever the server does. It does not retry by itself; failures say whether a retry may help.
 *
 * <h2>Threads and state</h2>
 * A call runs on the thread of its job. {@link CallTimer} has one thread that breaks off calls, the client one that
 * closes idle connections; {@link #close} ends both. The connection pool is shared, bounded, and keeps no cookies or
 * credentials.
 */
@Component
final class HttpHandler implements JobHandler, AutoCloseable {

    private static final int MOST_REDIRECTS = 5;

    private static final JobKind KIND = new JobKind(
            "http", "Sends one HTTP request and gives back status, headers and body of the answer.", HttpInput.SCHEMA);

    /** The watch of the call that the thread is making: the seam between RestClient and the request that it makes. */
    private static final ThreadLocal<CallTimer.Watch> CURRENT = new ThreadLocal<>();

    private final long maxResponse;
    private final CloseableHttpClient client;
    private final RestClient rest;
    private final CallTimer timer = new CallTimer();

    @Autowired
    HttpHandler(HttpJobProperties properties) {
        this(properties, SystemDefaultDnsResolver.INSTANCE);
    }

    HttpHandler(HttpJobProperties properties, DnsResolver resolver) {
        maxResponse = properties.maxResponse().toBytes();
        client = HttpJobClient.build(properties, new AddressGuard(resolver, properties.allow()));
        rest = RestClient.builder().requestFactory(watchedRequests()).build();
    }

    private HttpComponentsClientHttpRequestFactory watchedRequests() {
        return new HttpComponentsClientHttpRequestFactory(client) {
            @Override
            protected void postProcessHttpRequest(ClassicHttpRequest request) {
                CURRENT.get().on((HttpUriRequestBase) request);
            }
        };
    }

    @Override
    public JobKind kind() {
        return KIND;
    }

    @Override
    public JobOutput handle(JobContext job) throws JobFailure, InterruptedException {
        HttpInput input = job.input(HttpInput.class);
        HttpCall call = input.toCall();
        try (CallTimer.Watch watch = timer.watch(job.remaining())) {
            CURRENT.set(watch);
            return JobOutput.json(answer(call, input.follows(), watch));
        } finally {
            CURRENT.remove();
        }
    }

    /**
     * Sends one request under the rules and limits of this kind to somebody who only takes note: follows no redirect, takes any
     * status, and hands back no body, however long it is and whether it comes to an end.
     */
    HttpAnswer tell(HttpCall call, Duration limit) throws JobFailure, InterruptedException {
        try (CallTimer.Watch watch = timer.watch(limit)) {
            CURRENT.set(watch);
            return send(call, 0, watch, this::pass);
        } finally {
            CURRENT.remove();
        }
    }

    /** The host with its port, of the first request. */
    @Override
    public String target(JobContext job) throws JobFailure {
        return HttpUrl.target(HttpUrl.parse(job.input(HttpInput.class).url()));
    }

    private HttpAnswer answer(HttpCall first, boolean follow, CallTimer.Watch watch)
            throws JobFailure, InterruptedException {
        HttpCall call = first;
        for (int redirects = 0; ; redirects++) {
            HttpAnswer answer = send(call, redirects, watch, this::read);
            Optional<HttpCall> next =
                    follow ? call.redirected(answer.status(), answer.headers().get("location")) : Optional.empty();
            if (next.isEmpty()) {
                return settled(call.uri(), answer);
            }
            if (redirects == MOST_REDIRECTS) {
                throw JobFailure.of("The server redirects more than " + MOST_REDIRECTS + " times; the last was to "
                        + HttpUrl.place(next.get().uri()) + ".");
            }
            call = next.get();
        }
    }

    /** Makes something of what comes after the headers. */
    private interface Reading {
        HttpAnswer of(ClientHttpResponse response, CallTimer.Watch watch) throws IOException;
    }

    private HttpAnswer send(HttpCall call, int redirects, CallTimer.Watch watch, Reading reading)
            throws JobFailure, InterruptedException {
        try {
            RestClient.RequestBodySpec request =
                    rest.method(call.method()).uri(call.uri()).headers(h -> h.addAll(call.headers()));
            if (call.body() != null) {
                request.body(call.body());
            }
            return request.exchangeForRequiredValue((sent, response) -> reading.of(response, watch));
        } catch (RuntimeException e) {
            // Broken off by the watch, the client fails in various ways: a closed socket, a cancelled lease, a lost
            // one.
            if (watch.interrupted()) {
                throw new InterruptedException();
            }
            throw failure(call.uri(), redirects, watch, e);
        }
    }

    /** Reads one byte more than it may, to tell an answer at the limit from one over it. */
    private HttpAnswer read(ClientHttpResponse response, CallTimer.Watch watch) throws IOException {
        byte[] bytes = response.getBody().readNBytes((int) maxResponse + 1);
        if (bytes.length > maxResponse) {
            watch.abort();
            throw new TooLargeException();
        }
        return HttpAnswer.of(response.getStatusCode().value(), response.getHeaders(), bytes);
    }

    /** Reads a short body, so that the connection serves again. */
    private HttpAnswer pass(ClientHttpResponse response, CallTimer.Watch watch) throws IOException {
        try {
            if (response.getBody().readNBytes((int) maxResponse + 1).length > maxResponse) {
                watch.abort();
            }
        } catch (IOException e) {
            watch.abort(); // the answer had been given before
        }
        return HttpAnswer.of(response.getStatusCode().value(), response.getHeaders(), new byte[0]);
    }

    private JobFailure failure(URI uri, int redirects, CallTimer.Watch watch, RuntimeException fault) {
        Throwable cause = fault.getCause();
        String place = HttpUrl.place(uri);
        if (cause instanceof TooLargeException) {
            return JobFailure.of("The answer of " + place + " is larger than " + maxResponse
                    + " bytes, the limit here (conveyor.http.max-response). Ask the server for less.");
        }
        if (watch.timedOut()) {
            return new JobFailure(new JobError(
                    "job-timeout",
                    "The job ran out of time",
                    place + " had not answered in full when the job's time was up. Give it a larger timeout_ms.",
                    true,
                    Map.of()));
        }
        if (cause instanceof AddressGuard.RefusedException) {
            String detail = "'" + uri.getHost() + "' is not a public address, and may not be called from here. An"
                    + " operator can allow it with conveyor.http.allow.";
            return redirects == 0
                    ? JobFailure.invalid("/input/url", detail)
                    : JobFailure.of("After a redirect: " + detail);
        }
        if (fault instanceof ResourceAccessException) {
            return HttpFaults.failure(place, cause);
        }
        throw fault;
    }

    /** An answer is an output whatever its status, unless it says: not now. */
    private static HttpAnswer settled(URI uri, HttpAnswer answer) throws JobFailure {
        if (answer.status() != 429 && answer.status() != 503) {
            return answer;
        }
        JobFailure busy = JobFailure.retryable(
                        HttpUrl.place(uri) + " answered " + answer.status() + ": it asks to be called later.")
                .with("status", answer.status());
        Optional<Duration> after = RetryAfter.parse(answer.headers().get("retry-after"));
        throw after.isPresent() ? busy.after(after.get()) : busy;
    }

    @Override
    public void close() throws IOException {
        timer.close();
        client.close();
    }

    /** An answer over the limit. */
    private static final class TooLargeException extends IOException {

        private static final long serialVersionUID = 1L;
    }
}
