package io.conveyor.store;

/**
 * A job that ran when a process died, and has not come to an end since.
 *
 * @param batch its batch, without the id
 * @param crashes what is counted against it, from 1
 */
public record Suspect(BatchRef batch, int index, int crashes) {

    /** Crashes after which a job is not run any more. */
    public static final int MOST_CRASHES = 3;

    /**
     * What is counted against a job that ran when another process has died. A crash counts; but the last one only if
     * nothing else ran: so a job that does not end its process is never given up because of another that does.
     *
     * @param before what was counted before, 0 for a job that was not suspected
     * @param alone whether it was the only job that ran
     */
    public static int after(int before, boolean alone) {
        return Math.max(before, Math.min(before + 1, alone ? MOST_CRASHES : MOST_CRASHES - 1));
    }

    /** Whether it is to be run with nothing beside it: the next crash would show that it is to blame. */
    public boolean runsAlone() {
        return crashes == MOST_CRASHES - 1;
    }

    /** Whether it is to be run no more. */
    public boolean isGuilty() {
        return crashes >= MOST_CRASHES;
    }
}
