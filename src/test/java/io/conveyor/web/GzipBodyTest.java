package io.conveyor.web;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GzipBodyTest {

    private static final int FREE = 1024 * 1024;

    /** Blanks, which pack about a thousand to one. */
    private static byte[] packed(int blanks) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (GZIPOutputStream gzip = new GZIPOutputStream(bytes)) {
            gzip.write(" ".repeat(blanks).getBytes(StandardCharsets.US_ASCII));
        }
        return bytes.toByteArray();
    }

    private static GzipBody body(byte[] packed, int maxRatio) {
        return new GzipBody(new ByteArrayInputStream(packed), maxRatio);
    }

    @Test
    void aMegabyteIsLetThroughHoweverTightlyItIsPacked() throws IOException {
        assertThat(body(packed(FREE), 1).readAllBytes()).hasSize(FREE);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 50, 500})
    void beyondThatTheRatioEndsItBeforeMuchIsUnpacked(int maxRatio) throws IOException {
        byte[] packed = packed(8 * FREE);
        GzipBody body = body(packed, maxRatio);

        byte[] chunk = new byte[4096];
        int[] unpacked = {0};
        assertThatExceptionOfType(ApiException.class)
                .isThrownBy(() -> unpackAll(body, chunk, unpacked))
                .satisfies(refused -> assertThat(refused.problem()).isEqualTo(Problem.PAYLOAD_TOO_LARGE));
        assertThat(unpacked[0]).isLessThanOrEqualTo(Math.max(FREE, (packed.length + 1) * maxRatio));
    }

    private static void unpackAll(GzipBody body, byte[] chunk, int[] unpacked) throws IOException {
        for (int n = body.read(chunk, 0, chunk.length); n >= 0; n = body.read(chunk, 0, chunk.length)) {
            unpacked[0] += n;
        }
    }

    @Test
    void whatIsWithinTheRatioIsUnpackedWhole() throws IOException {
        assertThat(body(packed(8 * FREE), 2000).readAllBytes()).hasSize(8 * FREE);
    }
}
