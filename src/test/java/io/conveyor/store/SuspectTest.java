package io.conveyor.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** The rule by which jobs are given up, in simulations: which jobs end the process, how many run at once, who kills. */
class SuspectTest {

    private static final int ROUNDS = 5000;

    @Test
    void theThirdCrashCountsOnlyAlone() {
        assertThat(Suspect.after(0, false)).isEqualTo(1);
        assertThat(Suspect.after(1, false)).isEqualTo(2);
        assertThat(Suspect.after(2, false)).isEqualTo(2);
        assertThat(Suspect.after(2, true)).isEqualTo(3);
        assertThat(Suspect.after(0, true)).isEqualTo(1);
        assertThat(Suspect.after(3, false)).as("given up, and not yet recorded").isEqualTo(3);
    }

    @Test
    void jobsThatEndTheProcessAreGivenUpAndNoOthersAreWithinThreeCrashesEach() {
        long first = System.nanoTime();
        System.out.println("SuspectTest seeds from " + first + ", " + ROUNDS + " rounds");
        for (int round = 0; round < ROUNDS; round++) {
            Simulation simulation = new Simulation(first + round, 0);
            simulation.run();
            assertThat(simulation.abandoned).as("seed %s", first + round).isEqualTo(simulation.poison);
            assertThat(simulation.crashes)
                    .as("seed %s", first + round)
                    .isLessThanOrEqualTo(3 * simulation.poison.size());
        }
    }

    @Test
    void killsFromOutsideDoNoHarmToJobsThatRunBesideOthers() {
        long first = System.nanoTime();
        System.out.println("SuspectTest seeds with kills from " + first + ", " + ROUNDS + " rounds");
        int spared = 0;
        for (int round = 0; round < ROUNDS; round++) {
            Simulation simulation = new Simulation(first + round, 20);
            simulation.run();
            assertThat(simulation.abandoned).as("seed %s", first + round).containsAll(simulation.poison);
            Set<Integer> wrong = new HashSet<>(simulation.abandoned);
            wrong.removeAll(simulation.poison);
            assertThat(simulation.killedAloneThird).as("seed %s", first + round).containsAll(wrong);
            spared += wrong.isEmpty() ? 1 : 0;
        }
        assertThat(spared).as("rounds without a wrong one").isPositive();
    }

    /** Jobs in random order on a crew; at each step one of those that run ends, or the process does. */
    private static final class Simulation {

        private final Random random;
        private final int crew;
        private final Set<Integer> poison = new HashSet<>();
        private final Set<Integer> open = new HashSet<>();
        private final Map<Integer, Integer> counted = new HashMap<>();
        private final Set<Integer> abandoned = new HashSet<>();
        /** Where a kill from outside was the third crash, which found a job alone. */
        private final Set<Integer> killedAloneThird = new HashSet<>();

        private int kills;
        private int crashes;

        Simulation(long seed, int kills) {
            random = new Random(seed);
            this.kills = kills;
            crew = 1 + random.nextInt(12);
            int jobs = 1 + random.nextInt(60);
            IntStream.range(0, jobs).forEach(open::add);
            IntStream.range(0, random.nextInt(8)).forEach(n -> poison.add(random.nextInt(jobs)));
        }

        void run() {
            while (!open.isEmpty()) {
                process();
            }
        }

        /** From a start to the next crash, or until everything is done. */
        private void process() {
            for (int job : List.copyOf(counted.keySet())) {
                if (isAt(job, Suspect.MOST_CRASHES)) {
                    abandoned.add(job);
                    open.remove(job);
                    counted.remove(job);
                }
            }
            for (int job : List.copyOf(counted.keySet())) {
                if (isAt(job, Suspect.MOST_CRASHES - 1) && crashes(List.of(job))) {
                    return;
                }
            }
            List<Integer> waiting = new ArrayList<>(open);
            List<Integer> running = new ArrayList<>();
            while (!open.isEmpty()) {
                while (running.size() < crew && !waiting.isEmpty()) {
                    running.add(waiting.remove(random.nextInt(waiting.size())));
                }
                if (crashes(running)) {
                    return;
                }
                running.removeIf(job -> !open.contains(job));
            }
        }

        private boolean isAt(int job, int crashes) {
            return counted.getOrDefault(job, 0) == crashes;
        }

        /** One step of those that run: one ends, or takes the process with it, or somebody kills it. */
        private boolean crashes(List<Integer> running) {
            int next = running.get(random.nextInt(running.size()));
            boolean killed = kills > 0 && random.nextInt(4) == 0;
            if (!killed && !poison.contains(next)) {
                open.remove(next);
                counted.remove(next);
                return false;
            }
            kills -= killed ? 1 : 0;
            crashes += killed ? 0 : 1;
            boolean alone = running.size() == 1;
            for (int job : running) {
                counted.merge(job, 1, (before, one) -> Suspect.after(before, alone));
                if (killed && alone && isAt(job, Suspect.MOST_CRASHES)) {
                    killedAloneThird.add(job);
                }
            }
            return true;
        }
    }
}
