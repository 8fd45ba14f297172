package io.conveyor.ledger;

/**
 * A job that a client wants done, and what may come back. Immutable.
 *
 * @param json what stands in the batch
 * @param expected what stands in the result if it succeeds, or in its error if it must fail
 */
record PlannedJob(Sort sort, String json, String expected) {

    /** What sorts of jobs there are, by what comes of them if nobody stops them. */
    enum Sort {
        ECHO(false, true, true),
        HASH(false, true, true),
        SLEEP(false, true, true),
        /** Calls the target, which answers after some milliseconds. */
        CALL(true, true, true),
        /** Calls a target that is overloaded at the first call. */
        FLAKY(true, true, false),
        /** Calls a target that never answers. */
        HANG(true, false, true),
        /** Calls a target that answers byte by byte. */
        TRICKLE(true, false, true),
        /** Calls a target that redirects to itself. */
        LOOP(true, false, true),
        /** A program that writes its begin and its end into the target's book. */
        PROGRAM(true, true, true),
        /** The same, and leaves a process behind that holds the pipe. */
        FORK(true, true, false),
        /** A program that writes without end. */
        FLOOD(true, false, true),
        /** Sleeps on when it is interrupted. */
        STUBBORN(false, true, true),
        /** A line that is no job. */
        INVALID(false, false, true);

        /** Whether the target's book has its starts. */
        final boolean targeted;

        private final boolean good;
        private final boolean sure;

        Sort(boolean targeted, boolean good, boolean sure) {
            this.targeted = targeted;
            this.good = good;
            this.sure = sure;
        }

        boolean maySucceed() {
            return good || !sure;
        }

        boolean mayFail() {
            return !good || !sure;
        }

        /** Whether its start and its end at the target say for sure that it ran in between. */
        boolean counted() {
            return this == CALL || this == PROGRAM;
        }
    }
}
