package io.conveyor.web.stream;

import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * Limits of answers that are streamed.
 *
 * @param maxOpen maximum number of streams that are open at the same time, 1 or more; one too many is refused
 */
@ConfigurationProperties("conveyor.stream")
public record StreamProperties(@DefaultValue("4096") int maxOpen) {

    public StreamProperties {
        if (maxOpen < 1) {
            throw new IllegalArgumentException("conveyor.stream.max-open is " + maxOpen + "; it must be 1 or more");
        }
    }
}
