package io.conveyor;

import java.util.Arrays;
import java.util.List;
import org.jetbrains.lincheck.Lincheck;
import org.jetbrains.lincheck.LincheckAssertionError;

/**
 * Explores the schedules of a few threads that meet: one with no switch between them, then those with one, with two, and so
 * on, up to a number of them. Time stands still, so no time-out hides a wake-up that is lost: that is a hang, which fails with the
 * schedule that leads to it. Memory is sequentially consistent. {@code -Dschedules=20} explores twenty times as many.
 */
public final class Schedules {

    private static final int TIMES = Integer.getInteger("schedules", 1);

    private static final int TRIES = 3;

    private Schedules() {}

    /** What one thread does. */
    public interface Part {
        void run() throws Exception;
    }

    /**
     * Runs the scenario, which makes all it needs anew, under so many schedules of {@link #together}. A hang that comes without
     * the schedule that leads to it was a machine that stood still for seconds: all is explored again, and a real one comes
     * again.
     */
    public static void explore(int schedules, Part scenario) {
        for (int tries = 1; tries < TRIES; tries++) {
            try {
                Lincheck.runConcurrentTest(schedules * TIMES, () -> unchecked(scenario));
                return;
            } catch (LincheckAssertionError e) {
                String message = String.valueOf(e.getMessage());
                if (!message.contains("has hung") || message.contains("interleaving")) {
                    throw e;
                }
                System.out.println("Schedules: a hang without a schedule; exploring again");
            }
        }
        Lincheck.runConcurrentTest(schedules * TIMES, () -> unchecked(scenario));
    }

    /** Runs the parts at once, each on a thread of its own, until all have ended. */
    public static void together(Part... parts) throws InterruptedException {
        List<Thread> threads = Arrays.stream(parts)
                .map(part -> new Thread(() -> unchecked(part)))
                .toList();
        for (Thread thread : threads) {
            thread.start();
        }
        for (Thread thread : threads) {
            thread.join();
        }
    }

    /** Without AssertJ, whose every step would be one of the schedule. */
    public static void check(boolean holds, String otherwise) {
        if (!holds) {
            throw new AssertionError(otherwise);
        }
    }

    private static void unchecked(Part part) {
        try {
            part.run();
        } catch (RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }
}
