package io.conveyor.store;

import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;

/**
 * How long the store keeps what has ended, and what it leaves free on its disk.
 *
 * @param retention how long an ended batch is kept before it is deleted; more than 0
 * @param reserve room on the disk of the store that new batches leave to the outcomes of what is accepted, and to
 *     deletions; 0 or more
 */
@ConfigurationProperties("conveyor")
public record StoreProperties(
        @DefaultValue("7d") Duration retention,
        @DefaultValue("64MB") DataSize reserve) {

    public StoreProperties {
        if (retention.isZero() || retention.isNegative()) {
            throw new IllegalArgumentException(
                    "conveyor.retention is " + retention + "; it must be longer than nothing, such as 7d or 12h");
        }
        if (reserve.isNegative()) {
            throw new IllegalArgumentException(
                    "conveyor.reserve is " + reserve + "; it must be 0 or more, such as 64MB");
        }
    }
}
