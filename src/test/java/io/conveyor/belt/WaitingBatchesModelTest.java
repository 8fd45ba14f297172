package io.conveyor.belt;

import static io.conveyor.Schedules.check;
import static io.conveyor.Schedules.explore;
import static io.conveyor.Schedules.together;

import io.conveyor.job.BatchRules;
import io.conveyor.store.BatchRef;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** The ring under every schedule: no batch is lost, and none is with two feeders. */
class WaitingBatchesModelTest {

    private static ActiveBatch batch(long number) {
        return new ActiveBatch(
                new BatchRef("default", number, "b" + number), BatchRules.NONE, 1_000_000, 0, settled -> {});
    }

    /** The backlog: batches that the store alone has. */
    private static final class Backlog implements WaitingBatches.Source {

        private final List<ActiveBatch> batches = new ArrayList<>();

        synchronized void add(ActiveBatch batch) {
            batches.add(batch);
        }

        @Override
        public synchronized WaitingBatches.Page next(long afterBatchNo) {
            List<ActiveBatch> found = List.copyOf(batches);
            batches.clear();
            found.forEach(batch -> batch.moveTo(ActiveBatch.Stage.WAITING));
            return new WaitingBatches.Page(found, 0);
        }
    }

    @Test
    void twoFeedersNeverHaveTheSameBatchAndEachHasItsTurn() {
        explore(400, () -> {
            WaitingBatches waiting = new WaitingBatches(new Backlog(), 4);
            AtomicInteger[] feeders = {new AtomicInteger(), new AtomicInteger()};
            AtomicInteger turns = new AtomicInteger();
            ActiveBatch first = batch(0);
            waiting.add(first);
            Runnable feeder = () -> turn(waiting, feeders, turns);
            together(feeder::run, feeder::run, () -> {
                waiting.add(batch(1));
                waiting.hurry(first);
            });
            check(turns.get() == 2, "turns: " + turns);
            check(waiting.size() == 2, "in the ring: " + waiting.size());
        });
    }

    private static void turn(WaitingBatches waiting, AtomicInteger[] feeders, AtomicInteger turns) {
        try {
            ActiveBatch mine = waiting.take();
            AtomicInteger its = feeders[(int) mine.ref().batchNo()];
            check(its.incrementAndGet() == 1, "two feeders have it");
            turns.incrementAndGet();
            its.decrementAndGet();
            waiting.add(mine);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** A feeder may be in the middle of its pass over the store when that happens. */
    @Test
    void whatIsParkedAndForgottenComesBackFromTheStore() {
        explore(300, () -> {
            Backlog backlog = new Backlog();
            WaitingBatches waiting = new WaitingBatches(backlog, 1);
            ActiveBatch second = batch(1);
            waiting.add(batch(0));
            waiting.add(second);
            check(second.stage() == ActiveBatch.Stage.PARKED, "there was room for it");
            together(
                    () -> {
                        waiting.take(); // the other one, which is done
                        check(waiting.take() == second, "it is not the one from the store");
                    },
                    () -> {
                        second.moveTo(ActiveBatch.Stage.FORGOTTEN);
                        backlog.add(second);
                        waiting.forgotten();
                    });
            check(waiting.size() == 0, "in the ring: " + waiting.size());
        });
    }

    @Test
    void aCloseEndsTheWaitOfEveryFeeder() {
        explore(200, () -> {
            WaitingBatches waiting = new WaitingBatches(new Backlog(), 4);
            together(waiting::take, waiting::take, waiting::close);
            check(waiting.take() == null, "closed");
        });
    }
}
