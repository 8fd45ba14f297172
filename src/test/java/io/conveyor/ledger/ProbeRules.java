package io.conveyor.ledger;

import io.conveyor.ledger.Books.Halt;
import io.conveyor.ledger.Books.Life;
import io.conveyor.ledger.Books.Probe;

/** What probes are told while a process is up: that it lives, within a second, and whether it can take work. Has no state. */
final class ProbeRules implements Checker.Rule {

    /** How long an answer may take. */
    private static final long LIMIT = Moment.SECOND;

    /** From a fault of the store to a readiness that says so: the store must have tried to write. */
    private static final long NOTICED = 3 * Moment.SECOND;

    /** The container's own stop, the last of a life, once it answers no request any more. */
    private static final long CLOSING = 2 * Moment.SECOND;

    @Override
    public void check(Books books, Complaints complaints) {
        for (Life life : books.lives()) {
            for (Probe probe : books.probes()) {
                if (asked(probe, life)) {
                    check(probe, life, complaints);
                }
            }
        }
    }

    /** Whether the process was up, and not stopped, all the time of the probe. */
    static boolean asked(Probe probe, Life life) {
        return probe.sentAt() > life.readyAt()
                && probe.answeredAt() < life.endedAt()
                && life.halts().stream()
                        .noneMatch(halt ->
                                halt.why() == Halt.Why.STOPPED && halt.meets(probe.sentAt(), probe.answeredAt()));
    }

    private static void check(Probe probe, Life life, Complaints complaints) {
        boolean stopping = probe.answeredAt() > life.stopAt();
        long took = probe.answeredAt() - probe.sentAt() - probe.late();
        complaints.unless(
                took <= LIMIT, "probe-too-slow", probe, "in life", life.number(), ",", Moment.millis(took), "ms");
        if (probe.path().equals("/livez")) {
            // A connection that is kept gets a 503 when the container has closed its door; a new one is refused.
            boolean closed = probe.status() == 503 && life.endedAt() - probe.answeredAt() < CLOSING;
            boolean gone = stopping && (probe.status() == 0 || closed);
            complaints.unless(probe.status() == 200 || gone, "liveness-denied", probe, "in life", life.number());
        } else if (!stopping) {
            ready(probe, life, complaints);
        }
    }

    private static void ready(Probe probe, Life life, Complaints complaints) {
        boolean near = false;
        for (Halt halt : life.halts()) {
            near |= halt.why() == Halt.Why.STORE && halt.meets(probe.sentAt() - NOTICED, probe.answeredAt());
            boolean within = halt.why() == Halt.Why.STORE
                    && probe.sentAt() > halt.from() + NOTICED
                    && probe.answeredAt() < halt.to();
            complaints.unless(
                    !within || probe.status() != 200, "ready-with-a-broken-store", probe, "in life", life.number());
        }
        complaints.unless(near || probe.status() == 200, "not-ready-without-a-cause", probe, "in life", life.number());
    }
}
