package io.conveyor.ledger;

import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;

/**
 * What faults act upon. Belongs to the nemesis's thread.
 *
 * @param planner of batches that faults submit
 */
record Scene(Lives lives, Calls calls, Planner planner, SplittableRandom random) {

    /** Milliseconds that a life lasts after its start at the least: long enough to see whether work has resumed. */
    private static final int LONG_ENOUGH = 5500;

    /** Lets the load go on for so long. */
    static void pause(int millis) throws InterruptedException {
        TimeUnit.MILLISECONDS.sleep(millis);
    }

    /** The next process, after the end of the one before. */
    void restart(String... prefix) {
        lives.spawn(List.of(prefix));
        lives.awaitReady();
    }

    /** Before the end of a process: it has mostly lasted long enough, and now and then it has not. */
    void awaitLongEnough() throws InterruptedException {
        long age = Moment.millis(
                Moment.now() - lives.book().get(lives.book().size() - 1).readyAt());
        if (random.nextInt(4) > 0) {
            pause((int) Math.max(0, LONG_ENOUGH - age));
        }
    }
}
