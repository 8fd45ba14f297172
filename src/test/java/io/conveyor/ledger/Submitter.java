package io.conveyor.ledger;

import io.conveyor.ledger.Books.Answer;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Hands batches in. Without an answer nobody knows: of these it asks again for some, with the same request, and gets the
 * one batch; the others stay unknown. One thread.
 */
final class Submitter implements Clients.Turn {

    /** Requests under one key at the most. */
    private static final int MOST_TIMES = 4;

    private final Calls calls;
    private final Planner planner;
    private final SplittableRandom random;
    private final Deque<Plan> unknown = new ArrayDeque<>();

    Submitter(Calls calls, Planner planner, SplittableRandom random) {
        this.calls = calls;
        this.planner = planner;
        this.random = random;
    }

    @Override
    public void take() throws InterruptedException {
        submit(planner.mixed());
    }

    void submit(Plan plan) throws InterruptedException {
        if (!calls.up()) {
            return;
        }
        Plan before = unknown.poll();
        if (before != null) {
            again(before);
        }
        String preference = List.of("wait=1", "respond-async", "nothing").get(random.nextInt(3));
        Answer answer = calls.submit(plan, preference);
        boolean open = !answer.accepted() && (answer.status() == 0 || answer.status() >= 500 || answer.status() == 429);
        // One in eight asks again although it was answered, as impatient clients do.
        if ((open && random.nextBoolean()) || (answer.accepted() && random.nextInt(8) == 0)) {
            unknown.add(plan);
        }
    }

    private void again(Plan plan) throws InterruptedException {
        // A live upload that was broken is there with what had come, and is another request than the whole one.
        if (plan.form() == Plan.Form.LIVE) {
            return;
        }
        for (int times = 1; times < MOST_TIMES && calls.up(); times++) {
            if (calls.submit(plan, "respond-async").accepted()) {
                return;
            }
        }
        unknown.add(plan);
    }
}
