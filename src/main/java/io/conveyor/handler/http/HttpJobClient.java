package io.conveyor.handler.http;

import java.util.concurrent.TimeUnit;
import org.apache.hc.client5.http.DnsResolver;
import org.apache.hc.client5.http.config.ConnectionConfig;
import org.apache.hc.client5.http.config.RequestConfig;
import org.apache.hc.client5.http.config.TlsConfig;
import org.apache.hc.client5.http.impl.classic.CloseableHttpClient;
import org.apache.hc.client5.http.impl.classic.HttpClients;
import org.apache.hc.client5.http.impl.io.PoolingHttpClientConnectionManagerBuilder;
import org.apache.hc.client5.http.io.HttpClientConnectionManager;
import org.apache.hc.client5.http.ssl.DefaultClientTlsStrategy;
import org.apache.hc.client5.http.ssl.TlsSocketStrategy;
import org.apache.hc.core5.util.TimeValue;
import org.apache.hc.core5.util.Timeout;
import org.springframework.util.function.SingletonSupplier;

/**
 * Builds the one client behind all {@code http} jobs: bounded, without memory from one job to the next, and without a
 * proxy (behind a proxy the resolved address would not be the one that is reached). The head of an answer is bounded by
 * the library: 100 headers of 8192 characters.
 */
final class HttpJobClient {

    private static final int MOST_CONNECTIONS = 200;
    private static final int MOST_CONNECTIONS_A_ROUTE = 50;

    /** Idle for so long, a connection is looked at before it is used again: a job without retries would fail on a dead one. */
    private static final TimeValue FRESH = TimeValue.ofMilliseconds(200);

    private HttpJobClient() {}

    static CloseableHttpClient build(HttpJobProperties properties, DnsResolver resolver) {
        return HttpClients.custom()
                .setConnectionManager(connections(properties, resolver))
                .setUserAgent(properties.userAgent())
                .setDefaultRequestConfig(RequestConfig.custom()
                        .setConnectionRequestTimeout(Timeout.DISABLED) // the job's own limit is the one that counts
                        .build())
                .evictExpiredConnections()
                .evictIdleConnections(TimeValue.ofSeconds(30))
                .disableRedirectHandling()
                .disableCookieManagement()
                .disableAuthCaching()
                .disableAutomaticRetries()
                .build();
    }

    private static HttpClientConnectionManager connections(HttpJobProperties properties, DnsResolver resolver) {
        Timeout connect = Timeout.of(properties.connectTimeout().toMillis(), TimeUnit.MILLISECONDS);
        // The certificates of all authorities are read for the first job that needs them, not at each start.
        SingletonSupplier<TlsSocketStrategy> tls = SingletonSupplier.of(DefaultClientTlsStrategy::createDefault);
        return PoolingHttpClientConnectionManagerBuilder.create()
                .setDnsResolver(resolver)
                .setTlsSocketStrategy((socket, target, port, attachment, context) ->
                        tls.obtain().upgrade(socket, target, port, attachment, context))
                .setMaxConnTotal(MOST_CONNECTIONS)
                .setMaxConnPerRoute(MOST_CONNECTIONS_A_ROUTE)
                .setDefaultConnectionConfig(ConnectionConfig.custom()
                        .setConnectTimeout(connect)
                        .setValidateAfterInactivity(FRESH)
                        .setTimeToLive(TimeValue.ofMinutes(5))
                        .build())
                .setDefaultTlsConfig(
                        TlsConfig.custom().setHandshakeTimeout(connect).build())
                .build();
    }
}
