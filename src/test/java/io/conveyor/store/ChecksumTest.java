package io.conveyor.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class ChecksumTest {

    private static final byte[] TEXT = "What a client gets back".getBytes(StandardCharsets.UTF_8);

    @Test
    void whatIsSealedComesBackAtItsPlaceOnly() {
        byte[] sealed = Checksum.seal(TEXT, 7, 256, 1);

        assertThat(sealed).startsWith(TEXT).hasSize(TEXT.length + Checksum.BYTES);
        assertThat(Checksum.open(sealed, 7, 256, 1)).isEqualTo(TEXT);
        assertThatThrownBy(() -> Checksum.open(sealed, 7, 256, 2)).isInstanceOf(StoreException.class);
        assertThatThrownBy(() -> Checksum.open(sealed)).isInstanceOf(StoreException.class);
    }

    @Test
    void everyBitCounts() {
        for (int bit = 0; bit < (TEXT.length + Checksum.BYTES) * 8; bit++) {
            byte[] flipped = Checksum.seal(TEXT, 7);
            flipped[bit / 8] ^= (byte) (1 << (bit % 8));
            assertThatThrownBy(() -> Checksum.open(flipped, 7))
                    .isInstanceOfSatisfying(
                            StoreException.class, e -> assertThat(e.reason()).isEqualTo(StoreException.Reason.DAMAGED));
        }
    }

    @Test
    void whatIsTooShortIsDamaged() {
        assertThatThrownBy(() -> Checksum.open(new byte[3])).isInstanceOf(StoreException.class);
        assertThat(Checksum.open(Checksum.seal(new byte[0]))).isEmpty();
    }
}
