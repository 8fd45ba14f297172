package io.conveyor.batch;

import static org.assertj.core.api.Assertions.assertThat;

import io.conveyor.job.Job;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import tools.jackson.core.JacksonException;

/** The quick reader of lines accepts nothing that the strict one does not accept, and reads the same in it. */
class LineScannerFuzzTest {

    private static final int ROUNDS = 200_000;
    private static final Set<String> KINDS = new LinkedHashSet<>(List.of("echo", "hash"));

    private static final List<String> SEEDS = List.of(
            "{\"kind\":\"echo\",\"input\":{\"a\":[1,-2.5e+10,true,false,null,\"x\\u00e4\\\\\"],\"b\":{}}}",
            "{\"input\":[[],[{}],[[1]]],\"kind\":\"hash\",\"custom_id\":\"job 1\",\"timeout_ms\":60000}",
            " { \"kind\" : \"echo\" ,\t\"metadata\":{\"k\":\"v\"} , \"input\" : -0.0 } ",
            "{\"kind\":\"echo\",\"input\":12345678901234567890,\"timeout_ms\":9999999}",
            "{\"kind\":\"echo\",\"max_attempts\":3,\"timeout_ms\":10}",
            "{\"kind\":\"echo\"}");

    private static final byte[] ALPHABET =
            "{}[]:,\"\\ \t\r0123456789.-+eEutfnlars/kidnechohash_".getBytes(StandardCharsets.US_ASCII);

    @Test
    void acceptsOnlyWhatTheStrictReaderReadsTheSame() {
        long seed = new Random().nextLong();
        System.out.println("LineScannerFuzzTest seed " + seed);
        SplittableRandom random = new SplittableRandom(seed);
        LineScanner scanner = new LineScanner(KINDS);
        int accepted = 0;
        for (int round = 0; round < ROUNDS; round++) {
            byte[] line = mutated(random);
            Job quick = scanner.scan(line, 0, line.length, 3);
            if (quick != null) {
                accepted++;
                Job strict = strict(line);
                assertThat(strict)
                        .as(() -> new String(line, StandardCharsets.ISO_8859_1))
                        .isNotNull();
                assertSame(Objects.requireNonNull(strict), quick, line);
            }
        }
        assertThat(accepted).isBetween(ROUNDS / 50, ROUNDS - ROUNDS / 50);
    }

    @Test
    void readsEverySeedItself() {
        for (String line : SEEDS) {
            byte[] bytes = line.getBytes(StandardCharsets.UTF_8);
            assertThat(new LineScanner(KINDS).scan(bytes, 0, bytes.length, 0))
                    .as(line)
                    .isNotNull();
        }
    }

    @Test
    void goesAsDeepAsTheStrictReaderAndNoDeeper() {
        for (int depth : new int[] {62, 63, 64, 65}) {
            String line = "{\"kind\":\"echo\",\"input\":" + "[".repeat(depth) + "]".repeat(depth) + "}";
            byte[] bytes = line.getBytes(StandardCharsets.US_ASCII);
            boolean quick = new LineScanner(KINDS).scan(bytes, 0, bytes.length, 0) != null;
            assertThat(quick).as("depth %d", depth).isEqualTo(depth <= 63);
            assertThat(strict(bytes) != null).as("depth %d", depth).isEqualTo(quick);
        }
    }

    private static byte[] mutated(SplittableRandom random) {
        byte[] line = SEEDS.get(random.nextInt(SEEDS.size())).getBytes(StandardCharsets.UTF_8);
        int changes = random.nextInt(4);
        for (int i = 0; i < changes; i++) {
            int at = random.nextInt(line.length);
            byte b = ALPHABET[random.nextInt(ALPHABET.length)];
            line = switch (random.nextInt(4)) {
                case 0 -> spliced(line, at, at + 1, new byte[0]);
                case 1 -> spliced(line, at, at, new byte[] {b});
                case 2 -> {
                    int to = at + random.nextInt(line.length - at);
                    byte[] part = java.util.Arrays.copyOfRange(line, at, to);
                    yield spliced(line, to, to, part);
                }
                default -> spliced(line, at, at + 1, new byte[] {b});
            };
            if (line.length == 0) {
                line = new byte[] {b};
            }
        }
        return line;
    }

    private static byte[] spliced(byte[] line, int from, int to, byte[] middle) {
        byte[] result = new byte[line.length - (to - from) + middle.length];
        System.arraycopy(line, 0, result, 0, from);
        System.arraycopy(middle, 0, result, from, middle.length);
        System.arraycopy(line, to, result, from + middle.length, line.length - to);
        return result;
    }

    private static @Nullable Job strict(byte[] line) {
        Violations violations = new Violations();
        try (JsonBody body = new JsonBody(JsonBody.factory(), new ByteArrayInputStream(line), 1 << 20, violations)) {
            JobReader reader = new JobReader(body, violations, KINDS, 1 << 20);
            Job job = reader.readAt(Objects.requireNonNull(body.next()), 3, () -> "");
            return body.next() == null && violations.isEmpty() ? job : null;
        } catch (JacksonException | java.io.IOException e) {
            return null;
        }
    }

    private static void assertSame(Job expected, Job actual, byte[] line) {
        String text = new String(line, StandardCharsets.ISO_8859_1);
        assertThat(actual.kind()).as(text).isEqualTo(expected.kind());
        assertThat(actual.customId()).as(text).isEqualTo(expected.customId());
        assertThat(actual.timeoutMillis()).as(text).isEqualTo(expected.timeoutMillis());
        assertThat(actual.maxAttempts()).as(text).isEqualTo(expected.maxAttempts());
        assertThat(actual.input()).as(text).isEqualTo(expected.input());
        assertThat(actual.metadata()).as(text).isEqualTo(expected.metadata());
    }
}
