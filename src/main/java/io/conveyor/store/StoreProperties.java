package io.conveyor.store;

import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * How long the store keeps what has ended.
 *
 * @param retention how long an ended batch is kept before it is deleted; more than 0
 */
@ConfigurationProperties("conveyor")
public record StoreProperties(@DefaultValue("7d") Duration retention) {

    public StoreProperties {
        if (retention.isZero() || retention.isNegative()) {
            throw new IllegalArgumentException(
                    "conveyor.retention is " + retention + "; it must be longer than nothing, such as 7d or 12h");
        }
    }
}
