package io.conveyor.batch;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LineReaderTest {

    private static final int MAX_LINE = 100_000;

    /** What is read at once, 64 KiB, may lie behind the longest line. */
    private static final int MAX_BUFFER = MAX_LINE + 64 * 1024;

    /** So many letters without a line feed, and a line behind them; none of it is ever held. */
    private static final class Endless extends InputStream {

        private long letters;
        private final InputStream rest = new ByteArrayInputStream("\nnext\n".getBytes(StandardCharsets.US_ASCII));

        Endless(long letters) {
            this.letters = letters;
        }

        @Override
        public int read() throws IOException {
            return letters-- > 0 ? 'x' : rest.read();
        }

        @Override
        public int read(byte[] target, int offset, int length) throws IOException {
            assertThat(length).as("room to read into").isPositive();
            int n = (int) Math.min(length, letters);
            if (n <= 0) {
                return rest.read(target, offset, length);
            }
            Arrays.fill(target, offset, offset + n, (byte) 'x');
            letters -= n;
            return n;
        }
    }

    @Test
    void ofALineWithoutEndNothingIsKept() throws IOException {
        LineReader lines = new LineReader(new Endless(50_000_000), MAX_LINE, () -> {});

        assertThat(lines.next()).isTrue();
        assertThat(lines.isTooLong()).isTrue();
        assertThat(lines.buffer().length).isLessThanOrEqualTo(MAX_BUFFER);
        assertThat(lines.next()).isTrue();
        assertThat(lines.isTooLong()).isFalse();
        assertThat(text(lines)).isEqualTo("next");
        assertThat(lines.number()).isEqualTo(2);
        assertThat(lines.next()).isFalse();
    }

    private static String text(LineReader lines) {
        return new String(lines.buffer(), lines.start(), lines.end() - lines.start(), StandardCharsets.US_ASCII);
    }

    /** The carriage return of the longest line may come alone, and is not part of it. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 5, 11, 12, 13, 1000})
    void theLongestLineFitsHoweverItArrives(int pieces) throws IOException {
        LineReader lines = inPieces("0123456789\r\n0123456789A\r\nend", pieces);

        assertThat(lines.next()).isTrue();
        assertThat(List.of(text(lines), lines.isTooLong())).containsExactly("0123456789", false);
        assertThat(lines.next()).isTrue();
        assertThat(lines.isTooLong()).isTrue();
        assertThat(lines.next()).isTrue();
        assertThat(List.of(text(lines), lines.isTooLong())).containsExactly("end", false);
    }

    /** The byte order mark is no part of the line, and must not push the longest over the limit when it comes in pieces. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 5, 13, 1000})
    void theLongestLineFitsBehindAByteOrderMarkHoweverItArrives(int pieces) throws IOException {
        LineReader lines = inPieces("\ufeff0123456789\r\n0123456789A\r\n", pieces);

        assertThat(lines.next()).isTrue();
        assertThat(List.of(text(lines), lines.isTooLong())).containsExactly("0123456789", false);
        assertThat(lines.next()).isTrue();
        assertThat(lines.isTooLong()).isTrue();
        assertThat(lines.next()).isFalse();
    }

    /** Of lines of ten bytes at the most, from a body that never gives more than so many bytes at once. */
    private static LineReader inPieces(String body, int pieces) {
        InputStream bytes = new ByteArrayInputStream(body.getBytes(StandardCharsets.UTF_8)) {
            @Override
            public synchronized int read(byte[] target, int offset, int length) {
                return super.read(target, offset, Math.min(length, pieces));
            }
        };
        return new LineReader(bytes, 10, () -> {});
    }
}
