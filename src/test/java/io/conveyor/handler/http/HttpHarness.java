package io.conveyor.handler.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.conveyor.handler.Jobs;
import io.conveyor.job.JobError;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import org.apache.hc.client5.http.DnsResolver;
import org.apache.hc.client5.http.SystemDefaultDnsResolver;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.springframework.util.unit.DataSize;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A server on the loopback and the handler, which may go there and reads up to {@link #LIMIT} bytes. */
abstract class HttpHarness {

    static final int LIMIT = 1000;

    TestServer server;
    HttpHandler http;

    @BeforeEach
    void start() throws IOException {
        server = new TestServer();
        http = handler(SystemDefaultDnsResolver.INSTANCE, "127.0.0.1");
    }

    @AfterEach
    void stop() throws IOException {
        http.close();
        server.close();
    }

    static HttpHandler handler(DnsResolver resolver, String... allow) {
        return new HttpHandler(
                new HttpJobProperties(List.of(allow), DataSize.ofBytes(LIMIT), Duration.ofSeconds(5), "conveyor-test"),
                resolver);
    }

    JsonNode run(String input, Object url) throws Exception {
        return JsonMapper.shared()
                .readTree(Jobs.run(http, input.replace("%s", url.toString()).replace('\'', '"')));
    }

    JobError fail(String input, Object url) {
        return Jobs.failure(http, input.replace("%s", url.toString()).replace('\'', '"'));
    }

    static void assertInvalid(JobError error, String pointer) {
        assertThat(error.slug()).isEqualTo("invalid-job");
        assertThat(error.retryable()).isFalse();
        assertThat(error.extensions()).containsEntry("pointer", pointer);
    }
}
