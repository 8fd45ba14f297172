package io.conveyor.batch;

import static org.assertj.core.api.Assertions.assertThat;

import io.conveyor.job.Job;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.RepeatedTest;

/** Random batches, read in pieces that end anywhere, must give back the very bytes that were their inputs. */
class BatchParserFuzzTest {

    private static final String[] WORDS = {
        "a",
        "é",
        "😀",
        "\u2028",
        "\\n",
        "\\\"",
        "\\\\",
        "\\u00e9",
        "\\ud83d\\ude00",
        "{",
        "]",
        ",",
        ":",
        " ",
        "中",
        "kind"
    };
    private static final String[] NUMBERS = {
        "0", "-0", "1.10", "12345678901234567890", "1e5", "-1.0E-7", "0.000", "99999999999999999999.5"
    };
    private static final String[] SPACE = {"", "", "", " ", "\t", "  "};

    private SplittableRandom random = new SplittableRandom();

    @RepeatedTest(200)
    void inputsComeBackByteForByte() throws IOException {
        long seed = new SplittableRandom().nextLong();
        random = new SplittableRandom(seed);
        List<String> inputs = new ArrayList<>();
        String body = body(inputs);

        List<Job> jobs = new ArrayList<>();
        new BatchParser(
                        Set.of("echo"),
                        10_000,
                        1 << 20,
                        new FollowerReader(Set.of("echo"), 1 << 20, (url, secret) -> Optional.empty()))
                .parse(new Pieces(body.getBytes(StandardCharsets.UTF_8)), jobs::add);

        assertThat(jobs).as("seed %d", seed).hasSize(inputs.size());
        for (int i = 0; i < inputs.size(); i++) {
            byte[] input = Objects.requireNonNull(jobs.get(i).input());
            assertThat(new String(input, StandardCharsets.UTF_8))
                    .as("seed %d, job %d", seed, i)
                    .isEqualTo(inputs.get(i));
            assertThat(jobs.get(i).metadata()).as("seed %d, job %d", seed, i).isEqualTo(input);
        }
    }

    private String body(List<String> inputs) {
        StringBuilder body = new StringBuilder("[");
        int jobs = random.nextInt(1, 60);
        for (int i = 0; i < jobs; i++) {
            StringBuilder input = new StringBuilder();
            value(input, random.nextInt(5));
            inputs.add(input.toString());
            body.append(i == 0 ? "" : ",").append(space()).append("{\"kind\":\"echo\",\"input\":");
            body.append(space())
                    .append(input)
                    .append(space())
                    .append(",\"metadata\":")
                    .append(input)
                    .append('}');
        }
        return body.append(space()).append(']').toString();
    }

    private void value(StringBuilder out, int depth) {
        switch (random.nextInt(depth > 0 ? 6 : 4)) {
            case 0 -> out.append(NUMBERS[random.nextInt(NUMBERS.length)]);
            case 1 -> text(out, random.nextInt(8) == 0 ? 5000 : 12);
            case 2 -> out.append(random.nextBoolean() ? "true" : "null");
            case 3 -> out.append(random.nextLong());
            case 4 -> {
                out.append('[');
                for (int n = random.nextInt(5), i = 0; i < n; i++) {
                    out.append(i == 0 ? "" : ",").append(space());
                    value(out, depth - 1);
                }
                out.append(space()).append(']');
            }
            default -> {
                out.append('{');
                for (int n = random.nextInt(5), i = 0; i < n; i++) {
                    out.append(i == 0 ? "" : ",").append(space());
                    text(out, 6);
                    out.append(space()).append(':').append(space());
                    value(out, depth - 1);
                }
                out.append('}');
            }
        }
    }

    private void text(StringBuilder out, int most) {
        out.append('"');
        for (int n = random.nextInt(most), i = 0; i < n; i++) {
            out.append(WORDS[random.nextInt(WORDS.length)]);
        }
        out.append('"');
    }

    private String space() {
        return SPACE[random.nextInt(SPACE.length)];
    }

    /** A stream that hands out as many bytes at a time as it likes. */
    private final class Pieces extends ByteArrayInputStream {

        private final int most = random.nextBoolean() ? 5 : 9000;

        Pieces(byte[] bytes) {
            super(bytes);
        }

        @Override
        public synchronized int read(byte[] target, int offset, int length) {
            return super.read(target, offset, Math.min(length, random.nextInt(1, most)));
        }
    }
}
