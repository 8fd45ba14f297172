package io.conveyor.handler.http;

import java.time.Duration;
import java.util.List;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;

/**
 * What {@code http} jobs may reach, and how much they may bring.
 *
 * @param allow hosts, addresses and CIDR blocks that {@code http} jobs may call although they are private; public
 *     addresses are open anyway
 * @param maxResponse maximum size of an answer's body after decompression, 1 byte to 1 GB; a larger one fails the job
 * @param connectTimeout how long to wait for a connection, and again for its TLS handshake, 1 ms or more; the job's own
 *     time limit counts as well
 * @param userAgent the {@code User-Agent} of requests that bring none of their own
 */
@ConfigurationProperties("conveyor.http")
public record HttpJobProperties(
        @DefaultValue List<String> allow,
        @DefaultValue("1MB") DataSize maxResponse,
        @DefaultValue("5s") Duration connectTimeout,
        @DefaultValue("conveyor") String userAgent) {

    private static final DataSize LARGEST = DataSize.ofGigabytes(1);

    public HttpJobProperties {
        allow = List.copyOf(allow);
        allow.forEach(AddressGuard::checkEntry);
        if (maxResponse.toBytes() < 1 || maxResponse.compareTo(LARGEST) > 0) {
            throw new IllegalArgumentException("conveyor.http.max-response is " + maxResponse.toBytes()
                    + " bytes; set it from 1B to 1GB (answers are held in memory)");
        }
        if (connectTimeout.toMillis() < 1) {
            throw new IllegalArgumentException(
                    "conveyor.http.connect-timeout is " + connectTimeout + "; set it to 1ms or more, such as 5s");
        }
        if (userAgent.isBlank() || !userAgent.chars().allMatch(c -> c >= ' ' && c < 127)) {
            throw new IllegalArgumentException(
                    "conveyor.http.user-agent is to be a text of printable ASCII characters, such as conveyor");
        }
    }
}
