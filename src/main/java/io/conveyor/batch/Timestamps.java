package io.conveyor.batch;

import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Writes times as the API shows them: RFC 3339 in UTC, always with three digits of milliseconds. Keeps nothing. */
final class Timestamps {

    private static final DateTimeFormatter FORMAT = DateTimeFormatter.ofPattern(
                    "uuuu-MM-dd'T'HH:mm:ss.SSS'Z'", Locale.ROOT)
            .withZone(ZoneOffset.UTC);

    private Timestamps() {}

    static String of(long millis) {
        return FORMAT.format(Instant.ofEpochMilli(millis));
    }

    static @Nullable String ofNullable(@Nullable Long millis) {
        return millis == null ? null : of(millis);
    }
}
