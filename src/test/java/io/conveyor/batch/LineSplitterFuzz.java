package io.conveyor.batch;

import static org.assertj.core.api.Assertions.assertThat;

import io.conveyor.fuzz.FuzzInput;
import io.conveyor.fuzz.Pieces;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Attacks {@link LineReader}: it must find the lines that a naive reading of the whole body finds, in whatever pieces the body
 * comes; hold no more than its bound; and say before each wait that it waits.
 *
 * <p>An input: the longest line (number + 1, or 70,000 for 63), the plan of the pieces, the body, in which each byte 1 stands
 * for 8191 letters.
 */
public final class LineSplitterFuzz {

    private static final int LONG_LINE = 70_000;
    private static final int STRETCH = 8191;
    private static final int MOST_BYTES = 80_000;

    /** What {@link LineReader} may hold beyond the longest line. */
    private static final int READ_AT_ONCE = 64 * 1024;

    private LineSplitterFuzz() {}

    /** What a line is: its text, byte for byte, or nothing of one that is too long. */
    record Line(long number, boolean tooLong, String text) {}

    /** For the fuzzer. */
    public static void fuzzerTestOneInput(byte[] data) throws IOException {
        attack(data);
    }

    /** Returns in a word what became of it. */
    public static String attack(byte[] data) throws IOException {
        FuzzInput input = new FuzzInput(data, 2);
        int maxLine = input.number(0) == 63 ? LONG_LINE : input.number(0) + 1;
        byte[] body = stretched(input.body());
        List<Line> expected = naive(body, maxLine);
        assertThat(read(body, maxLine, 0)).as("at once").isEqualTo(expected);
        assertThat(read(body, maxLine, input.number(1)))
                .as("in pieces of plan %d", input.number(1))
                .isEqualTo(expected);
        return expected.isEmpty() ? "none" : expected.stream().anyMatch(Line::tooLong) ? "too-long" : "lines";
    }

    private static byte[] stretched(byte[] body) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (byte b : body) {
            if (b == 1 && all.size() < MOST_BYTES) {
                byte[] letters = new byte[STRETCH];
                Arrays.fill(letters, (byte) 'x');
                all.writeBytes(letters);
            } else {
                all.write(b);
            }
        }
        return all.toByteArray();
    }

    /** The lines of a body, found with nothing clever. */
    static List<Line> naive(byte[] body, int maxLine) {
        List<Line> lines = new ArrayList<>();
        String all = new String(body, StandardCharsets.ISO_8859_1);
        long number = 0;
        for (int at = 0; at < all.length(); number++) {
            int feed = all.indexOf('\n', at);
            String line = all.substring(at, feed < 0 ? all.length() : feed);
            at = feed < 0 ? all.length() : feed + 1;
            if (line.endsWith("\r")) {
                line = line.substring(0, line.length() - 1);
            }
            if (number == 0 && line.startsWith("\u00ef\u00bb\u00bf")) {
                line = line.substring(3);
            }
            boolean tooLong = line.length() > maxLine;
            boolean blank = line.chars().allMatch(c -> c == ' ' || c == '\t' || c == '\r');
            if (tooLong || !blank) {
                lines.add(new Line(number + 1, tooLong, tooLong ? "" : line));
            }
        }
        return lines;
    }

    private static List<Line> read(byte[] body, int maxLine, int plan) throws IOException {
        Pieces pieces = new Pieces(body, plan);
        boolean[] told = {false};
        LineReader reader = new LineReader(new Watched(pieces, told), maxLine, () -> told[0] = true);
        List<Line> lines = new ArrayList<>();
        while (reader.next()) {
            String text = new String(
                    reader.buffer(), reader.start(), reader.end() - reader.start(), StandardCharsets.ISO_8859_1);
            lines.add(new Line(reader.number(), reader.isTooLong(), text));
            assertThat(reader.buffer().length).as("bytes held").isLessThanOrEqualTo(maxLine + READ_AT_ONCE);
        }
        assertThat(reader.next()).as("the end stays the end").isFalse();
        return lines;
    }

    /** Sees to it that nobody waits without a word. */
    private static final class Watched extends InputStream {

        private final Pieces pieces;
        private final boolean[] told;

        Watched(Pieces pieces, boolean[] told) {
            this.pieces = pieces;
            this.told = told;
        }

        @Override
        public int available() {
            told[0] = false;
            return pieces.available();
        }

        @Override
        public int read() {
            return pieces.read();
        }

        @Override
        public int read(byte[] target, int offset, int length) {
            if (length <= 0) {
                throw new AssertionError("no room to read into");
            }
            if (told[0] != pieces.isDry()) {
                throw new AssertionError("told that it waits: " + told[0] + "; it has to: " + pieces.isDry());
            }
            return pieces.read(target, offset, length);
        }
    }
}
