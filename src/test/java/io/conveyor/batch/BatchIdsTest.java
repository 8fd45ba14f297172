package io.conveyor.batch;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigInteger;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class BatchIdsTest {

    private static final long NOW = 1_790_000_000_123L;
    private static final String ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";

    private final AtomicLong now = new AtomicLong(NOW);
    private final BatchIds ids = new BatchIds(new Clock() {
        @Override
        public ZoneId getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
            return this;
        }

        @Override
        public Instant instant() {
            return Instant.ofEpochMilli(now.get());
        }
    });

    private static BigInteger decode(String id) {
        BigInteger value = BigInteger.ZERO;
        for (char c : id.substring("batch_".length()).toCharArray()) {
            value = value.shiftLeft(5).add(BigInteger.valueOf(ALPHABET.indexOf(c)));
        }
        return value;
    }

    @Test
    void areUuidsOfVersion7() {
        String id = ids.next();

        assertThat(id).matches("batch_[0-9a-hjkmnp-tv-z]{26}");
        BigInteger uuid = decode(id);
        assertThat(uuid.bitLength()).isLessThanOrEqualTo(128);
        assertThat(uuid.shiftRight(80).longValueExact()).isEqualTo(NOW);
        assertThat(uuid.shiftRight(76).intValue() & 0xf).isEqualTo(7);
        assertThat(uuid.shiftRight(62).intValue() & 3).isEqualTo(2);
    }

    @Test
    void ascendThoughTheClockStandsOrGoesBack() {
        List<String> made = new ArrayList<>();
        for (int i = 0; i < 20_000; i++) {
            if (i == 10_000) {
                now.addAndGet(-5000);
            }
            made.add(ids.next());
        }

        assertThat(made).isSorted();
        assertThat(new HashSet<>(made)).hasSize(20_000);
    }

    @Test
    void couldHaveBeenChosenByAClient() {
        assertThat(BatchIds.CHOSEN.matcher(ids.next()).matches()).isTrue();
    }
}
