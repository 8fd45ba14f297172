package io.conveyor.web;

import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;

/**
 * What the service puts up with from its clients.
 *
 * @param minRate bytes a second below which a client that sends a body, or reads an answer, falls behind; when threads or
 *     places among the submissions run short, whoever is furthest behind is hung up on; 1 B to 1 MB
 */
@ConfigurationProperties("conveyor.clients")
record ClientProperties(@DefaultValue("1KB") DataSize minRate) {

    private static final DataSize LARGEST = DataSize.ofMegabytes(1);

    ClientProperties {
        if (minRate.toBytes() < 1 || minRate.compareTo(LARGEST) > 0) {
            throw new IllegalArgumentException(
                    "conveyor.clients.min-rate is " + minRate + "; it must be from 1B to 1MB (a second), such as 1KB");
        }
    }
}
