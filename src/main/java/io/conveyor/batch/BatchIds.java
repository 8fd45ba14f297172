package io.conveyor.batch;

import java.security.SecureRandom;
import java.time.Clock;
import java.util.regex.Pattern;
import org.springframework.stereotype.Component;

/**
 * Makes ids for batches whose client names none: {@code batch_} and the 26 characters of a UUIDv7 (RFC 9562) in lower
 * case base32 with Crockford's alphabet. In the order of their making they sort ascending as texts, within a process for
 * certain and between processes by the millisecond. 74 random bits keep them apart and unguessable. Thread-safe.
 */
@Component
final class BatchIds {

    /** What a client may choose as an id. */
    static final Pattern CHOSEN = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,62}");

    private static final char[] ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz".toCharArray();
    private static final String PREFIX = "batch_";
    private static final int CHARACTERS = 26;

    /** Values of the 12 bits after the time, which count within a millisecond (RFC 9562, section 6.2, method 1). */
    private static final int COUNTS = 1 << 12;

    private final Clock clock;
    private final SecureRandom random = new SecureRandom();

    // Mutable state: guarded by this
    private long millis;
    private int count;

    BatchIds(Clock clock) {
        this.clock = clock;
    }

    /** A new id. */
    String next() {
        long tail = random.nextLong();
        long head = nextHead(random.nextInt(COUNTS / 2));
        return encode(head, (tail & 0x3fff_ffff_ffff_ffffL) | 0x8000_0000_0000_0000L);
    }

    /** Time, version and count. A clock that stands still or goes back only lets the count go on. */
    private synchronized long nextHead(int firstCount) {
        long now = clock.millis();
        if (now > millis) {
            millis = now;
            count = firstCount;
        } else if (++count == COUNTS) {
            millis++;
            count = firstCount;
        }
        return (millis << 16) | 0x7000L | count;
    }

    private static String encode(long head, long tail) {
        char[] text = new char[CHARACTERS];
        long high = head;
        long low = tail;
        for (int i = CHARACTERS - 1; i >= 0; i--) {
            text[i] = ALPHABET[(int) (low & 31)];
            low = (low >>> 5) | (high << 59);
            high >>>= 5;
        }
        return PREFIX + new String(text);
    }
}
