package io.conveyor.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The short form of {@code mvn -Pfuzz}: all seeds of each target, and some thousand inputs that are made of them.
 * {@code -Dfuzz.rounds=1000000} makes more, {@code -Dfuzz.seed=N} the same again.
 */
class HostileInputTest {

    private static final int ROUNDS = Integer.getInteger("fuzz.rounds", 5000);

    /** Changes that one input has at the most. */
    private static final int MOST_CHANGES = 6;

    @ParameterizedTest
    @EnumSource
    void everySeedHolds(FuzzTarget target) throws Exception {
        Map<String, Integer> became = new TreeMap<>();
        List<byte[]> seeds = target.readSeeds();
        for (byte[] seed : seeds) {
            became.merge(attack(target, seed), 1, Integer::sum);
        }
        assertThat(attack(target, new byte[0])).isNotBlank();
        System.out.println("HostileInputTest " + target + ": seeds " + became);
        assertThat(became.keySet()).as("sorts of ends").hasSizeGreaterThanOrEqualTo(3);
    }

    @ParameterizedTest
    @EnumSource
    void whatIsMadeOfSeedsHolds(FuzzTarget target) throws Exception {
        long seed = Long.getLong("fuzz.seed", System.nanoTime());
        System.out.println("HostileInputTest " + target + ": seed " + seed);
        SplittableRandom random = new SplittableRandom(seed);
        List<byte[]> seeds = target.readSeeds();
        Map<String, Integer> became = new TreeMap<>();
        for (int round = 0; round < ROUNDS; round++) {
            became.merge(attack(target, changed(seeds, random)), 1, Integer::sum);
        }
        System.out.println("HostileInputTest " + target + ": " + became);
    }

    private static String attack(FuzzTarget target, byte[] data) throws Exception {
        try {
            return target.attack(data);
        } catch (AssertionError | RuntimeException e) {
            throw new AssertionError(
                    target + " with the input " + HexFormat.of().formatHex(data) + ": " + e.getMessage(), e);
        }
    }

    private static byte[] changed(List<byte[]> seeds, SplittableRandom random) {
        byte[] data = seeds.get(random.nextInt(seeds.size()));
        for (int n = random.nextInt(MOST_CHANGES + 1); n > 0; n--) {
            int from = random.nextInt(data.length + 1);
            int to = from + random.nextInt(Math.min(data.length - from, 8) + 1);
            byte[] other = seeds.get(random.nextInt(seeds.size()));
            int start = random.nextInt(other.length + 1);
            byte[] middle = switch (random.nextInt(5)) {
                case 0 -> new byte[0];
                case 1 -> new byte[] {(byte) random.nextInt(256)};
                case 2 -> new byte[] {(byte) "\n\r{}[]\",:\\0.@%/- ".charAt(random.nextInt(17))};
                case 3 -> Arrays.copyOfRange(data, from, to + random.nextInt(data.length - to + 1));
                default -> Arrays.copyOfRange(other, start, start + random.nextInt(other.length - start + 1));
            };
            byte[] next = new byte[data.length - (to - from) + middle.length];
            System.arraycopy(data, 0, next, 0, from);
            System.arraycopy(middle, 0, next, from, middle.length);
            System.arraycopy(data, to, next, from + middle.length, data.length - to);
            data = next;
        }
        return data;
    }
}
